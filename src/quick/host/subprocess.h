/* Runs other programs. */
#ifndef WG_QUICK_SUBPROCESS_H
#define WG_QUICK_SUBPROCESS_H

#include "base/vector.h"

struct subprocess {
	const char *const *argv; /* ends with null; argv[0] is a path, or a name to look up in PATH */
	struct span input;       /* its standard input; the null span: inherited; with `output`, at most 64 KiB */
	struct text *output;     /* receives its standard output; null: inherited */
	bool errors_too;         /* standard error goes to `output` as well */
	bool quiet;              /* standard output and error go to /dev/null, unless they go to `output` */
	unsigned int limit_s;    /* then it and the processes that it started are killed: -ETIMEDOUT; 0: none */
	bool hook;               /* remove environment variables that change how a shell behaves */
	int (*function)(void *ctx); /* runs in a child process instead of a program, and returns the exit status */
	void *ctx;
};

/* Runs a program and waits for it. 0, its exit status, 128 + signal, or -errno when it was not started. The kernel kills
 * it when wg-quick dies, unless it has become a daemon by then. */
int subprocess_run(const struct subprocess *r);

/* The exit status, as a shell reports it, of the last program that failed; the caller resets it to 0. */
extern int subprocess_status;

/* Runs a program with the options of `like` and these arguments, at most 15 including the program, ended by null. */
int subprocess_run_args(const struct subprocess *like, const char *program, ...);

extern const char subprocess_default_path[]; /* where PATH is not set */

/* The full path of a program in PATH, or null. Valid until the next call. */
const char *subprocess_find(const char *name);

#endif
