/* Printing of diagnostics without control characters. */
#include "diag.h"

#include "utf8.h"

void diag_report(struct diag *d, const struct diag_message *m)
{
	if (m->level == DIAG_ERROR)
		d->errors++;
	if (m->level == DIAG_WARNING)
		d->warnings++;
	if (d->emit)
		d->emit(d->ctx, m);
}

void diag_replace_controls(char *line, size_t n)
{
	struct span text = { line, n };

	for (size_t i = 0; i < n;) {
		struct utf8_char c = utf8_at(text, i);
		if (!c.printable)
			memset(line + i, '?', c.bytes);
		i += c.bytes;
	}
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
	if (at) {
		m.at = *at;
		m.id = at->id;
	}
	if (m.at.file)
		diag_replace_controls(line, text.n);
	diag_report(d, &m);
}

const char *diag_level_name(enum diag_level level)
{
	switch (level) {
	case DIAG_ERROR: return "error";
	case DIAG_WARNING: return "warning";
	case DIAG_NOTE: return "note";
	}
	unreachable();
}

enum { SOURCE_SHOWN = 160 }; /* bytes of a source line that are printed, around the column */

static void fill(struct text *t, char c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		text_char(t, c);
}

static void print_characters(struct text *t, struct span s)
{
	for (size_t i = 0; i < s.n;) {
		struct utf8_char c = utf8_at(s, i);
		if (s.p[i] == '\t')
			text_char(t, ' ');
		else if (c.printable)
			text_span(t, span_sub(s, i, c.bytes));
		else
			text_char(t, '?');
		i += c.bytes;
	}
}

/* Prints a tab as a space, so that the caret is aligned. */
static void print_source(struct text *t, const struct diag_at *at)
{
	size_t column = at->column - 1 < at->source.n ? at->column - 1 : at->source.n;
	size_t from = utf8_start(at->source, column > SOURCE_SHOWN / 2 ? column - SOURCE_SHOWN / 2 : 0);
	size_t end = utf8_start(at->source, from + SOURCE_SHOWN < at->source.n ? from + SOURCE_SHOWN : at->source.n);
	size_t marked = at->width < end - column ? at->width : end - column;

	text_add(t, "  ");
	print_characters(t, span_sub(at->source, from, end - from));
	text_add(t, "\n  ");
	fill(t, ' ', utf8_width(span_sub(at->source, from, column - from)));
	text_char(t, '^');
	marked = utf8_width(span_sub(at->source, column, marked));
	fill(t, '~', marked > 1 ? marked - 1 : 0);
	text_char(t, '\n');
}

void diag_print(struct text *t, const struct diag_message *m, bool with_source)
{
	if (m->at.file) {
		print_characters(t, span_of(m->at.file));
		text_char(t, ':');
		if (m->at.line)
			text_f(t, "%u:", m->at.line);
		if (m->at.line && m->at.column)
			text_f(t, "%u:", m->at.column);
		text_char(t, ' ');
	}
	text_f(t, "%s: %s", diag_level_name(m->level), m->text);
	if (m->id)
		text_f(t, " [%s]", m->id);
	text_char(t, '\n');
	if (with_source && m->at.source.p && m->at.column)
		print_source(t, &m->at);
	if (m->help)
		text_f(t, "  help: %s\n", m->help);
}
