/* Translation of positions. */
#include "conf_origins.h"

void conf_origin_translate(const struct conf_origins *o, struct diag_at *at)
{
	if (!o || at->line == 0 || at->line > o->n)
		return;
	at->file = o->files[o->lines[at->line - 1].file];
	at->line = o->lines[at->line - 1].line;
}

unsigned int conf_origin_line(const struct conf_origins *o, unsigned int line)
{
	struct diag_at at = { .line = line };

	conf_origin_translate(o, &at);
	return at.line;
}

static void translate(void *ctx, const struct diag_message *m)
{
	struct conf_origin_diag *t = ctx;
	struct diag_message message = *m;

	conf_origin_translate(t->origins, &message.at);
	diag_report(t->next, &message);
}

void conf_origin_diag_init(struct conf_origin_diag *t, const struct conf_origins *o, struct diag *next)
{
	*t = (struct conf_origin_diag){ .d = { .emit = translate, .ctx = t }, .origins = o, .next = next };
}
