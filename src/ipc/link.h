/* Links of kind "wireguard" in this network namespace, by rtnetlink. */
#ifndef WG_LINK_H
#define WG_LINK_H

#include "names.h"
#include "netlink.h"

/* 0 and whether the link is of this kind; -ENODEV: no such link, or another -errno. */
must_check int link_is_wireguard(struct netlink *rt, const char *name, bool *is_wireguard);

/* Replaces *out with the links of this kind, sorted by interface index. 0 or -errno. */
must_check int link_list(struct netlink *rt, struct ipc_names *out);

#endif
