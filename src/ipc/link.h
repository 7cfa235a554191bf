/* What rtnetlink knows of links: which are of kind "wireguard" in this network namespace. */
#ifndef WG_LINK_H
#define WG_LINK_H

#include "ipc.h"
#include "netlink.h"

/* 0 and the link's kind in *is_wireguard, -ENODEV: no such link, or another -errno. */
must_check int link_look(struct netlink *rt, const char *name, bool *is_wireguard);

/* The wireguard links, by index. 0 or -errno. */
must_check int link_list(struct netlink *rt, struct ipc_names *out);

/* Appends; 0 or -ENOMEM. */
must_check int names_add(struct ipc_names *names, const struct ipc_name *name);

#endif
