/* Words that a person can paste into bash. */
#ifndef WG_QUICK_PRINT_H
#define WG_QUICK_PRINT_H

#include "base/text.h"

/* $'…' with newlines as \n, so that a command stays on one line. */
void print_quoted(struct text *t, struct span s);

#endif
