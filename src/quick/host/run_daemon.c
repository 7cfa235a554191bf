/* Starts wireguardd with descriptors of a device in namespaces that it does not enter. */
#include "run_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/ipc.h"
#include "binding.h"
#include "process.h"
#include "report/output.h"
#include "report/report.h"
#include "run_channel.h"
#include "subprocess.h"

enum { VARIABLES = 10, VARIABLE_MAX = 4096 };

struct environment {
	char texts[VARIABLES][VARIABLE_MAX];
	char *list[VARIABLES + 1];
	size_t n;
};

static void add(struct environment *e, const char *name, const char *value)
{
	struct text t;

	if (!value || !value[0] || e->n == VARIABLES)
		return;
	t = text_fixed(e->texts[e->n], VARIABLE_MAX);
	text_f(&t, "%s=%s", name, value);
	if (!t.failed)
		e->list[e->n] = e->texts[e->n];
	e->n += !t.failed;
}

static void add_fds(struct environment *e, const char *name, const int *fds, size_t n)
{
	char text[128];
	struct text t = text_fixed(text, sizeof text);

	for (size_t i = 0; i < n && fds[i] >= 0; i++)
		text_f(&t, "%s%d", i > 0 ? "," : "", fds[i]);
	add(e, name, text);
}

/* Nothing of the caller's environment that is not meant for it: of a service it has NOTIFY_SOCKET. */
static void fill_environment(struct environment *e, const struct run_device *device, int listener,
			     const struct settings *set)
{
	static const char *const passed[] = { "LOG_LEVEL", "WG_LOG_FILE", "WG_NO_OFFLOAD" };
	const char *cpu = getenv("WG_CPU"), *threads = getenv("WG_THREADS");

	*e = (struct environment){ .n = 0 };
	for (size_t i = 0; i < ARRAY_LEN(passed); i++)
		add(e, passed[i], getenv(passed[i]));
	add(e, "WG_CPU", cpu ? cpu : set->cpu);
	add(e, "WG_THREADS", threads ? threads : set->threads);
	add_fds(e, "WG_TUN_FD", device->queues, device->n_queues);
	add_fds(e, "WG_LINK_FDS", device->sockets, RUN_SOCKETS);
	add_fds(e, "WG_UAPI_FD", &listener, 1);
}

static const char *find_program(void)
{
	static char sibling[PATH_MAX];
	struct text t = text_fixed(sibling, sizeof sibling);
	const char *folder = process_folder();

	text_f(&t, "%s/wireguardd", folder ? folder : "");
	return folder && !t.failed && access(sibling, X_OK) == 0 ? sibling : subprocess_find("wireguardd");
}

/* In the child. Signals of the terminal are not for it, and it keeps nothing open that was passed to the command. */
static void exec_daemon(const char *program, const struct run_device *device, int listener, int log, pid_t parent,
			const char *interface, const struct settings *set)
{
	static struct environment e;
	int keep[RUN_QUEUES_MAX + RUN_SOCKETS + 1], null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char *argv[] = { (char *)(uintptr_t)"wireguardd", (char *)(uintptr_t)"--foreground",
			 (char *)(uintptr_t)interface, NULL };
	size_t n = 0;
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || chdir("/") != 0)
		_exit(127);
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	for (size_t i = 0; i < device->n_queues; i++)
		keep[n++] = device->queues[i];
	for (size_t i = 0; i < RUN_SOCKETS; i++)
		if (device->sockets[i] >= 0)
			keep[n++] = device->sockets[i];
	keep[n++] = listener;
	run_close_others(keep, n);
	for (size_t i = 0; i < n; i++)
		fcntl(keep[i], F_SETFD, 0);
	fill_environment(&e, device, listener, set);
	execve(program, argv, e.list);
	_exit(errno == ENOENT ? 127 : 126);
}

/* A listening socket with an abstract address that the kernel chooses, and a connection to it. 0 or -errno. */
static int open_sockets(int *listener, int *connection)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t n = sizeof a.sun_family;
	int r = 0;

	*connection = -1;
	*listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*listener < 0)
		return -errno;
	if (bind(*listener, (struct sockaddr *)&a, n) != 0 || listen(*listener, 4) != 0)
		r = -errno;
	n = sizeof a;
	if (r == 0 && getsockname(*listener, (struct sockaddr *)&a, &n) != 0)
		r = -errno;
	if (r == 0)
		*connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (r == 0 && (*connection < 0 || connect(*connection, (struct sockaddr *)&a, n) != 0))
		r = -errno;
	/* The daemon accepts without waiting. */
	if (r == 0 && fcntl(*listener, F_SETFL, fcntl(*listener, F_GETFL) | O_NONBLOCK) != 0)
		r = -errno;
	return r;
}

