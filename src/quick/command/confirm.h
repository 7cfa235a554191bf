/* Changes whose waiting process no longer exists. */
#ifndef WG_QUICK_CONFIRM_H
#define WG_QUICK_CONFIRM_H

#include "command.h"

/* The process that waited was killed: rolls back what has expired, and starts another process for the rest. */
void confirm_settle(struct host *host, struct command_trace *trace);

#endif
