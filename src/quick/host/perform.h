/* Performs the steps that are not netlink messages, one at a time. */
#ifndef WG_QUICK_PERFORM_H
#define WG_QUICK_PERFORM_H

#include "host.h"
#include "quick/plan/step.h"
#include "report/trace.h"

struct performer {
	struct host *host;
	struct command_trace *trace;
	const char *config;     /* path of the tunnel file, which hooks find in CONFIG_FILE; null: not known */
	const char *journal;    /* path of the journal, which identifies the tunnel */
	bool (*is_elsewhere)(void *host, const char *name); /* as in struct dns_file */
	bool may_be_outside;    /* the interface of a namespace was possibly not moved into it */
	bool sets_dns_again;    /* a record that resolvconf fails to remove is replaced later, so that is a warning */
	bool dns_failed;        /* the name servers could not be set, which need not be an error */
	uint32_t ifindex;       /* of the interface; set when a step creates it; 0: not known */
};

/* Traces and performs a step, and marks it done if it was, or possibly was, performed, unless it has no inverse: a hook, or
 * the deletion of the interface. 0, or -errno after reporting. */
must_check int perform_step(struct performer *pf, const struct plan *p, struct step *s);

#endif
