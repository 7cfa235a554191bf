/* Repairs one tunnel: restores settings that `up` or `reload` applied, according to the journal and the file, and that other
 * programs removed. Runs in a job of `wg-quick monitor`. */
#ifndef WG_QUICK_REPAIR_COMMAND_H
#define WG_QUICK_REPAIR_COMMAND_H

#include "command.h"

enum repair_status {
	REPAIR_DONE,    /* nothing is missing, or it was restored */
	REPAIR_LOCKED,  /* another process works on the tunnel */
	REPAIR_FAILED,  /* the host cannot be inspected, or a step failed, which was reported */
	REPAIR_GONE,    /* the interface does not exist, or is another one */
	REPAIR_NOT_UP,  /* there is no complete journal */
};

struct repair_request {
	const char *name;
	struct host *host;
	const struct command_options *options;
	bool (*is_paused)(const void *ctx, uint64_t id); /* things that are left to another program */
	const void *ctx;
};

/* For job_start(): returns an enum repair_status. The output has a line for each result:
 *
 *	restored ID TEXT     a step, by its repair_id()
 *	set ID TEXT          the MTU, because the path changed
 *	failed ID TEXT
 *	more N               further steps
 *	down                 the interface is down: what needs it waits
 *	endpoint ADDRESS     routes to these addresses decide about the MTU, or are the tunnel's
 *	edited               the file differs from what was applied */
int repair_tunnel(void *request, struct text *out);

#endif
