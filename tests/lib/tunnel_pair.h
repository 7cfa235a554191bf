/* Two tunnels that are each other's peer. Packets move and time passes only when the test calls a function; the random
 * numbers are seeded. */
#ifndef TESTS_TUNNEL_PAIR_H
#define TESTS_TUNNEL_PAIR_H

#include "proto/tunnel.h"

enum { PAIR_PACKET_MAX = 2048, PAIR_QUEUE_MAX = 512 };

struct pair_packet {
	uint32_t n;
	uint8_t tos;
	uint8_t drop, verdict; /* of packets passed to a side */
	struct wg_path path;   /* of datagrams: the destination */
	uint8_t bytes[PAIR_PACKET_MAX];
};

struct pair_queue {
	size_t n;
	struct pair_packet packets[PAIR_QUEUE_MAX];
};

struct pair_side {
	struct wg_tunnel *tunnel;
	struct wg_tunnel_peer *peer; /* the other side */
	struct wg_private key;
	struct wg_public pub;
	struct wg_path path;         /* of the other side, seen from here */
	struct ip_addr address;      /* inner: 10.0.0.1 and 10.0.0.2 */
	uint64_t random;             /* state */
	const uint8_t *script;       /* returned before random bytes */
	size_t script_n;
	struct pair_queue *sent;     /* datagrams, in order */
	struct pair_queue *got;      /* packets for TUN, in order */
	uint64_t wall_s;
	uint32_t wall_ns;
	bool wall_stopped;           /* otherwise it advances with pair.now_ns */
	const uint64_t *now_ns;
	bool under_load;
	unsigned int publishing;     /* nesting depth, 0 or 1 */
};

struct pair {
	uint64_t now_ns;
	struct pair_side side[2];
};

/* Both are up and have the other as peer, with endpoint, allowed IPs 10.0.0.x/32 and fd00::x/128, and no handshake. */
struct pair *pair_new(uint64_t seed);
void pair_free(struct pair *p);

/* Passes a packet from TUN; returns its verdict and drop reason. Datagrams are queued in `sent`. */
struct pair_packet pair_tun(struct pair *p, int side, const uint8_t *bytes, size_t n);
/* Passes a datagram from UDP, received on `path` (null: from the other side) with this outer TOS. */
struct pair_packet pair_udp(struct pair *p, int side, const uint8_t *bytes, size_t n,
			    const struct wg_path *path, uint8_t tos);
/* Runs the timers that are due, and collects the datagrams that a side sends on its own initiative. */
void pair_collect(struct pair *p, int side);
/* Delivers datagrams until neither side sends more. */
void pair_exchange(struct pair *p);
/* Advances the time, running timers at each deadline; cut: all datagrams are lost. */
void pair_run(struct pair *p, uint64_t until_ns, bool cut);
void pair_clear(struct pair *p); /* empties all queues */

/* Writes an IPv4 or IPv6 packet of n bytes from the inner address of a side to that of the other. */
void pair_ipv4(uint8_t *out, size_t n, int from);
void pair_ipv6(uint8_t *out, size_t n, int from);
struct wg_peer_state pair_state(struct pair *p, int side);

#endif
