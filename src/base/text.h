/* Text buffers: text is appended to a buffer, which a callback empties or enlarges when it is full. Without a callback
 * the text is cut at the end of the buffer, and `failed` is set. The text always ends with a NUL. Programs supply
 * callbacks that write to a file or reallocate; pure modules only append. */
#ifndef WG_TEXT_H
#define WG_TEXT_H

#include <stdarg.h>
#include "span.h"

struct text {
	char *p;     /* the bytes; p[n] is NUL */
	size_t n;    /* bytes in use, without the NUL */
	size_t cap;  /* size of the buffer, including the NUL */
	bool failed; /* text was lost: it did not fit, or could not be written */
	/* Makes space for `more` bytes and a NUL by emptying (n = 0) or enlarging the buffer. False: it cannot. */
	bool (*make_space)(struct text *t, size_t more);
	void *ctx; /* of make_space */
};

struct text text_fixed(char *buffer, size_t cap); /* cap ≥ 1; no callback */

void text_append(struct text *t, struct span s); /* the slow path of text_span */

static inline void text_span(struct text *t, struct span s)
{
	if (unlikely(s.n == 0 || t->cap <= t->n || s.n >= t->cap - t->n)) {
		text_append(t, s);
		return;
	}
	memcpy(t->p + t->n, s.p, s.n);
	t->n += s.n;
	t->p[t->n] = '\0';
}

static inline void text_add(struct text *t, const char *s)
{
	text_span(t, span_of(s));
}

static inline void text_char(struct text *t, char c)
{
	text_span(t, (struct span){ &c, 1 });
}

void text_u64(struct text *t, uint64_t v);
void text_hex(struct text *t, uint64_t v); /* lower case, without 0x and leading zeros */

/* Format with %s %.*s %c %d %u %lu %llu %zu %x %02x %% only; it does not use stdio. */
void text_f(struct text *t, const char *fmt, ...) printf_like(2, 3);
void text_vf(struct text *t, const char *fmt, va_list ap);

struct span text_of(const struct text *t);

#endif
