/* Reads files, sorts findings, and returns them as diagnostics. */
#include "check.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/vector.h"
#include "finding.h"

bool check_add(struct check *c, const struct check_input *in)
{
	struct check_file *f = calloc(1, sizeof *f);

	if (!f || !vector_reserve(&c->files, &c->cap_files, c->n_files + 1, sizeof *c->files)) {
		free(f);
		return false;
	}
	f->in = *in;
	f->number = (uint32_t)c->n_files;
	c->files[c->n_files++] = f;
	check_read(c, f);
	return !c->no_memory;
}

void check_add_error(struct check *c, const char *id, const char *text, const char *help)
{
	static const struct check_at first = { 1, 1, 1 };

	found(c, finding_by_id(id), c->files[c->n_files - 1], &first, "%s", text);
	if (help)
		found_help(c, "%s", help);
}

void check_add_message(struct check *c, const struct diag_message *m)
{
	const struct check_at at = { m->at.line, m->at.column, m->at.width };

	found(c, finding_by_id(m->id), c->files[c->n_files - 1], &at, "%s", m->text);
	found_level(c, m->level);
	if (m->help)
		found_help(c, "%s", m->help);
}

/* ---- endpoints ---- */

static struct check_file *last_file(const struct check *c)
{
	return c->files[c->n_files - 1];
}

size_t check_peers(const struct check *c)
{
	return last_file(c)->n_peers;
}

struct span check_endpoint(const struct check *c, size_t i)
{
	return last_file(c)->peers[i].endpoint_text;
}

void check_set_endpoint(struct check *c, size_t i, const struct ip_endpoint *e)
{
	last_file(c)->peers[i].endpoint = *e;
}

void check_set_unresolved(struct check *c, size_t i, const char *why)
{
	const struct check_file *f = last_file(c);

	found(c, finding_by_id("endpoint-not-resolved"), f, &f->peers[i].endpoint_at, "%s", why);
}

void check_set_path_mtu(struct check *c, unsigned int mtu)
{
	last_file(c)->path_mtu = mtu;
}

/* ---- the result ---- */

static int compare_found(const void *one, const void *other)
{
	const struct check_found *a = one, *b = other;

	if (a->file != b->file)
		return a->file->number < b->file->number ? -1 : 1;
	if (a->at.line != b->at.line)
		return a->at.line < b->at.line ? -1 : 1;
	if (a->at.column != b->at.column)
		return a->at.column < b->at.column ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

bool check_run(struct check *c)
{
	const struct finding *self;

	for (size_t i = 0; (self = finding_at(i)) && !c->no_memory; i++) {
		for (size_t k = 0; self->in_file && k < c->n_files; k++)
			self->in_file(c, c->files[k], self);
		if (self->between)
			self->between(c, self);
	}
	if (c->no_memory)
		return false;
	if (c->n_found > 0)
		qsort(c->found, c->n_found, sizeof *c->found, compare_found);
	for (size_t i = 0; i < c->n_found; i++)
		(*(c->found[i].level == DIAG_ERROR ? &c->errors : c->found[i].level == DIAG_WARNING ? &c->warnings : &c->notes))++;
	return true;
}

/* The line, masked; that of the previous call is kept, as many findings may be about one long line. */
static struct span masked_line(struct check *c, struct check_line *l, const struct check_file *f, unsigned int number)
{
	if (!l->text.cap)
		l->text = text_heap();
	if (l->file != f || l->number != number) {
		l->text.n = 0; /* what is there is masked already */
		check_mask_line(c, f, number, &l->text);
		l->file = f;
		l->number = number;
	}
	return text_of(&l->text);
}

void check_message(struct check *c, size_t i, struct diag_message *m, struct diag_message *note)
{
	const struct check_found *f = &c->found[i];

	*m = (struct diag_message){ .level = f->level, .id = f->self->id, .text = c->texts.p + f->text };
	m->help = f->help ? c->texts.p + f->help : NULL;
	m->at = (struct diag_at){ .file = f->file->in.path, .line = f->at.line, .column = f->at.column, .width = f->at.width };
	m->at.source = masked_line(c, &c->line, f->file, f->at.line);
	conf_origin_translate(f->file->in.origins, &m->at);
	*note = (struct diag_message){ .level = DIAG_NOTE };
	if (!f->note)
		return;
	note->text = c->texts.p + f->note;
	note->at = (struct diag_at){ .file = f->note_file->in.path, .line = f->note_at.line,
				     .column = f->note_at.column, .width = f->note_at.width };
	if (f->note_file != f->file || f->note_at.line != f->at.line)
		note->at.source = masked_line(c, &c->note_line, f->note_file, f->note_at.line);
	conf_origin_translate(f->note_file->in.origins, &note->at);
}

bool check_is_for_up(const struct check *c, size_t i)
{
	return c->found[i].self->for_up && c->found[i].level == DIAG_WARNING;
}

void check_free(struct check *c)
{
	for (size_t i = 0; i < c->n_files; i++)
		check_file_free(c->files[i]);
	free(c->files);
	free(c->found);
	if (c->texts.cap)
		text_heap_free(&c->texts);
	if (c->line.text.cap)
		text_heap_free(&c->line.text);
	if (c->note_line.text.cap)
		text_heap_free(&c->note_line.text);
	*c = (struct check){ 0 };
}
