#include "say.h"

#include <errno.h>
#include <unistd.h>

#include "grow.h"

const char *say_program = "wg-quick";

void say_bytes(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return;
		p += done;
		n -= (size_t)done;
	}
}

static void say_line(const char *before, const char *fmt, va_list ap)
{
	char line[1024];
	struct text t = text_fixed(line, sizeof line - 1);

	text_add(&t, before);
	text_vf(&t, fmt, ap);
	line[t.n++] = '\n';
	say_bytes(STDERR_FILENO, line, t.n);
}

void say_error(const char *fmt, ...)
{
	char before[64];
	struct text t = text_fixed(before, sizeof before);
	va_list ap;

	text_f(&t, "%s: ", say_program);
	va_start(ap, fmt);
	say_line(before, fmt, ap);
	va_end(ap);
}

void say_warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_line("[!] ", fmt, ap);
	va_end(ap);
}

void say_emit(void *ctx, const struct diag_message *m)
{
	struct text t = grow_text();

	(void)ctx;
	if (m->level == DIAG_WARNING && span_starts(span_of(m->text), "AllowedIP "))
		text_f(&t, "Warning: %s\n", m->text); /* in wg's words, which scripts know */
	else
		diag_print(&t, m, true);
	say_bytes(STDERR_FILENO, t.p, t.n);
	grow_text_free(&t);
}

static bool trace_room(struct text *t, size_t more)
{
	struct trace *trace = container_of(t, struct trace, t);
	struct text grown = { .p = t->p, .n = t->n, .cap = t->cap, .room = grow_text().room };
	bool ok;

	if (t->n > 65536)
		trace_flush(trace);
	grown.n = t->n;
	ok = grown.room(&grown, more);
	t->p = grown.p;
	t->cap = grown.cap;
	return ok;
}

void trace_init(struct trace *t, int fd)
{
	*t = (struct trace){ .t = { .room = trace_room }, .fd = fd };
}

void trace_flush(struct trace *t)
{
	if (t->t.n > 0 && !t->silent)
		say_bytes(t->fd, t->t.p, t->t.n);
	t->t.n = 0;
}

void trace_free(struct trace *t)
{
	trace_flush(t);
	grow_text_free(&t->t);
}
