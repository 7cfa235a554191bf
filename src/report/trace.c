/* A text buffer that is written when it is flushed or large. */
#include "trace.h"

#include "base/vector.h"
#include "output.h"

enum { TRACE_BYTES_MAX = 65536 }; /* written before a flush beyond this size */

/* The make_space callback of the text. */
static bool trace_grow(struct text *t, size_t more)
{
	struct command_trace *trace = container_of(t, struct command_trace, t);
	struct text grown = { .p = t->p, .n = t->n, .cap = t->cap, .make_space = text_heap().make_space };
	bool ok;

	if (t->n > TRACE_BYTES_MAX)
		command_trace_flush(trace);
	grown.n = t->n;
	ok = grown.make_space(&grown, more);
	t->p = grown.p;
	t->cap = grown.cap;
	return ok;
}

void command_trace_init(struct command_trace *t, int fd)
{
	*t = (struct command_trace){ .t = { .make_space = trace_grow }, .fd = fd };
}

void command_trace_flush(struct command_trace *t)
{
	int r = t->t.n > 0 && !t->silent && !t->quiet ? report_write(t->fd, t->t.p, t->t.n) : 0;

	if (t->error == 0)
		t->error = r;
	t->t.n = 0;
	if (t->t.p)
		t->t.p[0] = '\0';
}

void command_trace_free(struct command_trace *t)
{
	command_trace_flush(t);
	text_heap_free(&t->t);
}
