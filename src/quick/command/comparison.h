/* The comparison of a tunnel with its file, for the commands `reload`, `diff`, `status` and `doctor`. */
#ifndef WG_QUICK_COMPARISON_H
#define WG_QUICK_COMPARISON_H

#include "quick/host/host.h"
#include "quick/journal/journal_data.h"
#include "quick/plan/diff_input.h"

struct comparison {
	struct host *host;
	struct tunnel_file file; /* desired */
	struct host_state state; /* actual */
	struct journal journal;
	struct string_list endpoints; /* of the file, before host names are resolved */
	struct plan old_dns, plan;    /* what the difference is */
	int shared_lock;
};
#define COMPARISON_OF(h) ((struct comparison){ .host = (h), .journal = JOURNAL_CLOSED, .shared_lock = -1 })
void comparison_free(struct comparison *c);

/* Null without a journal. */
const struct applied *comparison_applied(const struct journal *j);

/* Each of the following functions returns 0, or -errno after reporting. */

/* The file and the journal. lock: take the lock of the tunnel. */
must_check int comparison_read(struct comparison *c, const char *argument, bool lock);
/* The host. lock: resolve host names patiently, and take the lock of what default-route tunnels share, if it may change. */
must_check int comparison_inspect(struct comparison *c, bool lock);
/* The steps that lead from the host's state to that of the file; warnings of the plan are passed on. */
must_check int comparison_plan(struct comparison *c, plan_warn *warn, void *ctx);

/* Part of comparison_read(): 0 or -ENOMEM. */
must_check int comparison_list_endpoints(struct comparison *c);

#endif
