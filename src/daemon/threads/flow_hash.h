/* Which flow a packet belongs to: a hash of its addresses, protocol and ports, with a random seed, so that nobody can
 * choose packets whose hashes collide (SipHash-1-3). Pure. */
#ifndef DAEMON_FLOW_HASH_H
#define DAEMON_FLOW_HASH_H

#include "base/base.h"

struct flow_seed {
	uint64_t a, b;
};

/* Of n bytes that should be an IP packet. Fragments have no ports that could be read in each of them: of these, only
 * addresses and protocol count, so that they stay in one flow. Likewise IPv6 packets with extension headers. */
uint64_t flow_hash(const struct flow_seed *seed, const uint8_t *packet, size_t n);

#endif
