/* Poly1305 in five limbs of 26 bits, for machines without 128-bit products; tests compare it with poly1305.c. */
#ifndef WG_POLY1305_LIMBS_H
#define WG_POLY1305_LIMBS_H

#include "crypto/poly1305.h"

enum { LIMB26 = (1 << 26) - 1 };

static void limbs_split(uint32_t l[5], const uint64_t w[3])
{
	l[0] = (uint32_t)w[0] & LIMB26;
	l[1] = (uint32_t)(w[0] >> 26) & LIMB26;
	l[2] = (uint32_t)(w[0] >> 52 | w[1] << 12) & LIMB26;
	l[3] = (uint32_t)(w[1] >> 14) & LIMB26;
	l[4] = (uint32_t)(w[1] >> 40 | w[2] << 24);
}

/* h = h * r, partly reduced. Limbs of h: below 2^27.3 before; below 2^26 after, except
 * h[1], below 2^26 + 2^6. */
static void limbs_mul(uint32_t h[5], const uint32_t r[5])
{
	uint64_t d[5], c = 0;

	for (int k = 0; k < 5; k++) {
		d[k] = 0;
		for (int i = 0; i < 5; i++) {
			uint64_t f = i <= k ? r[k - i] : 5 * (uint64_t)r[k + 5 - i];
			d[k] += h[i] * f;
		}
	}
	for (int k = 0; k < 5; k++) {
		d[k] += c;
		c = d[k] >> 26;
		h[k] = (uint32_t)d[k] & LIMB26;
	}
	c = h[0] + 5 * c;
	h[0] = (uint32_t)c & LIMB26;
	h[1] += (uint32_t)(c >> 26);
}

/* Adds whole blocks. top: the bit above each block, 0 for a last block that contains it. */
static void limbs_blocks(struct poly1305 *p, const uint8_t *m, size_t n, uint32_t top)
{
	uint32_t h[5], r[5], b[5];
	uint64_t c = 0;

	limbs_split(h, p->h);
	limbs_split(r, (const uint64_t[3]){ p->r[0], p->r[1], 0 });
	for (; n >= 16; n -= 16, m += 16) {
		limbs_split(b, (const uint64_t[3]){ load_le64(m), load_le64(m + 8), top });
		for (int i = 0; i < 5; i++)
			h[i] += b[i];
		limbs_mul(h, r);
	}
	for (int i = 0; i < 5; i++) { /* carry, so that the limbs of the words do not overlap */
		c += h[i];
		h[i] = i < 4 ? (uint32_t)c & LIMB26 : (uint32_t)c;
		c >>= 26;
	}
	p->h[0] = h[0] | (uint64_t)h[1] << 26 | (uint64_t)h[2] << 52;
	p->h[1] = h[2] >> 12 | (uint64_t)h[3] << 14 | (uint64_t)h[4] << 40;
	p->h[2] = h[4] >> 24;
	mem_wipe(h, sizeof h);
	mem_wipe(r, sizeof r);
	mem_wipe(b, sizeof b);
}

#endif
