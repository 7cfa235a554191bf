/* Appending and formatting without stdio. */
#include "text.h"

#include <assert.h>

struct text text_fixed(char *buffer, size_t cap)
{
	buffer[0] = '\0';
	return (struct text){ .p = buffer, .cap = cap };
}

/* The number of bytes, at most n, that can be appended. */
static size_t space_for(struct text *t, size_t n)
{
	size_t left;

	assert(t->n < t->cap || t->cap == 0); /* the buffer holds the text and its NUL */
	if (likely(t->cap > t->n && n < t->cap - t->n))
		return n;
	if (t->make_space && t->make_space(t, n) && n < t->cap - t->n)
		return n;
	t->failed = true;
	left = t->cap > t->n ? t->cap - t->n - 1 : 0; /* make_space may have emptied the buffer and failed */
	return n < left ? n : left;
}

void text_append(struct text *t, struct span s)
{
	size_t n = space_for(t, s.n);

	if (n == 0)
		return;
	memcpy(t->p + t->n, s.p, n);
	t->n += n;
	t->p[t->n] = '\0';
}

static void text_digits(struct text *t, uint64_t v, unsigned int base, size_t width)
{
	char digits[24];
	size_t at = sizeof digits;

	do {
		digits[--at] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v > 0 || sizeof digits - at < width);
	text_span(t, (struct span){ digits + at, sizeof digits - at });
}

void text_u64(struct text *t, uint64_t v)
{
	char digits[24];
	size_t at = sizeof digits;

	do { /* a constant divisor needs no division instruction */
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	text_span(t, (struct span){ digits + at, sizeof digits - at });
}

void text_hex(struct text *t, uint64_t v)
{
	text_digits(t, v, 16, 1);
}

struct span text_of(const struct text *t)
{
	return (struct span){ t->p, t->n };
}

/* An unsigned argument with 0 (int), 1 (long, size_t) or 2 (long long) length modifiers. */
static uint64_t next_unsigned(va_list *ap, int size)
{
	if (size == 0)
		return va_arg(*ap, unsigned int);
	return size == 1 ? va_arg(*ap, unsigned long) : va_arg(*ap, unsigned long long);
}

static void text_int(struct text *t, int v)
{
	if (v < 0)
		text_char(t, '-');
	text_u64(t, v < 0 ? 0 - (uint64_t)(int64_t)v : (uint64_t)v);
}

static const char *text_conversion(struct text *t, const char *f, va_list *ap)
{
	int size = 0;
	size_t width = 1;

	if (strncmp(f, ".*s", 3) == 0) {
		int n = va_arg(*ap, int);
		const char *s = va_arg(*ap, const char *);
		text_span(t, (struct span){ s, n > 0 ? (size_t)n : 0 });
		return f + 3;
	}
	if (f[0] == '0' && f[1] == '2') {
		width = 2;
		f += 2;
	}
	for (; *f == 'l' || *f == 'z'; f++)
		size++;
	switch (*f) {
	case 's': text_add(t, va_arg(*ap, const char *)); break;
	case 'c': text_char(t, (char)va_arg(*ap, int)); break;
	case 'd': text_int(t, va_arg(*ap, int)); break;
	case 'u': text_digits(t, next_unsigned(ap, size), 10, width); break;
	case 'x': text_digits(t, next_unsigned(ap, size), 16, width); break;
	case '%': text_char(t, '%'); break;
	default: unreachable(); /* the format string is wrong */
	}
	return f + 1;
}

void text_vf(struct text *t, const char *fmt, va_list ap)
{
	va_list args;

	va_copy(args, ap);
	while (*fmt) {
		size_t plain = strcspn(fmt, "%");
		text_span(t, (struct span){ fmt, plain });
		fmt += plain;
		if (*fmt == '%')
			fmt = text_conversion(t, fmt + 1, &args);
	}
	va_end(args);
}

void text_f(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	text_vf(t, fmt, ap);
	va_end(ap);
}
