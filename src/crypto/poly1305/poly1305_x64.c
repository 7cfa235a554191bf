/* Poly1305 in the integer registers of x86-64. */
#include "crypto/poly1305.h"
#if CRYPTO_X86
struct block {
	uint8_t b[POLY1305_BLOCK_BYTES];
};

/* Between blocks the accumulator is h0 + late + 2^64 h1 + 2^128 h2, where `late` is 5 times what exceeded 2^130 in the last
 * product. It is computed from the upper words of the products before the carries of the middle words
 * are known, which shortens the way from one block to the next. Those carries remain in h2, which is at most 3 + 2 after a
 * block and at most 9 when it is multiplied. With r0 < 2^60 and s1 = 5/4 r1 < 1.25 * 2^60 nothing overflows:
 *   mid, the sum of weight 2^64 without the low words of h0 r1 and h1 r0: < (1 + 1.25 + 9 * 1.25) * 2^60 < 2^64,
 *   up, the sum of weight 2^128:                                         < (1 + 1 + 9) * 2^60,
 *   late:                                                                < 5/4 * 11 * 2^60 < 2^64.
 * Written in assembly because compilers turn the carries into twice as many instructions. */
void poly1305_blocks_x64(struct poly1305 *p, const uint8_t *m, size_t n)
{
	uint64_t h0 = p->h[0], h1 = p->h[1], h2 = p->h[2], late = 0, mid, up, a, b;
	uint64_t r[3] = { p->r[0], p->r[1], p->r[1] + (p->r[1] >> 2) }; /* r0, r1, s1 */
	u128 sum;

	assert(n % POLY1305_BLOCK_BYTES == 0);
	for (; n > 0; n -= POLY1305_BLOCK_BYTES, m += POLY1305_BLOCK_BYTES) {
		__asm__("addq (%[m]), %[h0]\n\t"
			"adcq 8(%[m]), %[h1]\n\t"
			"adcq $1, %[h2]\n\t"
			"addq %[late], %[h0]\n\t"
			"adcq $0, %[h1]\n\t"
			"adcq $0, %[h2]\n\t"
			"movq %[h0], %%rax\n\t" /* late, up = h0 r1 */
			"mulq 8(%[r])\n\t"
			"movq %%rax, %[late]\n\t"
			"movq %%rdx, %[up]\n\t"
			"movq %[h0], %%rax\n\t" /* h0, mid = h0 r0 */
			"mulq (%[r])\n\t"
			"movq %%rax, %[h0]\n\t"
			"movq %%rdx, %[mid]\n\t"
			"movq %[h1], %%rax\n\t" /* a, b = h1 s1 */
			"mulq 16(%[r])\n\t"
			"movq %%rax, %[a]\n\t"
			"movq %%rdx, %[b]\n\t"
			"movq %[h1], %%rax\n\t" /* h1, up += h1 r0 */
			"mulq (%[r])\n\t"
			"movq %%rax, %[h1]\n\t"
			"addq %%rdx, %[up]\n\t"
			"movq %[h2], %%rax\n\t" /* h2 = h2 s1, up += h2 r0 */
			"imulq 16(%[r]), %[h2]\n\t"
			"imulq (%[r]), %%rax\n\t"
			"addq %%rax, %[up]\n\t"
			"addq %[a], %[h0]\n\t"
			"adcq %[b], %[mid]\n\t"
			"addq %[h2], %[mid]\n\t"
			"movq %[up], %[h2]\n\t"
			"andq $3, %[h2]\n\t"
			"addq %[late], %[h1]\n\t"
			"adcq $0, %[h2]\n\t"
			"movq %[up], %[late]\n\t"
			"shrq $2, %[late]\n\t"
			"andq $-4, %[up]\n\t"
			"addq %[up], %[late]\n\t"
			"addq %[mid], %[h1]\n\t"
			"adcq $0, %[h2]\n\t"
			: [h0] "+&r"(h0), [h1] "+&r"(h1), [h2] "+&r"(h2), [late] "+&r"(late),
			  [mid] "=&r"(mid), [up] "=&r"(up), [a] "=&r"(a), [b] "=&r"(b)
			: [r] "r"(r), [m] "r"(m), "m"(r), "m"(*(const struct block *)m)
			: "rax", "rdx", "cc");
	}
	sum = (u128)h0 + late;
	p->h[0] = (uint64_t)sum;
	sum = (u128)h1 + (uint64_t)(sum >> 64);
	p->h[1] = (uint64_t)sum;
	p->h[2] = h2 + (uint64_t)(sum >> 64); /* at most 6 */
	mem_wipe(r, sizeof r);
}
#endif
