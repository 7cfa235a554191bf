/* Links of kind "wireguard" in this network namespace, by rtnetlink. */
#ifndef WG_LINK_H
#define WG_LINK_H

#include "names.h"
#include "netlink.h"

/* 0 and the index of the link, or 0 if it is of another kind; -ENODEV: no such link, or another -errno. */
must_check int link_index(struct netlink *rt, const char *name, uint32_t *ifindex);

/* Replaces *out with the links of this kind, sorted by interface index. 0 or -errno. */
must_check int link_list(struct netlink *rt, struct ipc_names *out);

#endif
