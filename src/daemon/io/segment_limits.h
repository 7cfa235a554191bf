/* Paths that refuse messages of many datagrams (UDP_SEGMENT), and from which length of the datagrams on. The MTU of a
 * route, IPsec, or a device without checksum offload refuses them for some destinations and not for others, so a limit
 * belongs to a path: the remote endpoint and the local address. Limits expire, as the reason may have ended. Pure. */
#ifndef DAEMON_SEGMENT_LIMITS_H
#define DAEMON_SEGMENT_LIMITS_H

#include "proto/tunnel.h"

enum {
	SEGMENT_LIMITS = 1024,
	SEGMENT_LIMIT_WAYS = 4, /* places for the limit of a path; the one that expires first is replaced */
};
#define SEGMENT_LIMIT_NS (20 * NS_PER_S)

struct segment_limit {
	struct ip_endpoint remote;
	struct ip_addr local;
	uint32_t bytes_max; /* of datagrams that may leave in one message */
	uint64_t until_ns;
};

struct segment_limits { /* zeroed: none; owned by one worker */
	struct segment_limit all[SEGMENT_LIMITS];
	uint64_t until_ns; /* when the last one expires; 0: none */
};

/* The longest datagrams of which many may leave in one message along the path. UINT32_MAX: no limit. */
uint32_t segment_limits_find(const struct segment_limits *l, const struct wg_path *path, uint64_t now_ns);
/* Limits the path to datagrams of at most bytes_max (0: none), for SEGMENT_LIMIT_NS. It may displace the limit of
 * another path, which costs that path one refused message. */
void segment_limits_note(struct segment_limits *l, const struct wg_path *path, uint32_t bytes_max, uint64_t now_ns);
void segment_limits_clear(struct segment_limits *l);

#endif
