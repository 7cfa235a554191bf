/* Collects findings. */
#include "base/vector.h"
#include "finding.h"

const struct finding *finding_in(const struct finding_group *group, const char *id)
{
	const struct finding *f = group->list;

	while (strcmp(f->id, id) != 0)
		f++;
	return f;
}

static size_t add_text(struct check *c, const char *fmt, va_list ap)
{
	size_t at;

	if (!c->texts.cap) {
		c->texts = text_heap();
		text_char(&c->texts, '\n'); /* no text is at offset 0 */
	}
	at = c->texts.n;
	text_vf(&c->texts, fmt, ap);
	text_span(&c->texts, (struct span){ "", 1 });
	c->no_memory |= c->texts.failed;
	if (!c->no_memory)
		diag_replace_controls(c->texts.p + at, c->texts.n - at - 1);
	return at;
}

void found(struct check *c, const struct finding *self, const struct check_file *f, const struct check_at *at,
	   const char *fmt, ...)
{
	struct check_found *new;
	va_list ap;

	if (!vector_reserve(&c->found, &c->cap_found, c->n_found + 1, sizeof *c->found)) {
		c->no_memory = true;
		return;
	}
	new = &c->found[c->n_found++];
	*new = (struct check_found){ .self = self, .file = f, .at = *at, .level = self->level, .order = c->n_found };
	va_start(ap, fmt);
	new->text = add_text(c, fmt, ap);
	va_end(ap);
}

static struct check_found *last_found(struct check *c)
{
	return c->no_memory || c->n_found == 0 ? NULL : &c->found[c->n_found - 1];
}

void found_level(struct check *c, enum diag_level level)
{
	struct check_found *last = last_found(c);

	if (last)
		last->level = level;
}

void found_help(struct check *c, const char *fmt, ...)
{
	struct check_found *last = last_found(c);
	va_list ap;

	if (!last)
		return;
	va_start(ap, fmt);
	last->help = add_text(c, fmt, ap);
	va_end(ap);
}

static size_t add_plain(struct check *c, const char *fmt, ...)
{
	va_list ap;
	size_t at;

	va_start(ap, fmt);
	at = add_text(c, fmt, ap);
	va_end(ap);
	return at;
}

void found_note(struct check *c, const struct check_file *f, const struct check_at *at, const char *text)
{
	struct check_found *last = last_found(c);

	if (!last)
		return;
	last->note_file = f;
	last->note_at = *at;
	last->note = add_plain(c, "%s", text);
}

struct span check_line(const struct check_file *f, uint32_t line)
{
	const char *end = f->in.text.p + f->in.text.n;

	if (line == 0 || line > f->n_lines)
		return (struct span){ f->in.text.p, 0 };
	if (line < f->n_lines)
		end = f->lines[line] - 1;
	return (struct span){ f->lines[line - 1], (size_t)(end - f->lines[line - 1]) };
}

const char *prefix_text(char *buffer, const struct ip_prefix *p)
{
	struct text t = text_fixed(buffer, IP_PREFIX_TEXT_MAX);

	prefix_print(&t, p);
	return buffer;
}

const char *address_text(char *buffer, const struct ip_addr *a)
{
	struct text t = text_fixed(buffer, IP_PREFIX_TEXT_MAX);

	ip_print(&t, a);
	return buffer;
}
