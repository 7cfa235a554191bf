/* Printing of diagnostics without control characters. */
#include "diag.h"

void diag_report(struct diag *d, const struct diag_message *m)
{
	if (m->level == DIAG_ERROR)
		d->errors++;
	if (m->level == DIAG_WARNING)
		d->warnings++;
	if (d->emit)
		d->emit(d->ctx, m);
}

/* A byte of a file, or '?' for a control character (C0, DEL, or C1 in UTF-8), which the terminal would execute. */
static char printable(struct span s, size_t i)
{
	uint8_t before = i > 0 ? (uint8_t)s.p[i - 1] : 0, c = (uint8_t)s.p[i];
	bool c1 = before == 0xc2 && c >= 0x80 && c < 0xa0;

	return c < 32 || c == 127 || c1 ? '?' : (char)c;
}

static void replace_controls(char *line, size_t n)
{
	for (size_t i = n; i > 0; i--) /* backwards, as C1 depends on the byte before */
		line[i - 1] = printable((struct span){ line, n }, i - 1);
}

void diag_f(struct diag *d, enum diag_level level, const struct diag_at *at, const char *help,
	    const char *fmt, ...)
{
	struct diag_message m = { .level = level, .help = help };
	char line[2048]; /* a host name has at most 1,024 bytes */
	struct text text = text_fixed(line, sizeof line);
	va_list ap;

	va_start(ap, fmt);
	text_vf(&text, fmt, ap);
	va_end(ap);
	m.text = line;
	if (at)
		m.at = *at;
	if (m.at.file)
		replace_controls(line, text.n);
	diag_report(d, &m);
}

static const char *level_name(enum diag_level level)
{
	switch (level) {
	case DIAG_ERROR: return "error";
	case DIAG_WARNING: return "warning";
	case DIAG_NOTE: return "note";
	}
	unreachable();
}

enum { SOURCE_SHOWN = 160 }; /* bytes of a source line that are printed, around the column */

/* Prints one character for each byte, a tab as a space, so that the caret is aligned. */
static void print_source(struct text *t, const struct diag_at *at)
{
	size_t column = at->column > 0 ? at->column - 1 : 0;
	size_t from = column > SOURCE_SHOWN / 2 ? column - SOURCE_SHOWN / 2 : 0;
	struct span shown = span_sub(at->source, from, SOURCE_SHOWN);

	text_add(t, "  ");
	for (size_t i = 0; i < shown.n; i++)
		text_char(t, shown.p[i] == '\t' ? ' ' : printable(shown, i));
	text_add(t, "\n  ");
	for (size_t i = from; i < column; i++)
		text_char(t, ' ');
	text_char(t, '^');
	for (unsigned int i = 1; i < at->width && column - from + i < shown.n; i++)
		text_char(t, '~');
	text_char(t, '\n');
}

void diag_print(struct text *t, const struct diag_message *m, bool with_source)
{
	if (m->at.file) {
		text_add(t, m->at.file);
		text_char(t, ':');
		if (m->at.line)
			text_f(t, "%u:", m->at.line);
		if (m->at.line && m->at.column)
			text_f(t, "%u:", m->at.column);
		text_char(t, ' ');
	}
	text_f(t, "%s: %s", level_name(m->level), m->text);
	if (m->id)
		text_f(t, " [%s]", m->id);
	text_char(t, '\n');
	if (with_source && m->at.source.p && m->at.column)
		print_source(t, &m->at);
	if (m->help)
		text_f(t, "  help: %s\n", m->help);
}
