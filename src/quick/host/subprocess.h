/* Other programs, and the signals that ask us to stop. */
#ifndef WG_QUICK_SUBPROCESS_H
#define WG_QUICK_SUBPROCESS_H

#include "base/vector.h"

struct subprocess {
	char *const *argv;    /* argv[0]: a path, or a name for PATH */
	struct span input;    /* for stdin; the null span: ours */
	struct text *output;  /* what it prints on stdout; null: ours */
	bool quiet;           /* neither stdout nor stderr is shown */
	bool hook;            /* without the variables that could change what a shell does */
};

/* Runs it and waits: 0, its exit status, 128 + signal, or -errno when it did not start. The program
 * dies with us, unless it becomes a daemon first. */
int subprocess_run(const struct subprocess *r);

/* The exit status of the last program that failed, as a shell would give it; set back to 0 by whoever
 * wants to know. */
extern int subprocess_status;

/* The same with the words given one by one, at most 15, ended by a null. */
int subprocess_run_args(const struct subprocess *like, const char *program, ...);

/* Full path of a program in PATH; null: there is none. Static storage for one name at a time. */
const char *subprocess_find(const char *name);

/* SIGINT, SIGTERM and SIGHUP (unless it is ignored already) are noted, not obeyed; SIGPIPE and SIGXFSZ are ignored. */
void subprocess_watch_signals(void);
extern volatile int stop_signal; /* the signal that came, or 0 */

#endif
