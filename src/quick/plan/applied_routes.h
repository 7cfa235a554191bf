/* The keys Routes of the peers as text, for the journal: "KEY off" or "KEY PREFIX,PREFIX…", sorted. */
#ifndef WG_QUICK_APPLIED_ROUTES_H
#define WG_QUICK_APPLIED_ROUTES_H

#include "base/prefix_set.h"
#include "quick/config/tunnel_file.h"

must_check int applied_routes_set(struct string_list *out, const struct tunnel_file *f); /* 0 or -ENOMEM */
void applied_routes_sort(struct string_list *list);
/* Appends the prefixes that had routes for a peer of the interface: those of the list, or else its allowed IPs. The set is not
 * normalized. False: out of memory. */
must_check bool applied_routes_prefixes(struct prefix_set *out, const struct string_list *list, const struct wg_peer *peer);

#endif
