/* Errors about values. */
#include "bad_value.h"

void bad_value_report(struct diag *d, const char *file, const struct conf_extra *x, const char *id, struct span bad,
		      const char *expected)
{
	struct diag_at at = { .file = file, .line = x->line, .column = x->column, .id = id };

	if (bad.p >= x->value.p && bad.p <= x->value.p + x->value.n)
		at.column += (unsigned int)(bad.p - x->value.p);
	at.width = bad.n > 0 ? (unsigned int)bad.n : 1;
	if (text_may_be_key(bad)) {
		diag_f(d, DIAG_ERROR, &at, NULL, "%.*s: expected %s", (int)x->key.n, x->key.p, expected);
		return;
	}
	if (!text_may_be_key(x->line_text))
		at.source = x->line_text;
	diag_f(d, DIAG_ERROR, &at, NULL, "%.*s: expected %s, found `%.*s'", (int)x->key.n, x->key.p, expected,
	       (int)bad.n, bad.p);
}
