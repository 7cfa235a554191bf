#include "span.h"

struct span span_of(const char *text)
{
	return (struct span){ text, strlen(text) };
}

struct span span_sub(struct span s, size_t from, size_t n)
{
	if (from > s.n)
		from = s.n;
	if (n > s.n - from)
		n = s.n - from;
	return (struct span){ s.p + from, n };
}

bool span_equal(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool span_is(struct span s, const char *word)
{
	return span_equal(s, span_of(word));
}

bool span_starts(struct span s, const char *prefix)
{
	return span_is(span_sub(s, 0, strlen(prefix)), prefix);
}

bool ascii_is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool span_is_nocase(struct span s, const char *word)
{
	size_t i;

	for (i = 0; i < s.n && word[i] != '\0'; i++)
		if (ascii_lower(s.p[i]) != ascii_lower(word[i]))
			return false;
	return i == s.n && word[i] == '\0';
}

struct span span_trim(struct span s)
{
	while (s.n > 0 && ascii_is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && ascii_is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

size_t span_find(struct span s, char c)
{
	const char *at = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	return at ? (size_t)(at - s.p) : s.n;
}

size_t span_find_last(struct span s, char c)
{
	for (size_t i = s.n; i > 0; i--)
		if (s.p[i - 1] == c)
			return i - 1;
	return s.n;
}

bool span_next(struct span *piece, struct span *rest, char c)
{
	size_t at;

	if (!rest->p)
		return false;
	at = span_find(*rest, c);
	*piece = span_sub(*rest, 0, at);
	*rest = at < rest->n ? span_sub(*rest, at + 1, rest->n) : (struct span){ NULL, 0 };
	return true;
}

bool span_to_u64(uint64_t *out, struct span s, uint64_t max)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!ascii_is_digit(s.p[i]))
			return false;
		unsigned int digit = (unsigned int)(s.p[i] - '0');
		if (v > (max - digit) / 10 || digit > max)
			return false;
		v = v * 10 + digit;
	}
	*out = v;
	return true;
}

static int hex_digit(char c)
{
	char l = ascii_lower(c);

	if (ascii_is_digit(c))
		return c - '0';
	return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

bool span_hex_to_u64(uint64_t *out, struct span s, uint64_t max)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int digit = hex_digit(s.p[i]);
		if (digit < 0 || v > max >> 4)
			return false;
		v = v << 4 | (unsigned int)digit;
		if (v > max)
			return false;
	}
	*out = v;
	return true;
}
