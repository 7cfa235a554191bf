/* Steps as the equivalent shell commands. */
#ifndef WG_QUICK_PRINT_H
#define WG_QUICK_PRINT_H

#include "step.h"

/* Appends "[#] command\n", or several such lines, or nothing. runnable: input that the command would
 * read from this process is spelled out. */
void step_print(struct text *t, const struct plan *p, const struct step *s, bool runnable);
/* Appends the hook with every "%i" replaced by the interface name. */
void hook_expand(struct text *t, const char *text, const char *name);

#endif
