/* The peers on the page of `status`. */
#ifndef WG_QUICK_STATUS_PEERS_H
#define WG_QUICK_STATUS_PEERS_H

#include "report/page.h"
#include "status_page.h"

/* Appends their lines, the latest handshake first. False: out of memory. */
must_check bool status_peers(const struct page *p, const struct observation *o, const struct status_rates *rates);

#endif
