/* Output text: appended into one buffer, which a hook empties or enlarges when it is full.
 * With no hook the text is cut at the buffer's end and `failed` says so; what is there always ends
 * with a NUL. The programs give hooks that write to a file or reallocate; the pure rooms only append. */
#ifndef WG_TEXT_H
#define WG_TEXT_H

#include <stdarg.h>
#include "span.h"

struct text {
	char *p;     /* the bytes; p[n] is NUL */
	size_t n;    /* bytes in use, without the NUL */
	size_t cap;  /* bytes that p has room for, with the NUL */
	bool failed; /* something did not fit or could not be written */
	/* Makes room for `more` bytes and a NUL, by emptying (n = 0) or by enlarging; false: cannot. */
	bool (*make_space)(struct text *t, size_t more);
	void *ctx; /* the hook's */
};

struct text text_fixed(char *buffer, size_t cap); /* cap ≥ 1; no hook */

void text_append(struct text *t, struct span s); /* text_span, where there is no room yet */

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
void text_hex(struct text *t, uint64_t v); /* lower case, no 0x, no leading zeros */

/* %s %.*s %c %d %u %lu %llu %zu %x %02x %% only, so that no stdio is needed. */
void text_f(struct text *t, const char *fmt, ...) printf_like(2, 3);
void text_vf(struct text *t, const char *fmt, va_list ap);

struct span text_of(const struct text *t);

#endif
