/* Quoting for bash. */
#include "shell_quote.h"

void shell_quote_all(struct text *t, struct span s)
{
	text_add(t, "$'");
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n') {
			text_add(t, "\\n");
			continue;
		}
		if (s.p[i] == '\'' || s.p[i] == '\\')
			text_char(t, '\\');
		text_char(t, s.p[i]);
	}
	text_char(t, '\'');
}

void shell_quote(struct text *t, struct span s)
{
	while (s.n > 0 && s.p[s.n - 1] == '\n')
		s.n--;
	shell_quote_all(t, s);
}
