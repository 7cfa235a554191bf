/* The packets inside: each has a serial, and its bytes follow from it, so that whatever comes out
 * of a tunnel can be compared with what went in, wherever and whenever that was. */
#ifndef SIM_LEDGER_H
#define SIM_LEDGER_H

#include "base/base.h"

struct sim;

struct ledger_entry {
	uint8_t from, to; /* nodes */
	uint8_t as;	  /* the source address is this node's: not `from` is a spoof */
	bool v6;
	bool spoofed;	/* must not come out */
	bool forwarded; /* went through a node in between */
	uint8_t tos;
	uint16_t size;	  /* of the whole packet; 0: chosen from the serial */
	uint64_t reached; /* a bit per node it came out at */
	uint64_t order;	  /* of all that came out, from 1 */
	uint64_t out_at;  /* when it last came out */
};

struct ledger {
	struct ledger_entry *entries;
	size_t n, cap;
	uint64_t came_out;
};

enum { LEDGER_PACKET_MAX = 2048, LEDGER_V4_MIN = 44, LEDGER_V6_MIN = 64 };

/* Adds the entry and returns its serial. */
uint64_t ledger_add(struct sim *s, const struct ledger_entry *e);
/* Writes the packet; its size. */
size_t ledger_packet(const struct sim *s, uint64_t serial, uint8_t out[LEDGER_PACKET_MAX]);
/* The serial of these bytes, if they are exactly one of our packets (with ECN perhaps changed to CE
 * by the way, which `ce` tells) followed by zeros only, `padding` of them. */
must_check bool ledger_identify(struct sim *s, const uint8_t *p, size_t n, uint64_t *serial,
				size_t *padding, bool *ce);
/* What came out of a node's TUN: true, known, for us, once; the outer ECN bits merged in. */
void ledger_delivered(struct sim *s, unsigned int node, const uint8_t *p, size_t n,
		      uint8_t outer_tos, bool altered);
/* No datagram may hold this marker: it is in every packet's plaintext. */
bool ledger_shows_plaintext(const uint8_t *p, size_t n);
size_t ledger_arrived(const struct sim *s, unsigned int node);
bool ledger_has_arrived(const struct sim *s, uint64_t serial);

#endif
