/* The text of the file of a change that awaits confirmation: lines "KEY VALUE", and at the end the tunnel file. */
#include "pending_text.h"

#include <errno.h>
#include <stdlib.h>

static const char beginning[] = "wgsuite-confirm 1\n";
_Static_assert(sizeof beginning - 1 == PENDING_TIMES_AT, "where the times are");
enum { TIME_DIGITS = 20 };

static void print_time(struct text *t, uint64_t ms)
{
	char digits[TIME_DIGITS + 1];
	struct text number = text_fixed(digits, sizeof digits);

	text_u64(&number, ms);
	for (size_t i = number.n; i < TIME_DIGITS; i++)
		text_char(t, '0');
	text_span(t, text_of(&number));
}

void pending_print_times(const struct pending *p, struct text *t)
{
	text_add(t, "deadline ");
	print_time(t, p->deadline_ms);
	text_add(t, "\nin-effect ");
	print_time(t, p->since.real_ms);
	text_char(t, ' ');
	print_time(t, p->since.monotonic_ms);
	text_char(t, '\n');
}

static void print_list(struct text *t, const char *word, const struct string_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		text_f(t, "%s %s\n", word, l->list[i]);
}

void pending_print(const struct pending *p, struct text *t)
{
	text_add(t, beginning);
	pending_print_times(p, t);
	text_f(t, "seconds %u\ncommand %s\nboot %s\nuser %u %s\n", p->seconds, p->is_reload ? "reload" : "up", p->boot, p->since.uid,
	       p->since.user);
	if (p->no_hooks)
		text_add(t, "no-hooks\n");
	if (p->config && !strchr(p->config, '\n'))
		text_f(t, "config %s\n", p->config);
	text_f(t, "port %u\nmark %u\n", (unsigned int)p->port, p->mark);
	print_list(t, "peer", &p->texts);
	print_list(t, "endpoint", &p->endpoints);
	text_add(t, "file\n");
	text_span(t, text_of(&p->file));
}

static bool read_number(uint32_t *out, struct span word, uint32_t max)
{
	uint64_t n;
	bool ok = span_to_u64(&n, word, max);

	*out = ok ? (uint32_t)n : 0;
	return ok;
}

static bool read_in_effect(struct login_since *s, struct span rest)
{
	struct span real;

	return span_next(&real, &rest, ' ') && span_to_u64(&s->real_ms, real, UINT64_MAX) &&
	       span_to_u64(&s->monotonic_ms, rest, UINT64_MAX);
}

static bool read_user(struct login_since *s, struct span rest)
{
	struct text user = text_fixed(s->user, sizeof s->user);
	struct span uid;

	if (!span_next(&uid, &rest, ' ') || !read_number(&s->uid, uid, UINT32_MAX))
		return false;
	text_span(&user, rest);
	return !user.failed;
}

static bool read_text(struct pending *p, struct span word, struct span rest)
{
	if (span_is(word, "boot")) {
		struct text boot = text_fixed(p->boot, sizeof p->boot);
		text_span(&boot, rest);
		return !boot.failed;
	}
	if (span_is(word, "config")) {
		free(p->config);
		p->config = span_dup(rest);
		return p->config;
	}
	return !span_is(word, "peer") && !span_is(word, "endpoint") ? true :
	       string_list_add(span_is(word, "peer") ? &p->texts : &p->endpoints, rest);
}

/* Unknown lines are those of a later version. */
static bool read_line(struct pending *p, struct span word, struct span rest)
{
	uint32_t n;

	if (span_is(word, "deadline"))
		return span_to_u64(&p->deadline_ms, rest, UINT64_MAX);
	if (span_is(word, "in-effect"))
		return read_in_effect(&p->since, rest);
	if (span_is(word, "user"))
		return read_user(&p->since, rest);
	if (span_is(word, "seconds"))
		return read_number(&p->seconds, rest, UINT32_MAX);
	if (span_is(word, "mark"))
		return read_number(&p->mark, rest, UINT32_MAX);
	if (span_is(word, "port")) {
		if (!read_number(&n, rest, UINT16_MAX))
			return false;
		p->port = (uint16_t)n;
	} else if (span_is(word, "command")) {
		p->is_reload = span_is(rest, "reload");
	} else if (span_is(word, "no-hooks")) {
		p->no_hooks = true;
	}
	return read_text(p, word, rest);
}

int pending_parse(struct pending *p, struct span text)
{
	struct span line, word;

	if (!span_next(&line, &text, '\n') || !span_is(line, "wgsuite-confirm 1"))
		return -EINVAL;
	errno = 0;
	p->file = text_heap();
	while (span_next(&line, &text, '\n')) {
		if (span_is(line, "file")) {
			if (text.p)
				text_span(&p->file, text);
			return p->file.failed ? -ENOMEM : 0;
		}
		if (!span_next(&word, &line, ' '))
			continue;
		if (!read_line(p, word, line.p ? line : SPAN("")))
			return errno == ENOMEM ? -ENOMEM : -EINVAL;
	}
	return -EINVAL; /* it was not written completely */
}
