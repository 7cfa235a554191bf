/* Recursive descent. */
#include "json_check.h"

#include <ctype.h>
#include <stdlib.h>

struct parser {
	const char *p, *end;
	int depth;
};

static bool value(struct parser *s);

static void blanks(struct parser *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\t'))
		s->p++;
}

static bool take(struct parser *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

/* One sequence of UTF-8 of more than one byte. */
static bool sequence(struct parser *s)
{
	uint8_t first = (uint8_t)*s->p;
	int n = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;

	if (first < 0xc2 || first > 0xf4 || s->end - s->p < n)
		return false;
	if ((first == 0xe0 && (uint8_t)s->p[1] < 0xa0) || (first == 0xed && (uint8_t)s->p[1] > 0x9f) ||
	    (first == 0xf0 && (uint8_t)s->p[1] < 0x90) || (first == 0xf4 && (uint8_t)s->p[1] > 0x8f))
		return false;
	if (first == 0xc2 && (uint8_t)s->p[1] < 0xa0)
		return false; /* C1 */
	for (int i = 1; i < n; i++)
		if (((uint8_t)s->p[i] & 0xc0) != 0x80)
			return false;
	s->p += n;
	return true;
}

static bool escape_sequence(struct parser *s)
{
	if (s->p == s->end)
		return false;
	if (*s->p != 'u')
		return memchr("\"\\/bfnrt", *s->p++, 8);
	s->p++;
	for (int i = 0; i < 4; i++, s->p++)
		if (s->p == s->end || !isxdigit((unsigned char)*s->p))
			return false;
	return true;
}

static bool string(struct parser *s, struct span *out)
{
	const char *from;

	if (!take(s, '"'))
		return false;
	for (from = s->p; s->p < s->end && *s->p != '"';) {
		uint8_t c = (uint8_t)*s->p;
		if (c == '\\') {
			s->p++;
			if (!escape_sequence(s))
				return false;
		} else if (c >= 0x80) {
			if (!sequence(s))
				return false;
		} else if (c < ' ' || c == 127) {
			return false;
		} else {
			s->p++;
		}
	}
	*out = (struct span){ from, (size_t)(s->p - from) };
	return take(s, '"');
}

static bool number(struct parser *s)
{
	const char *from = s->p;

	while (s->p < s->end && isdigit((unsigned char)*s->p))
		s->p++;
	return s->p > from && (*from != '0' || s->p == from + 1); /* the emitter has no other numbers */
}

static bool word(struct parser *s, const char *text)
{
	size_t n = strlen(text);

	if ((size_t)(s->end - s->p) < n || memcmp(s->p, text, n) != 0)
		return false;
	s->p += n;
	return true;
}

static bool member(struct parser *s, struct span *key)
{
	if (!string(s, key))
		return false;
	blanks(s);
	if (!take(s, ':'))
		return false;
	blanks(s);
	return value(s);
}

static bool object(struct parser *s)
{
	struct span *keys = NULL, key;
	size_t n = 0;
	bool ok = true;

	blanks(s);
	if (take(s, '}'))
		return true;
	do {
		blanks(s);
		ok = member(s, &key);
		for (size_t i = 0; ok && i < n; i++)
			ok = !span_equal(keys[i], key);
		keys = realloc(keys, (n + 1) * sizeof *keys);
		keys[n++] = key;
		blanks(s);
	} while (ok && take(s, ','));
	free(keys);
	return ok && take(s, '}');
}

static bool array(struct parser *s)
{
	blanks(s);
	if (take(s, ']'))
		return true;
	do {
		blanks(s);
		if (!value(s))
			return false;
		blanks(s);
	} while (take(s, ','));
	return take(s, ']');
}

static bool value(struct parser *s)
{
	struct span ignored;
	bool ok;

	if (s->p == s->end || s->depth == 32)
		return false;
	s->depth++;
	switch (*s->p) {
	case '{': s->p++; ok = object(s); break;
	case '[': s->p++; ok = array(s); break;
	case '"': ok = string(s, &ignored); break;
	case 't': ok = word(s, "true"); break;
	case 'f': ok = word(s, "false"); break;
	case 'n': ok = word(s, "null"); break;
	default: ok = number(s);
	}
	s->depth--;
	return ok;
}

bool json_is_valid(struct span text)
{
	struct parser s = { text.p, text.p + text.n, 0 };

	return value(&s) && take(&s, '\n') && s.p == s.end;
}
