/* The formats of findings: that of compilers, and that of GitHub Actions. */
#include "check_output.h"

#include "base/vector.h"
#include "terminal.h"

/* ---- text ---- */

static enum terminal_style style_of(enum diag_level level)
{
	switch (level) {
	case DIAG_ERROR: return STYLE_RED;
	case DIAG_WARNING: return STYLE_YELLOW;
	case DIAG_NOTE: return STYLE_CYAN;
	}
	unreachable();
}

/* The level has a colour: it is the first word after the position. */
static void print_message(struct text *t, const struct diag_message *m, bool colour)
{
	struct text plain = text_heap();
	const struct terminal terminal = { t, colour };
	const char *level = diag_level_name(m->level), *at;

	diag_print(&plain, m, m->at.source.p != NULL);
	at = plain.failed ? NULL : strstr(plain.p, level);
	while (at && strncmp(at + strlen(level), ": ", 2) != 0)
		at = strstr(at + 1, level);
	if (at && colour) {
		text_span(t, (struct span){ plain.p, (size_t)(at - plain.p) });
		terminal_styled(&terminal, style_of(m->level), level);
		text_add(t, at + strlen(level));
	} else {
		text_span(t, text_of(&plain));
	}
	text_heap_free(&plain);
}

static void print_finding(struct text *t, struct check *c, size_t i, bool colour)
{
	struct diag_message m, note;
	const char *help;

	check_message(c, i, &m, &note);
	help = m.help;
	m.help = NULL;
	print_message(t, &m, colour);
	if (note.text)
		print_message(t, &note, colour);
	if (help)
		text_f(t, "  help: %s\n", help);
}

void check_print_text(struct text *t, struct check *c, bool colour)
{
	for (size_t i = 0; i < c->n_found; i++)
		print_finding(t, c, i, colour);
}

void check_print_for_up(struct text *t, struct check *c)
{
	for (size_t i = 0; i < c->n_found; i++)
		if (check_is_for_up(c, i))
			print_finding(t, c, i, false);
}

/* ---- GitHub ---- */

/* Properties of a workflow command end at ',' and ':', and everything at the end of the line. */
static void print_escaped(struct text *t, const char *s, bool is_property)
{
	for (; *s; s++)
		if (*s == '%' || *s == '\r' || *s == '\n' || (is_property && (*s == ':' || *s == ',')))
			text_f(t, "%%%c%c", "0123456789ABCDEF"[*s >> 4 & 15], "0123456789ABCDEF"[*s & 15]);
		else
			text_char(t, *s);
}

static void print_command(struct text *t, const struct diag_message *m)
{
	static const char *const names[] = { [DIAG_ERROR] = "error", [DIAG_WARNING] = "warning", [DIAG_NOTE] = "notice" };

	text_f(t, "::%s file=", names[m->level]);
	print_escaped(t, m->at.file, true);
	text_f(t, ",line=%u,col=%u,endColumn=%u,title=", m->at.line, m->at.column, m->at.column + m->at.width);
	print_escaped(t, m->id, true);
	text_add(t, "::");
	print_escaped(t, m->text, false);
}

void check_print_github(struct text *t, struct check *c)
{
	for (size_t i = 0; i < c->n_found; i++) {
		struct diag_message m, note;
		check_message(c, i, &m, &note);
		print_command(t, &m);
		if (note.text) {
			text_add(t, "%0Anote: ");
			print_escaped(t, note.text, false);
			text_f(t, " (line %u of ", note.at.line);
			print_escaped(t, note.at.file, false);
			text_char(t, ')');
		}
		if (m.help) {
			text_add(t, "%0Ahelp: ");
			print_escaped(t, m.help, false);
		}
		text_char(t, '\n');
	}
}
