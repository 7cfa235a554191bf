/* What the host has, as far as a plan depends on it. Looking changes nothing and needs no rights.
 */
#ifndef WG_QUICK_STATE_H
#define WG_QUICK_STATE_H

#include "ipc/ipc.h"
#include "rtnetlink.h"
#include "quick/config/settings.h"

/* Everything but the device; name may belong to no link. 0 or -errno. */
must_check int host_inspect(struct host_state *s, struct rtnetlink *rt, const char *name,
			  const struct settings *set);
/* Again what default-route tunnels share: rules and the sysctl. */
must_check int host_inspect_shared(struct host_state *s, struct rtnetlink *rt);
/* Fills device; empty when the interface is no WireGuard one. */
must_check int host_inspect_device(struct host_state *s, struct ipc *ipc, const char *name);
/* path_mtu, for these peers and packets that carry this mark. */
must_check int host_inspect_mtu(struct host_state *s, struct rtnetlink *rt, const struct wg_device *d,
			      uint32_t mark);
/* free_table: not one that `taken` says is meant for another tunnel. */
must_check int host_inspect_table(struct host_state *s, struct rtnetlink *rt,
				bool (*taken)(const void *ctx, uint32_t table), const void *ctx);
/* firewall: what can be used; only default routes need it. */
void host_inspect_firewall(struct host_state *s, const char *name, const struct settings *set);

/* ---- for a reload ---- */

/* routes, routes_before and mark_routes; table 0: there is none. */
must_check int host_inspect_routes(struct host_state *s, struct rtnetlink *rt, uint32_t table, uint32_t table_before);
/* nft_table, of these families. */
void host_inspect_nft_tables(struct host_state *s, const char *name, const bool families[2]);

/* True when wg(8) would list this name. */
bool host_is_wireguard(struct ipc *ipc, const char *name);

#endif
