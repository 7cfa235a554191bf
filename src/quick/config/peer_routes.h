/* The key Routes of [Peer]: the destinations routed to the peer, instead of all of its allowed IPs. */
#ifndef WG_QUICK_PEER_ROUTES_H
#define WG_QUICK_PEER_ROUTES_H

#include "model/conf.h"

/* A zeroed struct is a section without the key. */
struct peer_routes {
	bool given; /* without prefixes: off */
	struct peer_route {
		struct ip_prefix prefix;
		unsigned int line, column, width; /* where it is in the file */
		struct span line_text;            /* in the text of the file */
	} *list; /* owned */
	size_t n, cap;
};
void peer_routes_free(struct peer_routes *r);

/* Reads one line; a wrong value is reported to d. False: out of memory. */
must_check bool peer_routes_read(struct peer_routes *r, const char *file, const struct conf_extra *x, struct diag *d);
/* Reports prefixes that are not within the allowed IPs of the peer. False: out of memory. */
must_check bool peer_routes_check(const struct peer_routes *r, const struct wg_peer *peer, const char *file, struct diag *d);

#endif
