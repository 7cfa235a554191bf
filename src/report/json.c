/* Indentation with tabs, one item a line. */
#include "json.h"

#include <assert.h>

#include "base/utf8.h"

static void hex4(struct text *t, uint32_t v)
{
	text_f(t, "\\u%02x%02x", (v >> 8) & 0xffu, v & 0xffu);
}

/* Characters that a terminal would execute, or that reorder text, are escaped as well. */
static void escape(struct text *t, const struct utf8_char *c)
{
	if (c->bytes == 1 && c->code == 0xfffd) { /* no UTF-8 */
		hex4(t, 0xfffd);
	} else if (c->code >= 0xd800 && c->code < 0xe000) { /* a surrogate is no character */
		hex4(t, 0xfffd);
	} else if (c->code > 0xffff) {
		hex4(t, 0xd800 | (c->code - 0x10000) >> 10);
		hex4(t, 0xdc00 | ((c->code - 0x10000) & 0x3ff));
	} else {
		hex4(t, c->code);
	}
}

static bool is_plain(char c)
{
	return c >= ' ' && c < 127 && c != '"' && c != '\\';
}

static void quoted(struct text *t, struct span s)
{
	text_char(t, '"');
	for (size_t i = 0; i < s.n;) {
		size_t from = i;
		struct utf8_char c;

		while (i < s.n && is_plain(s.p[i]))
			i++;
		text_span(t, span_sub(s, from, i - from));
		if (i == s.n)
			break;
		c = utf8_at(s, i);
		if (c.code == '"' || c.code == '\\')
			text_f(t, "\\%c", s.p[i]);
		else if (c.code == '\n')
			text_add(t, "\\n");
		else if (c.code == '\t')
			text_add(t, "\\t");
		else if (c.printable)
			text_span(t, span_sub(s, i, c.bytes));
		else
			escape(t, &c);
		i += c.bytes;
	}
	text_char(t, '"');
}

static void new_line(const struct json *j)
{
	static const char indentation[] = "\n\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t";

	_Static_assert(sizeof indentation == JSON_DEPTH_MAX + 2, "a tab for each level");
	if (!j->one_line)
		text_span(j->out, (struct span){ indentation, j->depth + 1 });
}

/* The separator, indentation and key before a value. */
static void item(struct json *j, const char *key)
{
	assert(j->depth == 0 || j->is_array[j->depth] == !key);
	if (j->depth > 0) {
		if (j->has_items[j->depth])
			text_char(j->out, ',');
		new_line(j);
	}
	j->has_items[j->depth] = true;
	if (!key)
		return;
	quoted(j->out, span_of(key));
	text_span(j->out, span_sub(SPAN(": "), 0, j->one_line ? 1 : 2));
}

static void open_value(struct json *j, const char *key, bool is_array)
{
	item(j, key);
	text_char(j->out, is_array ? '[' : '{');
	assert(j->depth < JSON_DEPTH_MAX);
	j->depth++;
	j->has_items[j->depth] = false;
	j->is_array[j->depth] = is_array;
}

void json_begin(struct json *j, struct text *out, bool one_line)
{
	*j = (struct json){ .out = out, .one_line = one_line };
}

void json_end(struct json *j)
{
	assert(j->depth == 0 && j->has_items[0]);
	text_char(j->out, '\n');
}

void json_open_object(struct json *j, const char *key)
{
	open_value(j, key, false);
}

void json_open_array(struct json *j, const char *key)
{
	open_value(j, key, true);
}

void json_close(struct json *j)
{
	bool has_items = j->has_items[j->depth], is_array = j->is_array[j->depth];

	assert(j->depth > 0);
	j->depth--;
	if (has_items)
		new_line(j);
	text_char(j->out, is_array ? ']' : '}');
}

void json_string(struct json *j, const char *key, struct span value)
{
	item(j, key);
	quoted(j->out, value);
}

void json_u64(struct json *j, const char *key, uint64_t value)
{
	item(j, key);
	text_u64(j->out, value);
}

void json_bool(struct json *j, const char *key, bool value)
{
	item(j, key);
	text_add(j->out, value ? "true" : "false");
}

void json_null(struct json *j, const char *key)
{
	item(j, key);
	text_add(j->out, "null");
}
