/* Standard output through one buffer, standard error line by line. */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

static int write_all(int fd, const char *p, size_t n)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };
	ssize_t written;

	while (n > 0) {
		written = write(fd, p, n);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0 && errno == EAGAIN) { /* what is shared may not block, as another wishes */
			(void)poll(&room, 1, -1);
			continue;
		}
		if (written < 0)
			return -errno;
		p += written;
		n -= (size_t)written;
	}
	return 0;
}

static void out_flush(struct program *p)
{
	int rc = p->out_error ? 0 : write_all(STDOUT_FILENO, p->out.p, p->out.n);

	if (rc)
		p->out_error = rc;
	p->out_used = p->out.n > p->out_used ? p->out.n : p->out_used;
	p->out.n = 0;
	p->out.p[0] = '\0';
}

/* struct text's hook. */
static bool out_room(struct text *t, size_t more)
{
	struct program *p = t->ctx;

	out_flush(p);
	return more < t->cap;
}

static bool env_is(const char *name, const char *value)
{
	const char *is = getenv(name);

	return is && strcmp(is, value) == 0;
}

/* No socket shall get the number of an output that is closed, and what is written there. Writing to what
 * is put in its place fails as before. */
static void fill_closed(int output)
{
	int null;

	if (fcntl(output, F_GETFD) >= 0)
		return;
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null >= 0 && null != output) {
		(void)dup2(null, output);
		close(null);
	}
}

void program_open(struct program *p, const char *name, char *buffer, size_t cap)
{
	(void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of write() */
	fill_closed(STDOUT_FILENO);
	fill_closed(STDERR_FILENO);
	*p = (struct program){ .name = name, .out = text_fixed(buffer, cap) };
	p->out.make_space = out_room;
	p->out.ctx = p;
	p->show_secrets = env_is("WG_HIDE_KEYS", "never");
	p->color = env_is("WG_COLOR_MODE", "always") ||
		   (!env_is("WG_COLOR_MODE", "never") && isatty(STDOUT_FILENO));
}

bool program_close(struct program *p)
{
	out_flush(p);
	mem_wipe(p->out.p, p->out_used);
	ipc_close(&p->ipc);
	if (p->out.failed && p->out_error == 0)
		p->out_error = -EMSGSIZE;
	if (p->out_error)
		complain("write: %s\n", strerror(-p->out_error));
	return p->out_error == 0;
}

void complain(const char *fmt, ...)
{
	char line[8192];
	struct text t = text_fixed(line, sizeof line);
	va_list ap;

	va_start(ap, fmt);
	text_vf(&t, fmt, ap);
	va_end(ap);
	(void)write_all(STDERR_FILENO, t.p, t.n);
}
