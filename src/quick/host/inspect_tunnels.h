/* Inspects resources that tunnels use or left behind. Functions that return int return 0 or -errno. */
#ifndef WG_QUICK_INSPECT_TUNNELS_H
#define WG_QUICK_INSPECT_TUNNELS_H

#include "ipc/ipc.h"
#include "rtnetlink.h"

/* Appends the tables that tunnels may use: those of the rules, those that wg-quick chooses, and this one (0: none). */
must_check int host_inspect_tables(struct table_uses *out, struct rtnetlink *rt, const struct rules *rules, uint32_t table);
/* Adds the marks of WireGuard interfaces. An error also if one of them cannot be read. */
must_check int host_inspect_marks(struct tunnels_in_use *out, struct ipc *ipc);
/* Appends those of these names that interfaces of this namespace have which are no WireGuard interfaces, as far as can be seen:
 * the socket of a daemon in another container is not. */
must_check int host_inspect_unknown(struct string_list *out, const struct string_list *names, struct ipc *ipc);
/* Adds the names of all interfaces of this namespace, and of WireGuard interfaces in others. */
must_check int host_inspect_names(struct tunnels_in_use *out, struct rtnetlink *rt, struct ipc *ipc);

#endif
