/* Borrowed text: a pointer and a length, no terminator, never owned. Parsers cut spans out of spans. */
#ifndef WG_SPAN_H
#define WG_SPAN_H

#include "base.h"

struct span {
	const char *p;
	size_t n;
};

#define SPAN(literal) ((struct span){ "" literal, sizeof(literal) - 1 })

/* A C string, without its NUL. */
static inline struct span span_of(const char *text)
{
	return (struct span){ text, strlen(text) };
}

/* Clipped to what there is. */
static inline struct span span_sub(struct span s, size_t from, size_t n)
{
	from = from < s.n ? from : s.n;
	return (struct span){ s.p + from, n < s.n - from ? n : s.n - from };
}

/* The same bytes; inline, so that a literal's length is known before anything is compared. */
static inline bool span_is(struct span s, const char *word)
{
	return s.n == strlen(word) && (s.n == 0 || memcmp(s.p, word, s.n) == 0);
}

bool span_is_nocase(struct span s, const char *word); /* ASCII letters of either case */
bool span_equal(struct span a, struct span b);
bool span_starts(struct span s, const char *prefix);

static inline bool ascii_is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Of a hexadecimal digit; -1 when it is none. */
static inline int ascii_hex_value(char c)
{
	char l = ascii_lower(c);

	return ascii_is_digit(c) ? c - '0' : l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

/* Without ASCII blanks (space \t \n \v \f \r) at the ends. */
static inline struct span span_trim(struct span s)
{
	for (; s.n > 0 && ascii_is_blank(s.p[0]); s.n--)
		s.p++;
	while (s.n > 0 && ascii_is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Index of the first or last c; s.n when there is none. */
static inline size_t span_find(struct span s, char c)
{
	const char *at = s.n > 0 ? (const char *)memchr(s.p, c, s.n) : NULL;

	return at ? (size_t)(at - s.p) : s.n;
}
size_t span_find_last(struct span s, char c);

/* Takes the text before the first `c` off the front of *rest, and the c itself.
 * Without a c takes everything. False when *rest was the null span (p == NULL), which is
 * what it becomes after the last piece; so "a,,b" gives "a" "" "b" and "" gives "". */
must_check bool span_next(struct span *piece, struct span *rest, char c);

/* Decimal digits only (zeros in front as well), at most max. False when anything else. */
must_check bool span_to_u64(uint64_t *out, struct span s, uint64_t max);
/* Hexadecimal digits only (no 0x), at most max. */
must_check bool span_hex_to_u64(uint64_t *out, struct span s, uint64_t max);

#endif
