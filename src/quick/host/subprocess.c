/* Runs other programs. */
#include "subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "fault_injection.h"
#include "entered_netns.h"
#include "signals.h"

int subprocess_status;

const char subprocess_default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const char *subprocess_find(const char *name)
{
	static char found[PATH_MAX];
	const char *path = getenv("PATH");
	struct span rest = span_of(path ? path : subprocess_default_path);
	struct span folder;
	struct stat st;

	if (strchr(name, '/'))
		return access(name, X_OK) == 0 ? name : NULL;
	while (span_next(&folder, &rest, ':')) {
		struct text t = text_fixed(found, sizeof found);
		text_span(&t, folder.n > 0 ? folder : SPAN("."));
		text_f(&t, "/%s", name);
		if (!t.failed && access(found, X_OK) == 0 && stat(found, &st) == 0 &&
		    S_ISREG(st.st_mode))
			return found;
	}
	return NULL;
}

static void clean_environment(void)
{
	static const char *const dangerous[] = { "BASH_ENV",   "ENV",	     "IFS",
						 "CDPATH",     "SHELLOPTS",  "BASHOPTS",
						 "GLOBIGNORE", "LD_PRELOAD", "LD_LIBRARY_PATH",
						 "LD_AUDIT",   "PS4" };

	for (size_t i = 0; i < ARRAY_LEN(dangerous); i++)
		unsetenv(dangerous[i]);
	for (char **e = environ; *e;) {
		char name[128];
		struct text t = text_fixed(name, sizeof name);
		struct span variable = span_of(*e);
		text_span(&t, span_sub(variable, 0, span_find(variable, '=')));
		if (span_starts(variable, "BASH_FUNC_") && !t.failed && unsetenv(name) == 0)
			e = environ;
		else
			e++;
	}
}

/* In the child. */
static void exec_program(const struct subprocess *r, const int in[2], const int out[2], pid_t parent)
{
	int null = r->quiet ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127); /* the parent died before prctl(2) */
	if (r->limit_s) {
		setpgid(0, 0);
		signal(SIGTTOU, SIG_IGN); /* in the background, it could not print warnings on a terminal with tostop, see stty(1) */
	}
	netns_leave_in_child();
	if (!r->function)
		signals_restore();
	if (in[0] >= 0)
		dup2(in[0], STDIN_FILENO);
	if (null >= 0) {
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
	}
	if (out[1] >= 0)
		dup2(out[1], STDOUT_FILENO);
	if (out[1] >= 0 && r->errors_too)
		dup2(out[1], STDERR_FILENO);
	if (r->function) {
		signals_stop_by_term();
		_exit(r->function(r->ctx));
	}
	if (r->hook)
		clean_environment();
	execvp(r->argv[0], (char *const *)(uintptr_t)r->argv);
	_exit(errno == ENOENT ? 127 : 126);
}

static void close_both(int p[2])
{
	for (int i = 0; i < 2; i++)
		if (p[i] >= 0)
			close(p[i]);
	p[0] = p[1] = -1;
}

/* A program that does not read all of its input is not an error. */
static int write_piece(int *to, struct span *input)
{
	ssize_t n = write(*to, input->p, input->n);
	int r = n < 0 && errno != EINTR && errno != EPIPE ? -errno : 0;

	if (n > 0)
		*input = span_sub(*input, (size_t)n, input->n);
	if ((n < 0 && errno != EINTR) || input->n == 0) {
		close(*to);
		*to = -1;
	}
	return r;
}

static int read_piece(int *from, struct text *output)
{
	char piece[4096];
	ssize_t n = read(*from, piece, sizeof piece);
	int r = n < 0 && errno != EINTR ? -errno : 0;

	if (n > 0)
		text_span(output, (struct span){ piece, (size_t)n });
	if (n == 0 || r < 0) {
		close(*from);
		*from = -1;
	}
	return r;
}

/* A program that has been started. With a limit, it is the first process of a new group. */
struct child {
	pid_t pid;
	uint64_t end_ms; /* NEVER: no limit */
	bool interrupted; /* the signal has been passed on, or was there before: what undoes the rest is not interrupted */
};

static int time_left_ms(const struct child *c)
{
	uint64_t now_ms = c->end_ms == NEVER ? 0 : clock_monotonic_ms();

	return c->end_ms == NEVER ? -1 : now_ms < c->end_ms ? (int)(c->end_ms - now_ms) : 0;
}

