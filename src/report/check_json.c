/* Findings as JSON. */
#include "base/vector.h"
#include "check_output.h"
#include "json.h"

enum { SOURCE_MAX = 1000 }; /* bytes of a line; a longer one is left out */

static void print_position(struct json *j, const struct diag_message *m)
{
	json_string(j, "file", span_of(m->at.file));
	json_u64(j, "line", m->at.line);
	json_u64(j, "column", m->at.column);
	json_u64(j, "endColumn", m->at.column + m->at.width);
}

/* With '?' for what a terminal would execute or hide. */
static void print_source(struct json *j, struct span line)
{
	char copy[SOURCE_MAX];

	if (line.n > sizeof copy)
		return;
	for (size_t i = 0; i < line.n; i++)
		copy[i] = line.p[i] == '\t' ? ' ' : line.p[i];
	diag_replace_controls(copy, line.n);
	json_string(j, "source", (struct span){ copy, line.n });
}

static void print_finding(struct json *j, const struct diag_message *m, const struct diag_message *note)
{
	json_open_object(j, NULL);
	print_position(j, m);
	json_string(j, "severity", span_of(diag_level_name(m->level)));
	json_string(j, "id", span_of(m->id));
	json_string(j, "message", span_of(m->text));
	print_source(j, m->at.source);
	if (m->help)
		json_string(j, "help", span_of(m->help));
	if (note->text) {
		json_open_object(j, "note");
		print_position(j, note);
		json_string(j, "message", span_of(note->text));
		json_close(j);
	}
	json_close(j);
}

void check_print_json(struct text *t, struct check *c)
{
	struct json j;

	json_begin(&j, t, false);
	json_open_object(&j, NULL);
	json_u64(&j, "errors", c->errors);
	json_u64(&j, "warnings", c->warnings);
	json_u64(&j, "notes", c->notes);
	json_open_array(&j, "findings");
	for (size_t i = 0; i < c->n_found; i++) {
		struct diag_message m, note;
		check_message(c, i, &m, &note);
		print_finding(&j, &m, &note);
	}
	json_close(&j);
	json_close(&j);
	json_end(&j);
}
