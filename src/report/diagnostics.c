/* Printing of diagnostics, at once or sorted by line. */
#include "diagnostics.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/vector.h"
#include "output.h"
#include "report.h"

static void print_message(struct text *t, const struct diag_message *m)
{
	if (m->level == DIAG_WARNING && span_starts(span_of(m->text), "AllowedIP ")) {
		text_f(t, "Warning: %s\n", m->text); /* the text of upstream's wg, which scripts read */
		return;
	}
	if (m->at.file) {
		struct diag_message without_id = *m;
		without_id.id = NULL; /* only the checker prints it */
		diag_print(t, &without_id, true);
		return;
	}
	report_prefix(t);
	text_f(t, "%s%s\n", m->level == DIAG_WARNING ? "warning: " : "", m->text);
	if (m->help)
		text_f(t, "  help: %s\n", m->help);
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
	diagnostics_init(r);
}
