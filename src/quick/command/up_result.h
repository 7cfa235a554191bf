/* What the journal records about the tunnel at the end of `up`. */
#ifndef WG_QUICK_UP_RESULT_H
#define WG_QUICK_UP_RESULT_H

#include "quick/host/host.h"
#include "quick/journal/journal.h"

/* Records that `up` completed and, for `save`, `reload` and `diff`, what of the tunnel is not from its file. The device
 * and the routes are read only if hooks ran: without them, nothing else can have changed them. */
void journal_up_result(struct journal *j, struct host *host, const struct tunnel_file *f, uint32_t ifindex,
		       bool hooks_ran);

#endif
