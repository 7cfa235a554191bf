/* Diagnostics as text. */
#include "diag_text.h"

static void collect(void *ctx, const struct diag_message *m)
{
	struct diag_text *s = ctx;

	diag_print(&s->text, m, s->with_source);
}

void diag_text_init(struct diag_text *s, bool with_source)
{
	*s = (struct diag_text){ .d = { .emit = collect, .ctx = s }, .with_source = with_source };
	s->text = text_fixed(s->buffer, sizeof s->buffer);
}
