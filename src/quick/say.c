#include "say.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "grow.h"

const char *say_program = "wg-quick";

int say_bytes(int fd, const char *p, size_t n)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };

	while (n > 0) {
		ssize_t done = write(fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && errno == EAGAIN) { /* what is shared may not block, as another wishes */
			(void)poll(&room, 1, -1);
			continue;
		}
		if (done <= 0)
			return done < 0 ? -errno : -EIO;
		p += done;
		n -= (size_t)done;
	}
	return 0;
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

static void print_message(struct text *t, const struct diag_message *m)
{
	if (m->level == DIAG_WARNING && span_starts(span_of(m->text), "AllowedIP "))
		text_f(t, "Warning: %s\n", m->text); /* in wg's words, which scripts know */
	else
		diag_print(t, m, true);
}

void say_emit(void *ctx, const struct diag_message *m)
{
	struct text t = grow_text();

	(void)ctx;
	print_message(&t, m);
	say_bytes(STDERR_FILENO, t.p, t.n);
	grow_text_free(&t);
}

void remarks_init(struct remarks *r)
{
	*r = (struct remarks){ .t = grow_text() };
}

void remarks_emit(void *remarks, const struct diag_message *m)
{
	struct remarks *r = remarks;
	size_t from = r->t.n;

	print_message(&r->t, m);
	if (!r->t.failed && grow_array(&r->list, &r->cap, r->n + 1, sizeof *r->list)) {
		r->list[r->n++] = (struct remark){ m->at.line, from, r->t.n - from };
		return;
	}
	r->t.n = from;
	r->t.failed = false;
	say_emit(NULL, m);
}

void remarks_emit_errors(void *remarks, const struct diag_message *m)
{
	if (m->level == DIAG_ERROR)
		remarks_emit(remarks, m);
}

static int compare_lines(const void *one, const void *other)
{
	const struct remark *a = one, *b = other;

	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->from < b->from ? -1 : a->from > b->from;
}

void remarks_say(struct remarks *r)
{
	if (r->n > 0)
		qsort(r->list, r->n, sizeof *r->list, compare_lines);
	for (size_t i = 0; i < r->n; i++)
		say_bytes(STDERR_FILENO, r->t.p + r->list[i].from, r->list[i].n);
	grow_text_free(&r->t);
	free(r->list);
	*r = (struct remarks){ 0 };
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
	int r = t->t.n > 0 && !t->silent ? say_bytes(t->fd, t->t.p, t->t.n) : 0;

	if (t->error == 0)
		t->error = r;
	t->t.n = 0;
}

void trace_free(struct trace *t)
{
	trace_flush(t);
	grow_text_free(&t->t);
}
