#include "report.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/vector.h"

const char *report_program = "wg-quick";

int report_write(int fd, const char *p, size_t n)
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

static void report_line(const char *before, const char *fmt, va_list ap)
{
	char line[1024];
	struct text t = text_fixed(line, sizeof line - 1);

	text_add(&t, before);
	text_vf(&t, fmt, ap);
	line[t.n++] = '\n';
	report_write(STDERR_FILENO, line, t.n);
}

void report_error(const char *fmt, ...)
{
	char before[64];
	struct text t = text_fixed(before, sizeof before);
	va_list ap;

	text_f(&t, "%s: ", report_program);
	va_start(ap, fmt);
	report_line(before, fmt, ap);
	va_end(ap);
}

void report_warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_line("[!] ", fmt, ap);
	va_end(ap);
}

static void print_message(struct text *t, const struct diag_message *m)
{
	if (m->level == DIAG_WARNING && span_starts(span_of(m->text), "AllowedIP "))
		text_f(t, "Warning: %s\n", m->text); /* in wg's words, which scripts know */
	else
		diag_print(t, m, true);
}

void report_diag(void *ctx, const struct diag_message *m)
{
	struct text t = text_heap();

	(void)ctx;
	print_message(&t, m);
	report_write(STDERR_FILENO, t.p, t.n);
	text_heap_free(&t);
}

void diagnostics_init(struct diagnostics *r)
{
	*r = (struct diagnostics){ .t = text_heap() };
}

void diagnostics_collect(void *diagnostics, const struct diag_message *m)
{
	struct diagnostics *r = diagnostics;
	size_t from = r->t.n;

	print_message(&r->t, m);
	if (!r->t.failed && vector_reserve(&r->list, &r->cap, r->n + 1, sizeof *r->list)) {
		r->list[r->n++] = (struct diagnostic){ m->at.line, from, r->t.n - from };
		return;
	}
	r->t.n = from;
	r->t.failed = false;
	report_diag(NULL, m);
}

void diagnostics_collect_errors(void *diagnostics, const struct diag_message *m)
{
	if (m->level == DIAG_ERROR)
		diagnostics_collect(diagnostics, m);
}

static int compare_lines(const void *one, const void *other)
{
	const struct diagnostic *a = one, *b = other;

	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->from < b->from ? -1 : a->from > b->from;
}

void diagnostics_print(struct diagnostics *r)
{
	if (r->n > 0)
		qsort(r->list, r->n, sizeof *r->list, compare_lines);
	for (size_t i = 0; i < r->n; i++)
		report_write(STDERR_FILENO, r->t.p + r->list[i].from, r->list[i].n);
	text_heap_free(&r->t);
	free(r->list);
	*r = (struct diagnostics){ 0 };
}

static bool trace_room(struct text *t, size_t more)
{
	struct command_trace *trace = container_of(t, struct command_trace, t);
	struct text grown = { .p = t->p, .n = t->n, .cap = t->cap, .room = text_heap().room };
	bool ok;

	if (t->n > 65536)
		command_trace_flush(trace);
	grown.n = t->n;
	ok = grown.room(&grown, more);
	t->p = grown.p;
	t->cap = grown.cap;
	return ok;
}

void command_trace_init(struct command_trace *t, int fd)
{
	*t = (struct command_trace){ .t = { .room = trace_room }, .fd = fd };
}

void command_trace_flush(struct command_trace *t)
{
	int r = t->t.n > 0 && !t->silent ? report_write(t->fd, t->t.p, t->t.n) : 0;

	if (t->error == 0)
		t->error = r;
	t->t.n = 0;
}

void command_trace_free(struct command_trace *t)
{
	command_trace_flush(t);
	text_heap_free(&t->t);
}
