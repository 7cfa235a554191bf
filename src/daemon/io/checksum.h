/* The Internet checksum (RFC 1071): sums of 16-bit words in native byte order, which need no swapping. */
#ifndef DAEMON_CHECKSUM_H
#define DAEMON_CHECKSUM_H

#include "base/base.h"

struct checksum_impl { /* as checksum_add and checksum_add_copy */
	const char *name;
	bool (*supported)(void); /* by this CPU */
	uint64_t (*add)(uint64_t sum, const uint8_t *p, size_t n);
	uint64_t (*add_copy)(uint64_t sum, uint8_t *dst, const uint8_t *p, size_t n);
};
/* Fastest first. "portable" is last, runs on every CPU, and is the specification of the others. */
extern const struct checksum_impl checksum_impls[];

/* Selects the fastest implementation of this CPU, or the portable one, the default. Before threads run. */
void checksum_select(bool portable_only);

/* Adds the bytes to an unfolded sum; a zero is appended to an odd number of bytes. The result is small enough
 * for other sums to be added to it. */
uint64_t checksum_add(uint64_t sum, const uint8_t *p, size_t n);
/* The same, and copies the bytes to dst, which does not overlap them, in one pass. */
uint64_t checksum_add_copy(uint64_t sum, uint8_t *dst, const uint8_t *p, size_t n);
/* The 16-bit sum. The checksum is its complement. */
uint16_t checksum_fold(uint64_t sum);

#endif
