/* The ICMP error that a sender gets when no peer takes its packet, as kernel WireGuard sends it: host
 * unreachable (RFC 792, type 3, code 1) and address unreachable (RFC 4443, type 1, code 3). Sent through raw
 * sockets in the namespace of the link: the kernel drops a packet written to the TUN whose source is an address
 * of the host. */
#ifndef DAEMON_ICMP_H
#define DAEMON_ICMP_H

#include "base/addr.h"

enum {
	ICMP_MESSAGE_MAX = 1280 - 40, /* bytes: an error fits into the minimum MTU (RFC 4443, 2.4 c) */
	ICMP_RATE_PER_S = 100,
	ICMP_BURST = 50,
};

struct icmp {
	int v4, v6;               /* raw sockets; -1: none. Owned by control, like the rest */
	uint64_t no_conntrack_until_ns; /* connection tracking could not be asked */
	_Atomic uint64_t full_ns; /* when the token bucket will be full again; written by control, read by any thread */
	/* When the link is in another namespace, these enter and leave it, and sockets are opened for each
	 * message, so that they do not keep that namespace alive. Null: the link is in ours. enter false: not
	 * possible. */
	bool (*enter)(void *ctx);
	void (*leave)(void *ctx);
	void *ctx;
};

/* Opens the sockets in the current network namespace, as far as possible. */
void icmp_open(struct icmp *c);
void icmp_take_fds(struct icmp *c, int v4, int v6); /* sockets that are open; -1: none */
void icmp_close(struct icmp *c);

/* Pure: builds the error about a packet, with its checksum for IPv4 (the kernel adds that of IPv6), and its
 * destination. Returns its bytes; 0: this packet permits no error (RFC 1122, 3.2.2; RFC 4443, 2.4 e). */
size_t icmp_build_unreachable(uint8_t out[ICMP_MESSAGE_MAX], struct ip_addr *to, const uint8_t *packet,
			      size_t n);

/* Pure: the rate limit, a token bucket. Take: control. Has: any thread. */
bool icmp_take_token(struct icmp *c, uint64_t now_ns);
bool icmp_has_token(const struct icmp *c, uint64_t now_ns);

/* Sends the error about a packet unless the rate limit forbids it. */
void icmp_send_unreachable(struct icmp *c, uint64_t now_ns, const uint8_t *packet, size_t n);

#endif
