/* Two tunnels with one peer each and a wire between them that a test holds in its hands: nothing moves
 * but by a call, time is a number, chance is seeded. */
#ifndef TESTS_TUNNEL_PAIR_H
#define TESTS_TUNNEL_PAIR_H

#include "proto/tunnel.h"

enum { PAIR_PACKET_MAX = 2048, PAIR_QUEUE_MAX = 512 };

struct pair_packet {
	uint32_t n;
	uint8_t tos;
	uint8_t drop, verdict; /* of packets that were given to a side */
	struct wg_path path;   /* of datagrams: where to */
	uint8_t bytes[PAIR_PACKET_MAX];
};

struct pair_queue {
	size_t n;
	struct pair_packet packets[PAIR_QUEUE_MAX];
};

struct pair_side {
	struct wg_tunnel *tunnel;
	struct wg_tunnel_peer *peer; /* the other one */
	struct wg_private key;
	struct wg_public pub;
	struct wg_path path;         /* how the other one is seen from here */
	struct ip_addr address;      /* inner: 10.0.0.1 and 10.0.0.2 */
	uint64_t random;             /* state */
	const uint8_t *script;       /* random bytes to be given out first */
	size_t script_n;
	struct pair_queue *sent;     /* datagrams, in order */
	struct pair_queue *got;      /* packets for TUN, in order */
	uint64_t wall_s;
	uint32_t wall_ns;
	bool wall_stopped;           /* else it moves with pair.now_ns */
	const uint64_t *now_ns;
	bool under_load;
	unsigned int publishing;     /* depth; never above 1 */
};

struct pair {
	uint64_t now_ns;
	struct pair_side side[2];
};

/* Both up, each the other's peer with endpoint and allowed IP /32 and fd00::x/128, no handshake yet. */
struct pair *pair_new(uint64_t seed);
void pair_free(struct pair *p);

/* A packet from TUN: its verdict and drop reason come back, datagrams are queued in `sent`. */
struct pair_packet pair_tun(struct pair *p, int side, const uint8_t *bytes, size_t n);
/* A datagram from UDP, likewise. It comes along `path` (null: from the other side), with outer TOS. */
struct pair_packet pair_udp(struct pair *p, int side, const uint8_t *bytes, size_t n,
			    const struct wg_path *path, uint8_t tos);
/* Ticks if something is due, and collects what a side has to send by itself. */
void pair_collect(struct pair *p, int side);
/* Carries datagrams between the two until both are quiet. */
void pair_exchange(struct pair *p);
/* Lets time pass, ticking at each deadline; the wire carries everything unless cut. */
void pair_run(struct pair *p, uint64_t until_ns, bool cut);
void pair_clear(struct pair *p); /* empties all queues */

/* An IPv4 or IPv6 packet of n bytes from the inner address of a side to that of the other. */
void pair_ipv4(uint8_t *out, size_t n, int from);
void pair_ipv6(uint8_t *out, size_t n, int from);
struct wg_peer_state pair_state(struct pair *p, int side);

#endif
