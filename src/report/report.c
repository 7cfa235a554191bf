/* Formatting of messages, each written with one write(2). */
#include "report.h"

#include <unistd.h>

#include "output.h"

static const char *program = "wg-quick";
static char interface[16]; /* IFNAMSIZ */

void report_set_program(const char *name)
{
	program = name;
}

void report_set_interface(const char *name)
{
	struct text t = text_fixed(interface, sizeof interface);

	text_add(&t, name ? name : "");
}

const char *report_program(void)
{
	return program;
}

void report_prefix(struct text *t)
{
	text_f(t, "%s: ", program);
	if (interface[0])
		text_f(t, "%s: ", interface);
}

struct message_line {
	char buffer[8192];
	struct text t;
};

static void line_begin(struct message_line *l)
{
	l->t = text_fixed(l->buffer, sizeof l->buffer - 1); /* one byte is left for the newline */
}

static void line_end(struct message_line *l, const char *fmt, va_list ap)
{
	text_vf(&l->t, fmt, ap);
	l->buffer[l->t.n++] = '\n';
	report_write(STDERR_FILENO, l->buffer, l->t.n);
}

void report_error(const char *fmt, ...)
{
	struct message_line l;
	va_list ap;

	line_begin(&l);
	report_prefix(&l.t);
	va_start(ap, fmt);
	line_end(&l, fmt, ap);
	va_end(ap);
}

void report_warning(const char *fmt, ...)
{
	struct message_line l;
	va_list ap;

	line_begin(&l);
	report_prefix(&l.t);
	text_add(&l.t, "warning: ");
	va_start(ap, fmt);
	line_end(&l, fmt, ap);
	va_end(ap);
}

void report_help(const char *fmt, ...)
{
	struct message_line l;
	va_list ap;

	line_begin(&l);
	text_add(&l.t, "  help: ");
	va_start(ap, fmt);
	line_end(&l, fmt, ap);
	va_end(ap);
}

void report_kernel(const char *text)
{
	report_verbatim("  kernel: %s", text);
}

void report_upstream(const char *fmt, ...)
{
	struct message_line l;
	va_list ap;

	line_begin(&l);
	text_f(&l.t, "%s: ", program);
	va_start(ap, fmt);
	line_end(&l, fmt, ap);
	va_end(ap);
}

void report_verbatim(const char *fmt, ...)
{
	struct message_line l;
	va_list ap;

	line_begin(&l);
	va_start(ap, fmt);
	line_end(&l, fmt, ap);
	va_end(ap);
}
