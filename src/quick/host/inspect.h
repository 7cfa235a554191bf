/* Inspects the host: fills the host state on which plans depend. Changes nothing. Only the WireGuard configuration and the
 * firewall rules need privileges. Functions that return int return 0 or -errno. */
#ifndef WG_QUICK_INSPECT_H
#define WG_QUICK_INSPECT_H

#include "dns_file.h"
#include "ipc/ipc.h"
#include "quick/config/settings.h"
#include "rtnetlink.h"

/* The routing tables from which `up` chooses. */
enum { FIRST_TABLE = 51820, TABLES_TRIED = 10000 };

/* All that every command needs; an interface of this name need not exist. */
must_check int host_inspect(struct host_state *s, struct rtnetlink *rt, const char *name,
			    const struct settings *set);
/* Only what other default-route tunnels change: rules and src_valid_mark. */
must_check int host_inspect_shared(struct host_state *s, struct rtnetlink *rt);
/* dns, resolv_conf and dns_id: for tunnels with name servers. */
must_check int host_inspect_dns(struct host_state *s, const struct dns_file *file, const struct settings *set);
/* device: empty when the interface is not a WireGuard interface. */
must_check int host_inspect_device(struct host_state *s, struct ipc *ipc, const char *name);
/* path_mtu: for these peers and packets with this mark. */
must_check int host_inspect_mtu(struct host_state *s, struct rtnetlink *rt, const struct wg_device *d,
				uint32_t mark);
/* free_table: the first that has no routes, and is not `taken` by another tunnel. -ENOSPC: there is no free table. */
must_check int host_inspect_table(struct host_state *s, struct rtnetlink *rt,
				  bool (*taken)(const void *ctx, uint32_t table), const void *ctx);
/* firewall: only default routes need it. */
void host_inspect_firewall(struct host_state *s, const char *name, const struct settings *set);
/* firewall_rules and missing_chains, for these families. */
void host_inspect_firewall_rules(struct host_state *s, const char *name, const bool families[2]);

/* ---- for a reload ---- */

/* routes, routes_before, mark_routes, unreachable and throws; table 0: no table. */
must_check int host_inspect_routes(struct host_state *s, struct rtnetlink *rt, uint32_t table, uint32_t table_before);

/* True when wg(8) would list this name. */
bool host_is_wireguard(struct ipc *ipc, const char *name);

#endif
