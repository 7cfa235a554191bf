/* The packet filters of the kernel. A tool may be installed although the kernel lacks its filter. */
#ifndef WG_QUICK_NETFILTER_H
#define WG_QUICK_NETFILTER_H

#include "base/base.h"

/* 0, or -errno: there is no netlink socket of netfilter. libnftables would end the process then. */
must_check int netfilter_probe(void);
bool netfilter_has_nftables(void);
/* What iptables-legacy uses, for this family. True only after the tool has run once, because it loads the modules. */
bool netfilter_has_xtables(uint8_t family);

#endif
