/* Internal interface of BLAKE2s (RFC 7693): compression of one message, and of several in the lanes of a vector. */
#ifndef WG_CRYPTO_BLAKE2S_H
#define WG_CRYPTO_BLAKE2S_H

#include "impl.h"

extern const uint8_t blake2s_sigma[10][16]; /* the message schedule, RFC 7693 section 2.7 */
extern const uint32_t blake2s_iv[8];

/* Compresses whole blocks. count: bytes hashed including the first of them; each further block adds 64.
 * last: sets the final flag, for a single block only. */
typedef void blake2s_fn(uint32_t h[8], const uint8_t *m, size_t blocks, uint64_t count, bool last);
struct blake2s_impl {
	const char *name;
	uint32_t needs; /* enum cpu_feature */
	blake2s_fn *compress;
};
blake2s_fn blake2s_compress_portable;

/* A message or the rest of one: a state and the 1 to 2^31 bytes to hash into it. */
struct blake2s_lane {
	const uint32_t *h; /* the state, 8 words, after `before` bytes (a multiple of 64) */
	const uint8_t *p;
	uint32_t n, before;
	bool last; /* the message ends here; if it does not, n is a multiple of 64 */
	uint32_t out[8];
};
/* Hashes 1 <= n <= lanes of them and writes `out` of each. */
typedef void blake2s_lanes_fn(struct blake2s_lane *lanes, size_t n);
struct blake2s_lanes_impl {
	const char *name;
	uint32_t needs;
	blake2s_lanes_fn *run;
	size_t lanes;     /* messages per call */
	size_t lanes_min; /* with fewer messages the portable implementation is faster */
};
enum { BLAKE2S_LANES_MAX = 16 };
blake2s_lanes_fn blake2s_lanes_portable, blake2s_lanes_ssse3, blake2s_lanes_avx2,
	blake2s_lanes_avx512, blake2s_lanes_neon;

#endif
