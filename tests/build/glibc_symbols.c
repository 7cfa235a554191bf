/* Symbols of glibc that Debian's static libraries refer to, so that they link with musl. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What -D_FORTIFY_SOURCE turns the functions into; here without the check. */
int __vfprintf_chk(FILE *f, int flag, const char *format, va_list ap)
{
	(void)flag;
	return vfprintf(f, format, ap);
}

int __vasprintf_chk(char **out, int flag, const char *format, va_list ap)
{
	(void)flag;
	return vasprintf(out, format, ap);
}

void *__memcpy_chk(void *dst, const void *src, size_t n, size_t size)
{
	(void)size;
	return memcpy(dst, src, n);
}

#define PASS(call) \
	do { \
		va_list ap; \
		int printed; \
		va_start(ap, format); \
		printed = call; \
		va_end(ap); \
		return printed; \
	} while (0)

int __fprintf_chk(FILE *f, int flag, const char *format, ...)
{
	(void)flag;
	PASS(vfprintf(f, format, ap));
}

int __sprintf_chk(char *out, int flag, size_t size, const char *format, ...)
{
	(void)flag;
	PASS(vsnprintf(out, size, format, ap));
}

int __snprintf_chk(char *out, size_t n, int flag, size_t size, const char *format, ...)
{
	(void)flag, (void)size;
	PASS(vsnprintf(out, n, format, ap));
}

/* What the headers of glibc 2.38 and later turn the functions into, for binary numbers. */
int __isoc23_fscanf(FILE *f, const char *format, ...)
{
	PASS(vfscanf(f, format, ap));
}

int __isoc23_sscanf(const char *s, const char *format, ...)
{
	PASS(vsscanf(s, format, ap));
}

long __isoc23_strtol(const char *s, char **end, int base)
{
	return strtol(s, end, base);
}

unsigned long __isoc23_strtoul(const char *s, char **end, int base)
{
	return strtoul(s, end, base);
}
