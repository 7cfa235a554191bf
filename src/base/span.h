/* Borrowed text: a pointer and a length, without a terminating NUL. Parsers cut spans out of spans. */
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

/* n bytes from offset `from`, clipped to the bytes of s. */
static inline struct span span_sub(struct span s, size_t from, size_t n)
{
	from = from < s.n ? from : s.n;
	return (struct span){ s.p + from, n < s.n - from ? n : s.n - from };
}

/* True if both are the same bytes. Inline, so that the length of a literal is a constant. */
static inline bool span_is(struct span s, const char *word)
{
	return s.n == strlen(word) && (s.n == 0 || memcmp(s.p, word, s.n) == 0);
}

bool span_is_nocase(struct span s, const char *word); /* ignores the case of ASCII letters */
/* Also ignores blanks anywhere in s, as keys and section lines of tunnel files may have them. */
bool span_is_spaced(struct span s, const char *word);
bool span_equal(struct span a, struct span b);
bool span_starts(struct span s, const char *prefix);
bool span_contains(struct span s, const char *part);

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

/* The value of a hexadecimal digit, or -1. */
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

/* Index of the first or last c, or s.n. */
static inline size_t span_find(struct span s, char c)
{
	const char *at = s.n > 0 ? (const char *)memchr(s.p, c, s.n) : NULL;

	return at ? (size_t)(at - s.p) : s.n;
}
size_t span_find_last(struct span s, char c);

/* Splits *rest at the first c: *piece is the text before it, *rest the text after it. Without a c, *piece is all of
 * *rest, and *rest becomes the null span (p == NULL). False if *rest was the null span. "a,,b" yields "a" "" "b", and ""
 * yields "". */
must_check bool span_next(struct span *piece, struct span *rest, char c);

/* Decimal digits only (leading zeros are allowed), value at most max. False for any other text. */
must_check bool span_to_u64(uint64_t *out, struct span s, uint64_t max);
/* The same for hexadecimal digits, without 0x. */
must_check bool span_hex_to_u64(uint64_t *out, struct span s, uint64_t max);

#endif
