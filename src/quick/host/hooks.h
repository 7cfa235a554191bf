/* Hooks: commands of the tunnel file, run by bash, or by sh where bash is missing. See PreUp, PostUp, PreDown and PostDown
 * in wg-quick(8). */
#ifndef WG_QUICK_HOOKS_H
#define WG_QUICK_HOOKS_H

#include "base/base.h"

/* The arguments of wg-quick, which hooks find in the bash array ARGS; ends with null. */
extern char *const *hook_arguments;

/* Runs the hook for the interface `name` in this network namespace ("": that of wg-quick) and waits for it; `config` is the path of the tunnel file, or null.
 * 0, its exit status, 128 + signal, or -errno when it was not started. */
int hook_run(const char *text, const char *name, const char *netns, const char *config);

#endif
