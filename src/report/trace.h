/* The command trace of wg-quick: a line "[#] COMMAND" for each step, in upstream's form, which scripts read. Lines are
 * collected and written in one piece before the steps are performed. */
#ifndef WG_REPORT_TRACE_H
#define WG_REPORT_TRACE_H

#include "base/text.h"

struct command_trace {
	struct text t; /* append lines here */
	int fd;        /* stderr, or stdout for a dry run */
	int error;     /* -errno of the first write that failed, or 0 */
	bool silent;   /* discard instead of writing, for now */
	bool quiet;    /* the same, for the whole run */
};
void command_trace_init(struct command_trace *t, int fd);
void command_trace_flush(struct command_trace *t);
void command_trace_free(struct command_trace *t);

#endif
