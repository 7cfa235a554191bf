/* Line by line. */
#include "exposition_check.h"

#include <stdlib.h>

struct checker {
	bool openmetrics, has_help, has_type, ended;
	struct span family;    /* as the metadata names it */
	const char *suffix;    /* of its samples */
	struct span *seen;     /* families, and samples without their values */
	size_t n;
};

static bool is_new(struct checker *c, struct span s)
{
	for (size_t i = 0; i < c->n; i++)
		if (span_equal(c->seen[i], s))
			return false;
	if (c->n % 64 == 0)
		c->seen = realloc(c->seen, (c->n + 64) * sizeof *c->seen);
	if (!c->seen)
		abort();
	c->seen[c->n++] = s;
	return true;
}

static bool is_name(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		char l = ascii_lower(s.p[i]);
		if (!((l >= 'a' && l <= 'z') || l == '_' || (i > 0 && ascii_is_digit(l))))
			return false;
	}
	return s.n > 0;
}

static bool begin_family(struct checker *c, struct span name)
{
	if (c->family.p && span_equal(name, c->family))
		return true;
	if (c->family.p && !(c->has_help && c->has_type))
		return false;
	c->family = name;
	c->has_help = c->has_type = false;
	return is_name(name) && is_new(c, name);
}

static bool type_line(struct checker *c, struct span kind)
{
	bool total = c->family.n > 6 && span_is(span_sub(c->family, c->family.n - 6, 6), "_total");

	if (c->has_type)
		return false;
	c->has_type = true;
	c->suffix = "";
	if (!c->openmetrics)
		return span_is(kind, total ? "counter" : "gauge");
	if (span_is(kind, "counter"))
		c->suffix = "_total";
	else if (span_is(kind, "info"))
		c->suffix = "_info";
	return !total && (c->suffix[0] || span_is(kind, "gauge"));
}

static bool metadata(struct checker *c, struct span rest)
{
	struct span word, name;

	if (c->openmetrics && span_is(rest, "EOF")) {
		c->ended = true;
		return true;
	}
	if (!span_next(&word, &rest, ' ') || !span_next(&name, &rest, ' ') || rest.n == 0 || !begin_family(c, name))
		return false;
	if (span_is(word, "TYPE"))
		return type_line(c, rest);
	if (span_is(word, "HELP")) {
		c->has_help = !c->has_help;
		return c->has_help;
	}
	return c->openmetrics && span_is(word, "UNIT") && name.n > rest.n &&
	       span_equal(span_sub(name, name.n - rest.n, rest.n), rest);
}

/* The end of the labels, after their "}"; 0: malformed. */
static size_t labels_end(struct span s)
{
	size_t i = 1;

	for (;;) {
		size_t from = i;
		while (i < s.n && s.p[i] != '=')
			i++;
		if (!is_name(span_sub(s, from, i - from)) || i + 1 >= s.n || s.p[i + 1] != '"')
			return 0;
		for (i += 2; i < s.n && s.p[i] != '"'; i++)
			if (s.p[i] == '\\' && (++i == s.n || !memchr("n\"\\", s.p[i], 3)))
				return 0;
		if (++i >= s.n)
			return 0;
		if (s.p[i] == '}')
			return i + 1;
		if (s.p[i++] != ',')
			return 0;
	}
}

static bool sample(struct checker *c, struct span line)
{
	size_t open = span_find(line, '{'), n = strlen(c->suffix), end;
	struct span name = span_sub(line, 0, open), value;

	if (!c->has_help || !c->has_type || name.n != c->family.n + n ||
	    !span_equal(span_sub(name, 0, c->family.n), c->family) || !span_is(span_sub(name, c->family.n, n), c->suffix))
		return false;
	end = labels_end(span_sub(line, open, line.n));
	if (end == 0 || !is_new(c, span_sub(line, 0, open + end)))
		return false;
	value = span_sub(line, open + end, line.n);
	if (value.n < 2 || value.p[0] != ' ')
		return false;
	for (size_t i = 1; i < value.n; i++)
		if (!ascii_is_digit(value.p[i]) && !(value.p[i] == '.' && i > 1 && i + 1 < value.n))
			return false;
	return true;
}

bool exposition_is_valid(struct span text, bool openmetrics)
{
	struct checker c = { .openmetrics = openmetrics, .suffix = "" };
	bool ok = text.n == 0 || text.p[text.n - 1] == '\n';
	struct span line, rest = { text.p, text.n > 0 ? text.n - 1 : 0 };

	for (size_t i = 0; i < text.n; i++) {
		uint8_t b = (uint8_t)text.p[i], next = i + 1 < text.n ? (uint8_t)text.p[i + 1] : 0;
		ok = ok && (b >= ' ' || b == '\n') && b != 127 && !(b == 0xc2 && next < 0xa0);
	}
	while (ok && text.n > 0 && span_next(&line, &rest, '\n'))
		ok = !c.ended && (span_starts(line, "# ") ? metadata(&c, span_sub(line, 2, line.n)) : sample(&c, line));
	free(c.seen);
	return ok && c.ended == openmetrics;
}
