/* Quoting for bash, so that printed commands can be pasted. */
#ifndef WG_QUICK_SHELL_QUOTE_H
#define WG_QUICK_SHELL_QUOTE_H

#include "base/text.h"

/* $'…' with newlines as \n, so that a command stays on one line. Newlines at the end are left out, or not. */
void shell_quote(struct text *t, struct span s);
void shell_quote_all(struct text *t, struct span s);

#endif
