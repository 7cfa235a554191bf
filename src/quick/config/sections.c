/* Finds headers first, then the comments between them. */
#include "sections.h"

#include <stdlib.h>

#include "model/conf.h"

/* ---- kinds of lines ---- */

static bool is_alphanumeric(char c)
{
	c = ascii_lower(c);
	return ascii_is_digit(c) || (c >= 'a' && c <= 'z');
}

static struct span without_hashes(struct span comment)
{
	while (comment.n > 0 && (comment.p[0] == '#' || ascii_is_blank(comment.p[0])))
		comment = span_sub(comment, 1, comment.n);
	return span_trim(comment);
}

/* X of "### WORD X ###", "# --- WORD X ---", "# <WORD X>"; false: it is no such marker. */
static bool is_marker(struct span *label, struct span comment, const char *word)
{
	size_t n = strlen(word);

	while (comment.n > 0 && !is_alphanumeric(comment.p[0]) && (uint8_t)comment.p[0] < 0x80)
		comment = span_sub(comment, 1, comment.n);
	while (comment.n > 0 && !is_alphanumeric(comment.p[comment.n - 1]) &&
	       (uint8_t)comment.p[comment.n - 1] < 0x80)
		comment.n--;
	*label = span_trim(span_sub(comment, n, comment.n));
	return span_is_nocase(span_sub(comment, 0, n), word) &&
	       (comment.n == n || ascii_is_blank(comment.p[n]));
}

static enum line_kind kind_of_comment(struct span comment)
{
	struct span text = without_hashes(comment), label;
	size_t equals = span_find(text, '=');
	struct span key = span_sub(text, 0, equals);

	if (text.n > 0 && text.p[0] == '[') {
		text = span_sub(text, 0, span_find(text, ']') + 1);
		if (span_is_spaced(text, "[Peer]") || span_is_spaced(text, "[Interface]"))
			return LINE_OLD_HEADER;
	}
	if (equals < text.n && conf_is_key(key))
		return LINE_OLD_SETTING;
	if (equals < text.n && (span_is_spaced(key, "Name") || span_is_spaced(key, "friendly_name")))
		return LINE_NAME;
	if (is_marker(&label, comment, "end"))
		return LINE_END;
	return is_marker(&label, comment, "begin") || is_marker(&label, comment, "start") ? LINE_BEGIN :
											      LINE_COMMENT;
}

enum line_kind line_kind(struct span line)
{
	line = span_trim(line);
	if (line.n == 0)
		return LINE_BLANK;
	return line.p[0] == '#' ? kind_of_comment(line) : LINE_CODE;
}

static bool is_comment(enum line_kind k)
{
	return k != LINE_BLANK && k != LINE_CODE;
}

/* ---- sections ---- */

static bool find_headers(struct sections *out, const struct span lines[], const uint8_t kinds[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct span code;
		if (kinds[i] != LINE_CODE)
			continue;
		code = span_trim(conf_without_comment(lines[i]));
		if (code.n > 0 && code.p[0] == '[') {
			if (!vector_reserve(&out->list, &out->cap, out->n + 1, sizeof *out->list))
				return false;
			out->list[out->n++] = (struct section){ .header = i,
								.is_peer = span_is_spaced(code, "[Peer]") };
		}
		if (out->n > 0)
			out->list[out->n - 1].last = i;
	}
	return true;
}

/* True if a comment from here to the next blank line, or on to the end, reaches line `to`. */
static bool is_attached(size_t from, size_t to, const uint8_t kinds[])
{
	while (from < to && is_comment((enum line_kind)kinds[from]))
		from++;
	return from == to;
}

/* A block that contains more than this section keeps its first marker. */
static bool owns_begin(const struct section *s, size_t next, size_t line, const struct span lines[],
		       const uint8_t kinds[], bool any_end)
{
	struct span begin, end;

	if (!is_marker(&begin, lines[line], "begin") && !is_marker(&begin, lines[line], "start"))
		return false;
	for (size_t i = s->last + 1; i < next && is_comment((enum line_kind)kinds[i]); i++)
		if (is_marker(&end, lines[i], "end") && span_equal(begin, end))
			return true;
	return !any_end;
}

static size_t first_own_line(const struct sections *all, size_t i, size_t next, const struct span lines[],
			     const uint8_t kinds[], bool any_end)
{
	const struct section *s = &all->list[i];
	bool attached = i > 0 && is_attached(all->list[i - 1].last + 1, s->header, kinds);
	size_t first = s->header;

	while (first > 0) {
		enum line_kind k = (enum line_kind)kinds[first - 1];
		if (k != LINE_COMMENT && !(k == LINE_NAME && !attached) &&
		    !(k == LINE_BEGIN && owns_begin(s, next, first - 1, lines, kinds, any_end)))
			break;
		first--;
	}
	return first;
}

static size_t end_of_own_lines(const struct section *s, size_t next, size_t n, const uint8_t kinds[])
{
	bool attached = next < n && is_attached(s->last + 1, next, kinds);
	size_t end = s->last + 1;

	while (end < next && (kinds[end] == LINE_OLD_SETTING || (kinds[end] == LINE_NAME && !attached)))
		end++;
	return end;
}

bool sections_find(struct sections *out, const struct span lines[], size_t n)
{
	uint8_t *kinds = malloc(n + 1);
	bool ok, any_end = false;

	*out = (struct sections){ 0 };
	if (!kinds)
		return false;
	for (size_t i = 0; i < n; i++) {
		kinds[i] = (uint8_t)line_kind(lines[i]);
		any_end |= kinds[i] == LINE_END;
	}
	ok = find_headers(out, lines, kinds, n);
	for (size_t i = 0; ok && i < out->n; i++) {
		struct section *s = &out->list[i];
		size_t next = i + 1 < out->n ? out->list[i + 1].header : n;
		s->first = first_own_line(out, i, next, lines, kinds, any_end);
		s->end = end_of_own_lines(s, next, n, kinds);
	}
	free(kinds);
	return ok;
}

void sections_free(struct sections *s)
{
	free(s->list);
	*s = (struct sections){ 0 };
}

/* Commented-out sections and markers between the settings stay. */
void section_mark_own(bool own[], const struct section *s, const struct span lines[])
{
	bool in_old_section = false;

	for (size_t i = s->first; i < s->end; i++) {
		enum line_kind k = line_kind(lines[i]);
		in_old_section = k == LINE_OLD_HEADER || (in_old_section && k == LINE_OLD_SETTING);
		if (!in_old_section && k != LINE_END && (k != LINE_BEGIN || i < s->header))
			own[i] = true;
	}
}
