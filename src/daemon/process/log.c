/* Log lines, each written with one write(2). */
#include "log.h"

#include <unistd.h>

static enum log_level level = LOG_ERROR;
static char name[16] = ""; /* of the interface */

enum log_level log_parse_level(const char *word)
{
	if (word && strcmp(word, "silent") == 0)
		return LOG_SILENT;
	if (word && (strcmp(word, "verbose") == 0 || strcmp(word, "debug") == 0))
		return LOG_VERBOSE;
	return LOG_ERROR;
}

void log_init(enum log_level new_level, const char *interface)
{
	struct text t = text_fixed(name, sizeof name);

	level = new_level;
	text_add(&t, interface);
}

static void log_line(const char *fmt, va_list ap)
{
	char line[512];
	struct text t = text_fixed(line, sizeof line);

	text_f(&t, "wireguardd: %s%s", name, name[0] ? ": " : "");
	text_vf(&t, fmt, ap);
	if (t.failed)
		t.n = sizeof line - 2;
	t.p[t.n++] = '\n';
	if (write(STDERR_FILENO, line, t.n) < 0)
		return; /* nowhere to report it */
}

void log_error(const char *fmt, ...)
{
	va_list ap;

	if (level < LOG_ERROR)
		return;
	va_start(ap, fmt);
	log_line(fmt, ap);
	va_end(ap);
}

void log_verbose(const char *fmt, ...)
{
	va_list ap;

	if (level < LOG_VERBOSE)
		return;
	va_start(ap, fmt);
	log_line(fmt, ap);
	va_end(ap);
}
