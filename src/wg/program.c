/* Standard output through one buffer, and the environment variables of wg(8). */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "report/output.h"
#include "report/report.h"
#include "report/terminal.h"

void program_flush(struct program *p)
{
	int rc = p->out_error ? 0 : report_write(STDOUT_FILENO, p->out.p, p->out.n);

	if (rc)
		p->out_error = rc;
	p->out_used = p->out.n > p->out_used ? p->out.n : p->out_used;
	p->out.n = 0;
	p->out.p[0] = '\0';
}

/* The make_space callback. */
static bool out_make_space(struct text *t, size_t more)
{
	struct program *p = t->ctx;

	program_flush(p);
	return more < t->cap;
}

/* Occupies the descriptor of a closed output, so that no socket gets its number and receives the output. Writing to it
 * still fails with EBADF, as it is open for reading only. */
static void occupy_closed(int output)
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
	const char *hide_keys = getenv("WG_HIDE_KEYS"), *names = getenv("WG_SHOW_NAMES");

	(void)signal(SIGXFSZ, SIG_IGN); /* write(2) reports a file at its size limit */
	occupy_closed(STDOUT_FILENO);
	occupy_closed(STDERR_FILENO);
	*p = (struct program){ .name = name, .out = text_fixed(buffer, cap) };
	p->out.make_space = out_make_space;
	p->out.ctx = p;
	p->show_secrets = hide_keys && strcmp(hide_keys, "never") == 0;
	p->colour = terminal_has_colour(STDOUT_FILENO);
	if (names && strcmp(names, "always") == 0)
		p->show_names = SHOW_NAMES_ALWAYS;
	else if (names && strcmp(names, "never") == 0)
		p->show_names = SHOW_NAMES_NEVER;
}

bool program_close(struct program *p)
{
	program_flush(p);
	mem_wipe(p->out.p, p->out_used);
	ipc_close(&p->ipc);
	if (p->out.failed && p->out_error == 0)
		p->out_error = -EMSGSIZE;
	if (p->out_error)
		report_error("cannot write to standard output: %s", strerror(-p->out_error));
	return p->out_error == 0;
}