static int report_not_started(struct run_daemon *d, int error)
{
	char text[1024];
	ssize_t n;

	run_daemon_end(d);
	n = d->log >= 0 ? read(d->log, text, sizeof text) : 0;
	if (error == -EPROTO || error == -EPIPE || error == -ECONNRESET)
		report_error("wireguardd ended during its start");
	else
		report_error("cannot start wireguardd: %s", strerror(-error));
	if (n > 0)
		report_write(STDERR_FILENO, text, (size_t)n);
	if (d->log >= 0)
		close(d->log);
	d->log = -1;
	return error;
}

static int spawn(struct run_daemon *d, const char *program, const struct run_device *device, int listener,
		 const char *interface, const struct settings *set)
{
	pid_t parent = getpid();
	int log[2];

	if (pipe2(log, O_CLOEXEC | O_NONBLOCK) != 0)
		return -errno;
	d->pid = fork();
	if (d->pid == 0)
		exec_daemon(program, device, listener, log[1], parent, interface, set);
	close(log[1]);
	d->log = log[0];
	if (d->pid > 0)
		return 0;
	d->pid = 0;
	return -errno;
}

enum { STATUS_REPORTED = 255 }; /* no error has this number */

/* Before it has keys, so that nothing leaves by other ways. Returns the exit status. */
static int set_up(int connection, const struct wg_device *patch, const struct wg_binding *binding)
{
	int r = binding_is_empty(binding) ? 0 : ipc_set_binding_connected(connection, binding);

	if (r == 0)
		return -ipc_set_connected(connection, patch);
	binding_report_error(&(struct step_bind){ .to = *binding }, r);
	return STATUS_REPORTED;
}

/* Its exit status is the error. The daemon may have ended: then there is no signal of the pipe. */
static int fork_setup(struct run_daemon *d, int connection, const struct wg_device *patch, const struct wg_binding *binding)
{
	pid_t parent = getpid();

	d->setup = fork();
	if (d->setup == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(ESRCH);
		_exit(set_up(connection, patch, binding));
	}
	close(connection);
	if (d->setup > 0)
		return 0;
	d->setup = 0;
	return -errno;
}

int run_daemon_start(struct run_daemon *d, const struct run_device *device, const struct wg_device *patch,
		     const struct wg_binding *binding, const struct settings *set)
{
	const char *program = find_program();
	int listener, connection, r;

	*d = (struct run_daemon){ .log = -1 };
	if (!program) {
		report_error("cannot find wireguardd");
		report_help("install it in the directory of wg-quick, or in one of PATH");
		return -ENOENT;
	}
	r = open_sockets(&listener, &connection);
	if (r == 0)
		r = spawn(d, program, device, listener, patch->name, set);
	if (listener >= 0)
		close(listener); /* if the daemon ends, the connection does */
	if (r == 0)
		r = fork_setup(d, connection, patch, binding);
	else if (connection >= 0)
		close(connection);
	return r < 0 ? report_not_started(d, r) : 0;
}

static bool has_ended(pid_t *pid, int *status)
{
	if (*pid <= 0 || waitpid(*pid, status, WNOHANG) != *pid)
		return false;
	*pid = 0;
	return true;
}

int run_daemon_reap(struct run_daemon *d)
{
	int status, error;

	if (has_ended(&d->setup, &status)) {
		error = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
		if (error == STATUS_REPORTED) {
			run_daemon_end(d);
			return -EADDRNOTAVAIL;
		}
		if (error > 0)
			return report_not_started(d, -error);
		d->is_ready = true;
	}
	if (d->setup > 0 || !has_ended(&d->pid, &status))
		return 0; /* the other process notices first that it has ended */
	if (d->log >= 0)
		close(d->log);
	*d = (struct run_daemon){ .log = -1 };
	return -ECHILD;
}

void run_daemon_read_log(struct run_daemon *d)
{
	char piece[1024];
	ssize_t n = read(d->log, piece, sizeof piece);

	if (n > 0 && getenv("LOG_LEVEL"))
		report_write(STDERR_FILENO, piece, (size_t)n);
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	close(d->log);
	d->log = -1;
}

static void end(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGKILL);
	while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		;
	*pid = 0;
}

void run_daemon_end(struct run_daemon *d)
{
	end(&d->setup);
	end(&d->pid);
	d->is_ready = false;
}
