/* What the kernel would tell a sender when no peer takes its packet: ICMP host unreachable (type 3 code 1),
 * ICMPv6 address unreachable (type 1 code 3). Sent through raw sockets in the link's namespace, because
 * a packet written to TUN with one of our own addresses as its source is dropped there. */
#ifndef DAEMON_ICMP_H
#define DAEMON_ICMP_H

#include "base/addr.h"

enum {
	ICMP_MESSAGE_MAX = 1280 - 40, /* RFC 4443: an error fits into the least MTU */
	ICMP_PER_S = 100,
	ICMP_BURST = 50,
};

struct icmp {
	int v4, v6; /* raw sockets; -1: none */
	_Atomic uint64_t full_ns; /* rate: when the bucket will be full again; control's, others read it */
	/* Elsewhere: sockets are made for each message, between these two, so that they do not keep a
	 * namespace alive. Null: here. enter false: cannot get there. */
	bool (*enter)(void *ctx);
	void (*leave)(void *ctx);
	void *ctx;
};

/* In the present network namespace. What cannot be opened is left out. */
void icmp_open(struct icmp *c);
void icmp_close(struct icmp *c);

/* Pure: the error message about this packet, with its checksum for IPv4 (the kernel adds that of IPv6),
 * and whom it goes to. 0: it deserves none (RFC 1122 3.2.2, RFC 4443 2.4 e). */
size_t icmp_message(uint8_t out[ICMP_MESSAGE_MAX], struct ip_addr *to, const uint8_t *packet,
		    size_t n);
/* Pure: may one more be sent? */
bool icmp_take(struct icmp *c, uint64_t now_ns);
/* The same without taking it; any thread. */
bool icmp_may(const struct icmp *c, uint64_t now_ns);

void icmp_unreachable(struct icmp *c, uint64_t now_ns, const uint8_t *packet, size_t n);

#endif
