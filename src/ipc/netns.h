/* The network namespace of this process. */
#ifndef WG_IPC_NETNS_H
#define WG_IPC_NETNS_H

#include "base/base.h"

struct netns {
	uint64_t inode;  /* of /proc/self/ns/net; a later namespace may have it again; 0 without /proc */
	uint64_t cookie; /* which no other namespace has had since boot; 0 before Linux 5.14 */
};
/* Asks the kernel. 0, or -errno: they cannot be read now. */
must_check int netns_read(struct netns *out);
/* The number of the namespace in the names of wg-quick's journals. */
static inline uint64_t netns_number(const struct netns *n)
{
	return n->cookie ? n->cookie : n->inode;
}

/* The name that ip-netns(8) gave it. False: it has none that fits. */
must_check bool netns_name(char *out, size_t cap);
/* True if the namespace with this name is not the one with this inode any more. */
must_check bool netns_name_is_stale(const char *name, uint64_t inode);

#endif
