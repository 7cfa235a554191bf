/* Edits are collected per line and applied when the text is printed. */
#include "section_editor.h"

#include <stdlib.h>

#include "base/mem.h"
#include "model/conf.h"

/* Key and value as wg(8) reads them: without the comment, blanks trimmed. */
static bool split_line(struct span line, struct span *key, struct span *value)
{
	size_t equals;

	line = conf_without_comment(line);
	equals = span_find(line, '=');
	if (equals == line.n)
		return false;
	*key = span_trim(span_sub(line, 0, equals));
	*value = span_trim(span_sub(line, equals + 1, line.n));
	return true;
}

static bool line_has_key(struct span line, const char *wanted, struct span *value)
{
	struct span key;

	return split_line(line, &key, value) && span_is_spaced(key, wanted);
}

bool section_editor_init(struct section_editor *e, struct span text)
{
	struct span line;

	*e = (struct section_editor){ .ends_in_newline = text.n > 0 && text.p[text.n - 1] == '\n',
				      .before_all = text_heap(), .after_all = text_heap() };
	while (span_next(&line, &text, '\n')) {
		if (!text.p && line.n == 0)
			break;
		if (!vector_reserve(&e->lines, &e->cap_lines, e->n_lines + 1, sizeof *e->lines))
			return false;
		e->lines[e->n_lines++] = line;
	}
	e->crlf = e->n_lines > 0 && e->lines[0].n > 0 && e->lines[0].p[e->lines[0].n - 1] == '\r';
	e->deleted = calloc(e->n_lines + 1, sizeof *e->deleted);
	e->removed = calloc(e->n_lines + 1, sizeof *e->removed);
	e->replaced = calloc(e->n_lines + 1, sizeof *e->replaced);
	e->after = calloc(e->n_lines + 1, sizeof *e->after);
	if (!e->deleted || !e->removed || !e->replaced || !e->after)
		return false;
	for (size_t i = 0; i < e->n_lines; i++)
		e->after[i] = text_heap();
	return sections_find(&e->sections, e->lines, e->n_lines);
}

void section_editor_free(struct section_editor *e)
{
	for (size_t i = 0; e->replaced && i < e->n_lines; i++) {
		if (e->replaced[i])
			mem_wipe(e->replaced[i], strlen(e->replaced[i])); /* may hold a key */
		free(e->replaced[i]);
	}
	for (size_t i = 0; e->after && i < e->n_lines; i++)
		text_heap_free(&e->after[i]);
	text_heap_free(&e->before_all);
	text_heap_free(&e->after_all);
	sections_free(&e->sections);
	free(e->lines);
	free(e->deleted);
	free(e->removed);
	free(e->replaced);
	free(e->after);
	*e = (struct section_editor){ 0 };
}

/* ---- blank lines around removed sections ---- */

/* Lines without printed text other than blank lines. */
struct gap {
	size_t from, to;
	size_t blanks;   /* printed blank lines */
	size_t longest;  /* the most of them without a removed section in between */
	size_t sections; /* removed runs of lines */
};

static bool is_printed(const struct section_editor *e, size_t line)
{
	return !e->deleted[line] && !e->removed[line];
}

static bool is_in_gap(const struct section_editor *e, size_t line)
{
	return e->after[line].n == 0 && (!is_printed(e, line) || line_kind(e->lines[line]) == LINE_BLANK);
}

static struct gap find_gap(const struct section_editor *e, size_t from)
{
	struct gap g = { .from = from, .to = from };
	size_t adjacent = 0;

	for (; g.to < e->n_lines && is_in_gap(e, g.to); g.to++) {
		bool removed = e->removed[g.to];
		if (removed && (g.to == from || !e->removed[g.to - 1]))
			g.sections++;
		adjacent = removed ? 0 : adjacent + is_printed(e, g.to);
		g.blanks += is_printed(e, g.to);
		g.longest = adjacent > g.longest ? adjacent : g.longest;
	}
	return g;
}

/* In the middle of the file sections stay as far apart as they were. At its ends each removed section takes one blank
 * line with it: the one that section_editor_append() added. */
static void close_gap(struct section_editor *e, const struct gap *g)
{
	bool at_edge = g->from == 0 || g->to == e->n_lines;
	size_t at_edges = g->blanks > g->sections ? g->blanks - g->sections : 0;
	size_t surplus = g->sections ? g->blanks - (at_edge ? at_edges : g->longest) : 0;

	for (size_t i = g->to; surplus > 0 && i > g->from; i--)
		if (is_printed(e, i - 1)) {
			e->deleted[i - 1] = true;
			surplus--;
		}
}

static void close_gaps(struct section_editor *e)
{
	for (size_t from = 0; from < e->n_lines;) {
		struct gap g = find_gap(e, from);
		close_gap(e, &g);
		from = g.to + 1;
	}
}

/* ---- printing ---- */

static void print_new_lines(const struct section_editor *e, struct text *out, const struct text *lines)
{
	struct span rest = text_of(lines), line;

	while (rest.n > 0 && span_next(&line, &rest, '\n')) {
		text_span(out, line);
		text_add(out, e->crlf ? "\r\n" : "\n");
	}
}

