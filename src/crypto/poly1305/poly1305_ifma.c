/* Poly1305 of one message in eight lanes of AVX-512 IFMA. Lane i adds every eighth block and is multiplied with r^8 after
 * each; at the end lane i is multiplied with r^(8 - i), and the lanes are summed. Long messages keep two such
 * accumulators, with r^16, to hide the latency of the multiplications. */
#include "crypto/poly1305.h"
#if CRYPTO_X86
#include "poly1305_ifma.h"

enum {
	GROUP_BYTES = 8 * POLY1305_BLOCK_BYTES, /* one block per lane */
	VECTOR_MIN_BYTES = 256,                 /* for shorter messages integer code is faster */
};

static struct poly8 broadcast(struct poly8 p)
{
	UNROLL
	for (int i = 0; i < 3; i++)
		p.l[i] = _mm512_permutexvar_epi64(_mm512_setzero_si512(), p.l[i]);
	return p;
}

static struct poly8 blend(__mmask8 m, struct poly8 a, struct poly8 b)
{
	UNROLL
	for (int i = 0; i < 3; i++)
		a.l[i] = _mm512_mask_mov_epi64(a.l[i], m, b.l[i]);
	return a;
}

/* r^8 to r^1 in lanes 0 to 7. */
static struct poly8 powers(struct poly8 r1)
{
	struct poly8 r2 = poly8_mul(r1, poly8_factor(r1));
	struct poly8 r21 = blend(0xaa, r2, r1);
	struct poly8 r43 = poly8_mul(r21, poly8_factor(r2));
	struct poly8 r4321 = blend(0xcc, r43, r21);
	struct poly8 r8765 = poly8_mul(r4321, poly8_factor(broadcast(r43)));

	return blend(0xf0, r8765, r4321);
}

/* The sum of the lanes, partly reduced. Limbs in: below 2^46. */
static void sum_lanes(uint64_t h[3], struct poly8 p)
{
	uint64_t l0 = (uint64_t)_mm512_reduce_add_epi64(p.l[0]);
	uint64_t l1 = (uint64_t)_mm512_reduce_add_epi64(p.l[1]);
	uint64_t l2 = (uint64_t)_mm512_reduce_add_epi64(p.l[2]), c;

	l1 += l0 >> 44;
	l2 += l1 >> 44;
	c = 5 * (l2 >> 42);
	l0 = (l0 & POLY_M44) + c;
	l1 = (l1 & POLY_M44) + (l0 >> 44);
	l2 = (l2 & POLY_M42) + (l1 >> 44);
	l0 &= POLY_M44;
	l1 &= POLY_M44;
	h[0] = l0 | l1 << 44;
	h[1] = l1 >> 20 | l2 << 24;
	h[2] = l2 >> 40;
}

/* Adds eight blocks; lanes 0-7 are blocks 0, 4, 1, 5, 2, 6, 3, 7. */
always_inline struct poly8 absorb(struct poly8 h, const uint8_t *m)
{
	__m512i a = _mm512_loadu_si512(m), b = _mm512_loadu_si512(m + 64);

	return poly8_absorb(h, _mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
}

/* h in lane 0, zero in the others. */
static struct poly8 in_lane_0(const uint64_t h[3])
{
	struct poly8 p = { { _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512() } };

	p.l[0] = _mm512_mask_set1_epi64(p.l[0], 1, (long long)(h[0] & POLY_M44));
	p.l[1] = _mm512_mask_set1_epi64(p.l[1], 1,
					(long long)((h[0] >> 44 | h[1] << 20) & POLY_M44));
	p.l[2] = _mm512_mask_set1_epi64(p.l[2], 1, (long long)(h[1] >> 24 | h[2] << 40));
	return p;
}

void poly1305_blocks_ifma(struct poly1305 *p, const uint8_t *m, size_t n)
{
	const __m512i order = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
	size_t odd = n % GROUP_BYTES, groups = n / GROUP_BYTES;
	struct poly8 r, all, a, b;
	struct factor8 f;

	assert(n % POLY1305_BLOCK_BYTES == 0);
	if (n < VECTOR_MIN_BYTES) {
		poly1305_blocks_short(p, m, n);
		return;
	}
	if (odd > 0)
		poly1305_blocks_short(p, m, odd);
	m += odd;
	r = poly8_split(_mm512_set1_epi64((long long)p->r[0]), _mm512_set1_epi64((long long)p->r[1]),
			_mm512_setzero_si512());
	all = powers(r);
	r = broadcast(all); /* r^8 */
	f = poly8_factor(r);
	a = absorb(in_lane_0(p->h), m);
	m += GROUP_BYTES;
	groups--;
	if (groups >= 3) {
		struct factor8 f16 = poly8_factor(poly8_mul(r, f));
		b = absorb((struct poly8){ { _mm512_setzero_si512(), _mm512_setzero_si512(),
					     _mm512_setzero_si512() } }, m);
		m += GROUP_BYTES;
		groups--;
		for (; groups >= 2; groups -= 2, m += 2 * GROUP_BYTES) {
			a = absorb(poly8_mul(a, f16), m);
			b = absorb(poly8_mul(b, f16), m + GROUP_BYTES);
		}
		a = poly8_add(poly8_mul(a, f), b);
	}
	for (; groups > 0; groups--, m += GROUP_BYTES)
		a = absorb(poly8_mul(a, f), m);
	UNROLL
	for (int i = 0; i < 3; i++)
		all.l[i] = _mm512_permutexvar_epi64(order, all.l[i]);
	sum_lanes(p->h, poly8_mul(a, poly8_factor(all)));
}
#endif
