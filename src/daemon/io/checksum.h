/* The Internet checksum's sum (RFC 1071), in native byte order. */
#ifndef DAEMON_SUM_H
#define DAEMON_SUM_H

#include "base/base.h"

struct sum_row {
	const char *name;
	bool (*works)(void); /* on this CPU */
	uint64_t (*bytes)(uint64_t sum, const uint8_t *p, size_t n);
	uint64_t (*copy)(uint64_t sum, uint8_t *dst, const uint8_t *p, size_t n);
};
/* Fastest first; "portable" ends them, needs nothing, and is the specification. */
extern const struct sum_row sum_rows[];

/* The fastest of this CPU; generic: the portable one, as before anybody has chosen. Before there are
 * threads. */
void sum_choose(bool generic);

/* The sum over the bytes, added to `sum`. */
uint64_t sum_bytes(uint64_t sum, const uint8_t *p, size_t n);
/* The same, and copies them to dst, which does not overlap, in one pass. */
uint64_t sum_copy(uint64_t sum, uint8_t *dst, const uint8_t *p, size_t n);
uint16_t sum_fold(uint64_t sum);

#endif
