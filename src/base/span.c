/* Splitting, comparison and numbers. */
#include "span.h"

bool span_is_spaced(struct span s, const char *word)
{
	size_t at = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (ascii_is_blank(s.p[i]))
			continue;
		if (word[at] == '\0' || ascii_lower(s.p[i]) != ascii_lower(word[at]))
			return false;
		at++;
	}
	return word[at] == '\0';
}

bool span_equal(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool span_starts(struct span s, const char *prefix)
{
	return span_is(span_sub(s, 0, strlen(prefix)), prefix);
}

bool span_is_nocase(struct span s, const char *word)
{
	size_t i;

	for (i = 0; i < s.n && word[i] != '\0'; i++)
		if (ascii_lower(s.p[i]) != ascii_lower(word[i]))
			return false;
	return i == s.n && word[i] == '\0';
}

size_t span_find_last(struct span s, char c)
{
	for (size_t i = s.n; i > 0; i--)
		if (s.p[i - 1] == c)
			return i - 1;
	return s.n;
}

bool span_contains(struct span s, const char *part)
{
	size_t n = strlen(part);

	for (; s.n >= n; s = span_sub(s, 1, s.n))
		if (n == 0 || memcmp(s.p, part, n) == 0)
			return true;
	return false;
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

enum { SAFE_DIGITS = 19 }; /* numbers of this many digits do not overflow 64 bits */

bool span_to_u64(uint64_t *out, struct span s, uint64_t max)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	if (s.n <= SAFE_DIGITS) {
		for (size_t i = 0; i < s.n; i++) {
			unsigned int digit = (unsigned int)(uint8_t)s.p[i] - '0';
			if (digit > 9)
				return false;
			v = v * 10 + digit;
		}
		*out = v <= max ? v : *out;
		return v <= max;
	}
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

bool span_hex_to_u64(uint64_t *out, struct span s, uint64_t max)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int digit = ascii_hex_value(s.p[i]);
		if (digit < 0 || v > max >> 4)
			return false;
		v = v << 4 | (unsigned int)digit;
		if (v > max)
			return false;
	}
	*out = v;
	return true;
}
