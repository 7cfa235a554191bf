/* Hooks: lines of the tunnel file that bash runs. reference/wg-behaviour.md B5. */
#ifndef WG_QUICK_HOOKS_H
#define WG_QUICK_HOOKS_H

#include "base/base.h"

extern char *const *hook_arguments; /* what wg-quick was called with, which hooks find in ARGS; ended by null */

/* Runs it and waits: 0, the exit status, 128 + signal, or -errno. */
int hook_run(const char *text, const char *name, const char *config);

#endif
