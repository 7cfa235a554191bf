/* Reads wgsuite.ini(5) with iniparser. */
#include "settings_file.h"

#include <errno.h>
#if __has_include(<iniparser/iniparser.h>)
#include <iniparser/iniparser.h>
#else
#include <iniparser.h>
#endif
#include <stdarg.h>
#include <stdio.h>

#include "fileio.h"

/* iniparser passes its errors to a function without a context: "iniparser: … in FILE (LINE):…". */
static struct {
	unsigned int line;
	char text[160];
} failure;

static printf_like(1, 2) int save_failure(const char *fmt, ...)
{
	const char *digits;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(failure.text, sizeof failure.text, fmt, ap);
	va_end(ap);
	failure.line = 0;
	digits = strrchr(failure.text, '(');
	for (digits = digits ? digits + 1 : ""; ascii_is_digit(*digits); digits++)
		failure.line = failure.line * 10 + (unsigned int)(*digits - '0');
	return n;
}

static const char *value_of(void *ini, const char *name)
{
	return iniparser_getstring(ini, name, "");
}

static int parse(struct settings *out, const char *path, struct diag *d)
{
	struct diag_at at = { .file = path };
	dictionary *ini;

	failure.text[0] = '\0';
	iniparser_set_error_callback(save_failure);
	ini = iniparser_load(path);
	iniparser_set_error_callback(NULL);
	if (!ini) {
		struct span why = span_of(failure.text);
		at.line = failure.line;
		at.column = at.line ? 1 : 0;
		diag_f(d, DIAG_ERROR, &at, NULL, "%.*s", (int)span_find(why, '\n'), why.p);
		return -EINVAL;
	}
	settings_fill(out, value_of, ini);
	iniparser_freedict(ini);
	return 0;
}

int settings_load(struct settings *out, const char *path, struct diag *d)
{
	struct text text = text_heap();
	struct diag_at at = { .file = path };
	int r;

	*out = (struct settings){ 0 };
	r = fileio_read_settings(path, &text);
	if (r == -ENOENT || r == -ENOTDIR || r == -EACCES)
		r = 0;
	else if (r < 0)
		diag_f(d, DIAG_ERROR, &at, NULL, "%s", fileio_reason(r));
	else if (!settings_check(text_of(&text), path, d))
		r = -EINVAL;
	else
		r = parse(out, path, d);
	text_heap_free(&text);
	return r;
}
