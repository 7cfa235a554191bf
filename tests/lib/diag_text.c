/* Diagnostics as text. */
#include "diag_text.h"

static void collect(void *ctx, const struct diag_message *m)
{
	struct diag_text *s = ctx;
	struct diag_message without_id = *m;

	without_id.id = NULL;
	diag_print(&s->text, &without_id, s->with_source);
}

void diag_text_init(struct diag_text *s, bool with_source)
{
	*s = (struct diag_text){ .d = { .emit = collect, .ctx = s }, .with_source = with_source };
	s->text = text_fixed(s->buffer, sizeof s->buffer);
}
