/* The signals that stop wg-quick. */
#ifndef WG_QUICK_SIGNALS_H
#define WG_QUICK_SIGNALS_H

#include <stdbool.h>
#include <sys/types.h>

/* From now on SIGINT, SIGTERM and SIGHUP (unless it is ignored already) only set stop_signal, and SIGPIPE and SIGXFSZ are
 * ignored. The first of them lets the current step finish; further ones are passed on as SIGTERM to the child. */
void signals_watch(void);
extern volatile int stop_signal; /* the last of these signals, or 0 */

bool signals_stop_is_hangup(void); /* the last one was SIGHUP */

void signals_set_child(pid_t child); /* 0: none */

/* In a child: sets the default dispositions, but leaves SIGHUP ignored if it was before signals_watch(). */
void signals_restore(void);
/* In a child that keeps the handlers: SIGTERM ends it. */
void signals_stop_by_term(void);

#endif
