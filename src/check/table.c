/* The table of findings, and the pages about them. */
#include "finding.h"

static const struct finding_group *const groups[] = {
	&findings_of_text, &findings_of_values, &findings_of_peers, &findings_of_routes,
	&findings_of_route_keys, &findings_of_kill_switch, &findings_of_binding, &findings_of_hooks,
	&findings_of_other_ends,
};

const struct finding *finding_at(size_t i)
{
	for (size_t g = 0; g < ARRAY_LEN(groups); g++) {
		if (i < groups[g]->n)
			return &groups[g]->list[i];
		i -= groups[g]->n;
	}
	return NULL;
}

const struct finding *finding_by_id(const char *id)
{
	const struct finding *f;

	for (size_t i = 0; (f = finding_at(i)); i++)
		if (strcmp(f->id, id) == 0)
			return f;
	return NULL;
}

/* The finding that has exactly i others before it in the alphabet. */
static const struct finding *finding_in_order(size_t i)
{
	const struct finding *f, *other;

	for (size_t k = 0; (f = finding_at(k)); k++) {
		size_t before = 0;
		for (size_t l = 0; (other = finding_at(l)); l++)
			before += strcmp(other->id, f->id) < 0;
		if (before == i)
			return f;
	}
	return NULL;
}

const char *check_id(size_t i)
{
	const struct finding *f = finding_in_order(i);

	return f ? f->id : NULL;
}

const char *check_title(size_t i)
{
	const struct finding *f = finding_in_order(i);

	return f ? f->title : NULL;
}

/* ---- pages ---- */

enum { PAGE_COLUMNS = 78 };

/* Wraps a text at blanks. */
static void explain_text(struct text *t, const char *label, const char *text)
{
	struct span rest = span_of(text), word;
	size_t column = 0;

	text_f(t, "\n%s\n", label);
	while (span_next(&word, &rest, ' ')) {
		if (column > 0 && column + 1 + word.n > PAGE_COLUMNS) {
			text_char(t, '\n');
			column = 0;
		}
		text_add(t, column > 0 ? " " : "  ");
		text_span(t, word);
		column += word.n + (column > 0 ? 1 : 2);
	}
	text_char(t, '\n');
}

static void explain_example(struct text *t, const char *label, const char *text)
{
	struct span rest = span_of(text), line;

	text_f(t, "\n%s\n", label);
	while (span_next(&line, &rest, '\n'))
		text_f(t, "%s%.*s\n", line.n > 0 ? "    " : "", (int)line.n, line.p);
}

bool check_explain(struct text *t, const char *id)
{
	const struct finding *f = finding_by_id(strcmp(id, "crlf") == 0 ? "dos-line-ends" : id); /* a word people search for */

	if (!f)
		return false;
	text_f(t, "%s (%s): %s\n", f->id, diag_level_name(f->level), f->title);
	explain_text(t, "Why", f->why);
	explain_example(t, "Wrong", f->wrong);
	explain_example(t, "Right", f->right);
	explain_text(t, "How to fix it", f->fix);
	return true;
}
