/* The first process of the namespaces of `run`: it sets them up, starts the command and waits for it. */
#ifndef WG_QUICK_RUN_FIRST_H
#define WG_QUICK_RUN_FIRST_H

#include <signal.h>

#include "run.h"

/* Signal settings of the caller that were changed for this process, and are restored for the command. */
struct run_inherited {
	sigset_t mask;
	struct sigaction child; /* of SIGCHLD */
};

/* In the child of run_namespaces_fork(). channel: to the process outside. */
_Noreturn void run_first_process(const struct run_request *r, const struct run_inherited *inherited, int channel);

#endif