/* The terminal interrupts its own group of processes only. */
static void pass_interrupt(struct child *c)
{
	if (c->end_ms == NEVER || c->interrupted || stop_signal != SIGINT)
		return;
	c->interrupted = true;
	(void)kill(-c->pid, SIGINT);
}

/* A program that reads and writes would block if this did one after the other. Writing blocks, so where there is both
 * input and output, the input must not exceed the capacity of a pipe. 0, or the first -errno. */
static int exchange(const struct subprocess *r, struct child *c, int *to, int *from)
{
	struct span input = r->input;
	int error = 0;

	while (*to >= 0 || *from >= 0) {
		struct pollfd p[2] = { { .fd = *to, .events = POLLOUT },
				       { .fd = *from, .events = POLLIN } };
		int e = 0, n = poll(p, 2, time_left_ms(c));
		if (n < 0) {
			if (errno == EINTR) {
				pass_interrupt(c);
				continue;
			}
			p[*to < 0].revents = POLLERR; /* without poll(2): first all input, then all output */
		}
		if (n == 0)
			return -ETIMEDOUT;
		if (p[0].revents)
			e = write_piece(to, &input);
		if (e == 0 && p[1].revents)
			e = read_piece(from, r->output);
		error = error ? error : e;
	}
	return error;
}

static int status_of(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* -ETIMEDOUT at end_ms. Most of these programs run for some milliseconds. */
static int wait_until(struct child *c, uint64_t end_ms)
{
	enum { STEP_MAX_MS = 32 };
	unsigned int step_ms = 1;
	int status;

	for (;;) {
		pid_t ended = waitpid(c->pid, &status, WNOHANG);
		if (ended > 0)
			return status_of(status);
		if (ended < 0 && errno != EINTR)
			return -errno;
		if (clock_monotonic_ms() >= end_ms)
			return -ETIMEDOUT;
		pass_interrupt(c);
		clock_wait_ms(step_ms);
		step_ms = step_ms < STEP_MAX_MS ? 2 * step_ms : STEP_MAX_MS;
	}
}

static int wait_for(struct child *c)
{
	int status;

	if (c->end_ms != NEVER)
		return wait_until(c, c->end_ms);
	while (waitpid(c->pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status_of(status);
}

/* One that the kernel cannot end, such as one that waits for a dead file server, is left alone. */
static int kill_all(struct child *c)
{
	enum { END_MS = 1000 };

	(void)kill(-c->pid, SIGKILL);
	(void)wait_until(c, clock_monotonic_ms() + END_MS);
	return -ETIMEDOUT;
}

int subprocess_run(const struct subprocess *r)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, status, error;
	struct child c = { .end_ms = r->limit_s ? clock_monotonic_ms() + 1000ull * r->limit_s : NEVER,
			   .interrupted = stop_signal == SIGINT };
	pid_t parent = getpid();

	if (fault_injected(r->argv[0]))
		return 1;
	if ((r->input.p && pipe2(in, O_CLOEXEC) < 0) || (r->output && pipe2(out, O_CLOEXEC) < 0)) {
		status = -errno;
		close_both(in);
		return status;
	}
	c.pid = fork();
	if (c.pid == 0)
		exec_program(r, in, out, parent);
	if (c.pid > 0) {
		if (r->limit_s)
			(void)setpgid(c.pid, c.pid); /* as the child does, which may not have run yet */
		signals_set_child(c.pid);
		if (in[0] >= 0)
			close(in[0]);
		if (out[1] >= 0)
			close(out[1]);
		in[0] = out[1] = -1;
		error = exchange(r, &c, &in[1], &out[0]);
		status = error == -ETIMEDOUT ? error : wait_for(&c);
		if (status == -ETIMEDOUT)
			status = kill_all(&c);
		if (status == 0 && error == 0 && r->output && r->output->failed)
			error = -ENOMEM;
		status = status ? status : error;
		signals_set_child(0);
	} else {
		status = -errno;
	}
	close_both(in);
	close_both(out);
	if (status != 0)
		subprocess_status = status > 0 ? status : 1;
	return status;
}

int subprocess_run_args(const struct subprocess *like, const char *program, ...)
{
	struct subprocess r = *like;
	const char *argv[16] = { NULL };
	size_t n = 0;
	va_list ap;

	va_start(ap, program);
	for (const char *word = program; word && n < ARRAY_LEN(argv) - 1; word = va_arg(ap, const char *))
		argv[n++] = word;
	va_end(ap);
	r.argv = argv;
	return subprocess_run(&r);
}
