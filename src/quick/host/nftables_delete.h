/* Deletes tables and chains of nftables only while they are unused. libnftables cannot: its `delete` includes the rules. */
#ifndef QUICK_HOST_NFTABLES_DELETE_H
#define QUICK_HOST_NFTABLES_DELETE_H

#include <stdint.h>

/* family: NFPROTO_IPV4 or NFPROTO_IPV6; chain: null to delete the table. 0, -EBUSY if the chain has rules or is referred to,
 * or the table has a chain or a set, -ENOENT if it does not exist, or another -errno. */
int nftables_delete_unused(uint8_t family, const char *table, const char *chain);

#endif
