/* Edits the text of a tunnel file by section and key. */
#include "section_editor.h"

#include <stdlib.h>

#include "base/mem.h"
#include "model/conf.h"

static bool is_comment(struct span line)
{
	line = span_trim(line);
	return line.n > 0 && line.p[0] == '#';
}

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

	return split_line(line, &key, value) && span_is_nocase(key, wanted);
}

static bool add_section(struct section_editor *e, size_t line, bool is_peer)
{
	size_t above = line;

	if (!vector_reserve(&e->sections, &e->cap_sections, e->n_sections + 1, sizeof *e->sections))
		return false;
	while (above > 0 && is_comment(e->lines[above - 1]))
		above--;
	e->sections[e->n_sections++] = (struct section){ .header = line, .comment = above, .is_peer = is_peer };
	return true;
}

/* A section ends before the comments of the next one, and before the blank lines that separate them. */
static void find_ends(struct section_editor *e)
{
	for (size_t i = 0; i < e->n_sections; i++) {
		struct section *s = &e->sections[i];
		s->end = i + 1 < e->n_sections ? e->sections[i + 1].comment : e->n_lines;
		while (s->end > s->header + 1 && span_trim(e->lines[s->end - 1]).n == 0)
			s->end--;
	}
}

static bool find_sections(struct section_editor *e)
{
	for (size_t i = 0; i < e->n_lines; i++) {
		struct span code = span_trim(conf_without_comment(e->lines[i])), value;
		struct section *last = e->n_sections ? &e->sections[e->n_sections - 1] : NULL;
		if (code.n > 0 && code.p[0] == '[') {
			if (!add_section(e, i, span_is_nocase(code, "[Peer]")))
				return false;
		} else if (last && last->is_peer && line_has_key(e->lines[i], "PublicKey", &value) &&
			   !key_from_base64(last->key.b, value)) {
			return false;
		}
	}
	find_ends(e);
	return true;
}

bool section_editor_init(struct section_editor *e, struct span text)
{
	struct span line;

	*e = (struct section_editor){ 0 };
	while (span_next(&line, &text, '\n')) {
		if (!text.p && line.n == 0)
			break;
		if (!vector_reserve(&e->lines, &e->cap_lines, e->n_lines + 1, sizeof *e->lines))
			return false;
		e->lines[e->n_lines++] = line;
	}
	e->deleted = calloc(e->n_lines + 1, sizeof *e->deleted);
	e->replaced = calloc(e->n_lines + 1, sizeof *e->replaced);
	e->after = calloc(e->n_lines + 1, sizeof *e->after);
	if (!e->deleted || !e->replaced || !e->after)
		return false;
	for (size_t i = 0; i <= e->n_lines; i++)
		e->after[i] = text_heap();
	return find_sections(e);
}

void section_editor_free(struct section_editor *e)
{
	for (size_t i = 0; e->replaced && i < e->n_lines; i++) {
		if (e->replaced[i])
			mem_wipe(e->replaced[i], strlen(e->replaced[i])); /* may hold a key */
		free(e->replaced[i]);
	}
	for (size_t i = 0; e->after && i <= e->n_lines; i++)
		text_heap_free(&e->after[i]);
	free(e->lines);
	free(e->sections);
	free(e->deleted);
	free(e->replaced);
	free(e->after);
	*e = (struct section_editor){ 0 };
}

void section_editor_print(const struct section_editor *e, struct text *out)
{
	for (size_t i = 0; i < e->n_lines; i++) {
		if (!e->deleted[i]) {
			text_span(out, e->replaced[i] ? span_of(e->replaced[i]) : e->lines[i]);
			text_char(out, '\n');
		}
		text_span(out, text_of(&e->after[i]));
	}
	text_span(out, text_of(&e->after[e->n_lines]));
}

const struct section *section_editor_interface(const struct section_editor *e, const char *key)
{
	const struct section *first = NULL;
	struct span value;

	for (size_t i = e->n_sections; i-- > 0;) {
		const struct section *s = &e->sections[i];
		if (s->is_peer)
			continue;
		first = s;
		for (size_t k = s->header + 1; k < s->end; k++)
			if (line_has_key(e->lines[k], key, &value))
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

bool section_editor_set(struct section_editor *e, const struct section *s, const char *key, const char *value)
{
	bool done = value[0] == '\0';
	struct span old;

	/* Backwards: of several lines with this key, the last is the effective one. */
	for (size_t i = s->end; i-- > s->header + 1;) {
		if (!line_has_key(e->lines[i], key, &old))
			continue;
		if (done)
			delete_line(e, i);
		else if (!replace_value(e, i, old, value))
			return false;
		done = true;
	}
	if (done)
		return true;
	text_f(&e->after[s->end - 1], "%s = %s\n", key, value);
	e->changed = true;
	return !e->after[s->end - 1].failed;
}

void section_editor_delete_section(struct section_editor *e, const struct section *s)
{
	for (size_t i = s->comment; i < s->end; i++)
		delete_line(e, i);
}

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
	if (kept.n > 0) {
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

	for (size_t i = s->header + 1; i < s->end; i++)
		if (line_has_key(e->lines[i], key, &value) && !filter_line(e, i, value, filter, ctx, last))
			return false;
	return true;
}

bool section_editor_set_items(struct section_editor *e, const struct list_line *last)
{
	return !last->items.failed && replace_value(e, last->line, last->value, last->items.p);
}
