/* Steps as the equivalent shell commands, and in messages. */
#ifndef WG_QUICK_PRINT_H
#define WG_QUICK_PRINT_H

#include "step.h"

/* Appends "[#] command\n", or several such lines, or nothing. runnable: input that the command would
 * read from this process is spelled out. */
void step_print(struct text *t, const struct plan *p, const struct step *s, bool runnable);
/* All steps, runnable. */
void plan_print(struct text *t, const struct plan *p);
/* Appends the command that creates the interface in userspace: the program and the name, or, if the program is a template unit
 * of systemd ("wireguardd@.service"), the start of its instance. */
void implementation_print(struct text *t, const char *program, const char *name);
/* The name of that instance, in t; false: the program is not a template unit. */
must_check bool implementation_unit(struct text *t, const char *program, const char *name);
/* Appends what the step does, for messages: "add route 10.0.0.0/8". */
void step_describe(struct text *t, const struct plan *p, const struct step *s);
/* Appends the hook with every "%i" replaced by the interface name, and every "%n" by the name of the network namespace, if there
 * is one. */
void hook_expand(struct text *t, const char *text, const char *name, const char *netns);
/* Append the commands that create the network namespace, and that move the interface into it. */
void netns_print_add(struct text *t, const struct plan *p);
void netns_print_move(struct text *t, const struct plan *p);

#endif