void section_editor_print(struct section_editor *e, struct text *out)
{
	const char *newline = e->crlf ? "\r\n" : "\n";
	size_t begin = out->n;
	bool ended = true, separate = e->before_all.n > 0;

	close_gaps(e);
	print_new_lines(e, out, &e->before_all);
	for (size_t i = 0; i < e->n_lines; i++) {
		if (is_printed(e, i)) {
			if (separate && line_kind(e->lines[i]) != LINE_BLANK)
				text_add(out, newline);
			separate = false;
			text_span(out, e->replaced[i] ? span_of(e->replaced[i]) : e->lines[i]);
			ended = i + 1 < e->n_lines || e->ends_in_newline;
			text_add(out, ended ? "\n" : "");
		}
		text_add(out, !ended && e->after[i].n > 0 ? newline : "");
		ended |= e->after[i].n > 0;
		print_new_lines(e, out, &e->after[i]);
	}
	if (e->after_all.n > 0) {
		text_add(out, ended ? "" : newline);
		text_add(out, out->n > begin ? newline : "");
		print_new_lines(e, out, &e->after_all);
	}
}

/* ---- settings ---- */

static bool section_has_key(const struct section_editor *e, const struct section *s, const char *key)
{
	struct span value;

	for (size_t i = s->header + 1; i <= s->last; i++)
		if (line_has_key(e->lines[i], key, &value))
			return true;
	return false;
}

const struct section *section_editor_interface(const struct section_editor *e, const char *key)
{
	const struct section *first = NULL;

	for (size_t i = e->sections.n; i-- > 0;) {
		const struct section *s = &e->sections.list[i];
		if (s->is_peer)
			continue;
		first = s;
		if (section_has_key(e, s, key))
			return s;
	}
	return first;
}

static void delete_line(struct section_editor *e, size_t line)
{
	e->deleted[line] = true;
	e->changed = true;
}

/* `old` is the part of the original line that the new value replaces. */
static bool replace_value(struct section_editor *e, size_t line, struct span old, const char *value)
{
	struct span whole = e->lines[line];
	struct text t = text_heap();

	text_span(&t, (struct span){ whole.p, (size_t)(old.p - whole.p) });
	text_add(&t, value);
	text_span(&t, (struct span){ old.p + old.n, (size_t)(whole.p + whole.n - old.p) - old.n });
	if (t.failed) {
		text_heap_free(&t);
		return false;
	}
	free(e->replaced[line]);
	e->replaced[line] = t.p;
	e->changed = true;
	return true;
}

bool section_editor_add_after(struct section_editor *e, const struct section *s, size_t line, const char *key,
			      const char *value)
{
	struct text *at = s ? &e->after[line] : &e->before_all;

	if (!s && at->n == 0)
		text_add(at, "[Interface]\n");
	text_f(at, "%s = %s\n", key, value);
	e->changed = true;
	return !at->failed;
}

bool section_editor_add(struct section_editor *e, const struct section *s, const char *key, const char *value)
{
	return section_editor_add_after(e, s, s ? s->last : 0, key, value);
}

bool section_editor_set(struct section_editor *e, const struct section *s, const char *key, const char *value,
			bool *found)
{
	struct span old;

	*found = false;
	/* Backwards: of several lines with this key, the last is the effective one. */
	for (size_t i = s->last + 1; i-- > s->header + 1;) {
		if (!line_has_key(e->lines[i], key, &old))
			continue;
		if (*found || !value)
			delete_line(e, i);
		else if (!replace_value(e, i, old, value))
			return false;
		*found = true;
	}
	return true;
}

/* ---- whole sections ---- */

void section_editor_remove_section(struct section_editor *e, const struct section *s)
{
	section_mark_own(e->removed, s, e->lines);
	e->changed = true;
}

bool section_editor_append(struct section_editor *e, struct span sections)
{
	text_add(&e->after_all, e->after_all.n > 0 ? "\n" : "");
	text_span(&e->after_all, sections);
	e->changed = true;
	return !e->after_all.failed;
}

/* ---- lists ---- */

struct list_line list_line_none(const struct section_editor *e)
{
	return (struct list_line){ .line = e->n_lines, .items = text_heap() };
}

static bool filter_line(struct section_editor *e, size_t line, struct span value, list_filter *filter, void *ctx,
			struct list_line *last)
{
	struct text kept = text_heap();
	struct span rest = value, item;
	enum list_item verdict;
	bool deleted = false, ok = true;

	while ((verdict = filter(ctx, &rest, &item)) != LIST_END) {
		deleted |= verdict == LIST_DELETE;
		if (verdict == LIST_DELETE)
			continue;
		text_add(&kept, kept.n > 0 ? ", " : "");
		text_span(&kept, item);
	}
	if (deleted && kept.n == 0)
		delete_line(e, line);
	else if (deleted)
		ok = !kept.failed && replace_value(e, line, value, kept.p);
	if (kept.n > 0 || last->items.n == 0) {
		text_heap_free(&last->items);
		*last = (struct list_line){ line, value, kept };
	} else {
		text_heap_free(&kept);
	}
	return ok;
}

bool section_editor_filter(struct section_editor *e, const struct section *s, const char *key,
			   list_filter *filter, void *ctx, struct list_line *last)
{
	struct span value;

	for (size_t i = s->header + 1; i <= s->last; i++)
		if (line_has_key(e->lines[i], key, &value) && !filter_line(e, i, value, filter, ctx, last))
			return false;
	return true;
}

bool section_editor_set_items(struct section_editor *e, const struct list_line *last)
{
	if (last->items.failed || !replace_value(e, last->line, last->value, last->items.p))
		return false;
	e->deleted[last->line] = false;
	return true;
}
