/* See said.h. */
#include "said.h"

static void collect(void *ctx, const struct diag_message *m)
{
	struct said *s = ctx;

	diag_print(&s->text, m, s->with_source);
}

void said_init(struct said *s, bool with_source)
{
	*s = (struct said){ .d = { .emit = collect, .ctx = s }, .with_source = with_source };
	s->text = text_fixed(s->buffer, sizeof s->buffer);
}
