/* Poly1305 (RFC 8439 section 2.5) in portable C, with 64-bit words where the compiler has 128-bit products. */
#include "crypto/poly1305.h"

#if CRYPTO_INT128
/* h = (h + m + top * 2^128) * r mod 2^130 - 5, partly reduced, in words of 64 bits; top is the bit above the block.
 * Clamping makes r[1] a multiple of 4, so that 5/4 r[1] is an integer, and bounds the sums. h[2] stays below 8. */
always_inline void absorb(uint64_t h[3], const uint64_t r[2], const uint8_t m[16], uint64_t top)
{
	uint64_t s1 = r[1] + (r[1] >> 2), h0, h1, h2, c;
	u128 d0, d1;

	d0 = (u128)h[0] + load_le64(m);
	d1 = (u128)h[1] + load_le64(m + 8) + (uint64_t)(d0 >> 64);
	h0 = (uint64_t)d0;
	h1 = (uint64_t)d1;
	h2 = h[2] + (uint64_t)(d1 >> 64) + top;
	d0 = (u128)h0 * r[0] + (u128)h1 * s1;
	d1 = (u128)h0 * r[1] + (u128)h1 * r[0] + h2 * s1 + (uint64_t)(d0 >> 64);
	h2 = h2 * r[0] + (uint64_t)(d1 >> 64);
	c = (h2 >> 2) + (h2 & ~(uint64_t)3); /* 5 times the part above 2^130 */
	d0 = (u128)(uint64_t)d0 + c;
	d1 = (u128)(uint64_t)d1 + (uint64_t)(d0 >> 64);
	h[0] = (uint64_t)d0;
	h[1] = (uint64_t)d1;
	h[2] = (h2 & 3) + (uint64_t)(d1 >> 64);
}

static void blocks(struct poly1305 *p, const uint8_t *m, size_t n, uint64_t top)
{
	uint64_t h[3] = { p->h[0], p->h[1], p->h[2] }; /* in registers */

	value_barrier(h[0]); /* gcc would load both words at once and stall on the two stores before */
	value_barrier(h[1]);
	for (; n >= 16; n -= 16, m += 16)
		absorb(h, p->r, m, top);
	p->h[0] = h[0];
	p->h[1] = h[1];
	p->h[2] = h[2];
}
#else
#include "poly1305_limbs.h"

static void blocks(struct poly1305 *p, const uint8_t *m, size_t n, uint64_t top)
{
	limbs_blocks(p, m, n, (uint32_t)top);
}
#endif

void poly1305_init(struct poly1305 *p, const uint8_t key[32])
{
	memset(p->h, 0, sizeof p->h);
	p->r[0] = load_le64(key) & 0x0ffffffc0fffffff;
	p->r[1] = load_le64(key + 8) & 0x0ffffffc0ffffffc;
	p->s[0] = load_le64(key + 16);
	p->s[1] = load_le64(key + 24);
}

void poly1305_blocks_portable(struct poly1305 *p, const uint8_t *m, size_t n)
{
	assert(n % POLY1305_BLOCK_BYTES == 0);
	blocks(p, m, n, 1);
}

void poly1305_last(struct poly1305 *p, const uint8_t *m, size_t n)
{
	uint8_t block[16] = { 0 };

	assert(n < POLY1305_BLOCK_BYTES);
	if (n == 0)
		return;
	memcpy(block, m, n);
	block[n] = 1;
	blocks(p, block, sizeof block, 0);
	mem_wipe(block, sizeof block);
}

/* a + b + *carry; sets *carry to the carry out. */
always_inline uint64_t add_carry(uint64_t a, uint64_t b, uint64_t *carry)
{
	uint64_t sum = a + b, over = (sum < a), all = sum + *carry;

	*carry = over | (all < sum);
	return all;
}

void poly1305_tag(uint8_t tag[16], const struct poly1305 *p)
{
	uint64_t h0 = p->h[0], h1 = p->h[1], h2 = p->h[2], g0, g1, c, take;

	c = 5 * (h2 >> 2); /* at most 2^130 + 4 afterwards */
	h2 &= 3;
	h0 = add_carry(h0, 0, &c);
	h1 = add_carry(h1, 0, &c);
	h2 += c;
	c = 5; /* h + 5 - 2^130 is h - p, the result if it is not negative */
	g0 = add_carry(h0, 0, &c);
	g1 = add_carry(h1, 0, &c);
	take = 0 - ((h2 + c) >> 2);
	value_barrier(take); /* no branch on it */
	h0 = (h0 & ~take) | (g0 & take);
	h1 = (h1 & ~take) | (g1 & take);
	c = 0;
	store_le64(tag, add_carry(h0, p->s[0], &c));
	store_le64(tag + 8, add_carry(h1, p->s[1], &c));
}
