/* A tunnel as `status` and `doctor` see it: its file, its journal, the host and the difference. Nothing is changed, no lock is
 * taken and no name is looked up; information that cannot be read is missing from the result. */
#ifndef WG_QUICK_OBSERVATION_H
#define WG_QUICK_OBSERVATION_H

#include "comparison.h"
#include "quick/diagnosis/facts.h"
#include "quick/host/daemon.h"
#include "quick/journal/monitor_status.h"

struct observation {
	struct comparison c;
	struct facts facts;            /* of which these are the memory: */
	struct daemon_process daemon;  /* pid 0: none, or not known */
	struct text statistics;
	struct monitor_status monitor; /* what the monitor did last */
	bool has_monitor;              /* it is running */
	struct string_list dns_servers; /* in force, as far as the back-end tells */
	struct string_list warnings;   /* of the plan */
	bool may_read;                 /* false: this user lacks the privilege to read the WireGuard configuration */
};

/* argument: INTERFACE or CONFIG_FILE. 0, or -errno after reporting; an interface that is not up is no error. */
must_check int observe(struct observation *o, struct host *host, const char *argument);
void observation_free(struct observation *o);

/* The names of all tunnels: interfaces, and journals of this network namespace. 0, or -errno after reporting. */
must_check int observe_names(struct string_list *out, struct host *host);

#endif
