/* The inner packets: the bytes of each follow from its serial number, so that a packet that is
 * delivered anywhere can be compared with the one that was sent. */
#ifndef SIM_LEDGER_H
#define SIM_LEDGER_H

#include "base/base.h"

struct sim;

struct ledger_entry {
	uint8_t from, to; /* nodes */
	uint8_t as;	  /* the source address is that of this node */
	bool v6;
	bool spoofed;	/* `as` is not allowed: must not be delivered */
	bool forwarded; /* passed through another node */
	uint8_t tos;
	uint16_t size;	  /* of the whole packet; 0: random */
	uint64_t reached; /* a bit for each node that received it */
	uint64_t order;	  /* its position among all deliveries, from 1 */
	uint64_t out_at;  /* time of its latest delivery */
};

struct ledger {
	struct ledger_entry *entries;
	size_t n, cap;
	uint64_t n_delivered;
};

enum { LEDGER_PACKET_MAX = 2048, LEDGER_V4_MIN = 44, LEDGER_V6_MIN = 64 };

/* Adds the entry and returns its serial number. */
uint64_t ledger_add(struct sim *s, const struct ledger_entry *e);
/* Writes the packet and returns its size. */
size_t ledger_packet(const struct sim *s, uint64_t serial, uint8_t out[LEDGER_PACKET_MAX]);
/* The serial number of these bytes. False: they are not exactly one of our packets, apart from a
 * congestion mark (*ce), followed by nothing but zeros (*padding of them). */
must_check bool ledger_identify(struct sim *s, const uint8_t *p, size_t n, uint64_t *serial,
				size_t *padding, bool *ce);
/* Checks a packet that a node delivers to its TUN: known, unchanged, for this node, the first time, with
 * the outer ECN bits merged in. */
void ledger_delivered(struct sim *s, unsigned int node, const uint8_t *p, size_t n,
		      uint8_t outer_tos, bool altered);
/* Every inner packet contains a marker. True: these bytes do, which no datagram may. */
bool ledger_shows_plaintext(const uint8_t *p, size_t n);
size_t ledger_arrived(const struct sim *s, unsigned int node);
bool ledger_has_arrived(const struct sim *s, uint64_t serial);

#endif
