/* The warning about endpoints whose packets enter the tunnel itself. */
#ifndef WG_QUICK_WARN_CAPTURED_H
#define WG_QUICK_WARN_CAPTURED_H

#include "quick/host/host.h"
#include "quick/plan/host_state.h"

/* Called when the tunnel is complete, so that the kernel can tell the routes, and its peers and addresses are those that
 * hooks left. ifindex: the tunnel's link; hooks_ran: they may have added peers. Failures are ignored: the tunnel is up. */
void warn_captured_endpoints(struct host *host, const struct tunnel_file *f, uint32_t ifindex, bool hooks_ran);

#endif
