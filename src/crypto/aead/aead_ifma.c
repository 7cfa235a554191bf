/* ChaCha20-Poly1305 of runs of packets in AVX-512 with IFMA: key stream in 32 lanes; tags of up to eight packets of
 * similar size at a time, one per lane. Blocks are loaded from all packets of a group and transposed; long packets use
 * the powers r to r^4 and one carry per four blocks; the ends are copied and padded, and a mask freezes lanes whose
 * packet has ended. */
#include "crypto/aead.h"
#if CRYPTO_X86
#include "crypto/poly1305/poly1305_ifma.h"

enum { LANES = 32, PACKETS = 16 };
#include "aead_lanes.inc"
#include "aead_stream_avx512.inc"

/* ---- tags ---- */

enum {
	GROUP = 8,
	GROUP_MIN = 3,         /* fewer packets are faster one after the other, */
	SPREAD = 256,          /* and so are packets whose sizes differ by this much */
	POWERS_MIN_CHUNKS = 3, /* common chunks from which on the powers of r pay off */
	/* After the common chunks: less than a chunk and SPREAD, the padding and the block of lengths. */
	TAIL_BYTES = 64 + SPREAD + 64,
};
_Static_assert(PACKETS % GROUP == 0, "groups of eight, also for reading keys and writing tags");
_Static_assert(TAIL_BYTES % 64 == 0, "tails are written with aligned 64-byte stores");

struct group {
	struct poly8 h;
	struct factor8 f[4]; /* r, and with POWERS_MIN_CHUNKS or more chunks also r^2, r^3, r^4 */
	const uint8_t *text[GROUP];
	size_t size[GROUP];
	size_t chunks; /* of 64 bytes that every packet has */
	const uint8_t (*keys)[POLY1305_KEY_BYTES];
	uint8_t tail[GROUP][TAIL_BYTES] __attribute__((aligned(64)));
};

struct pair8 {
	__m512i lo, hi;
};

/* A block from each of eight places `stride` apart; lanes 0-7 are places 0, 4, 1, 5, 2, 6, 3, 7. */
always_inline struct pair8 gather16(const uint8_t *p, size_t stride)
{
	__m512i v[2];

	UNROLL
	for (int i = 0; i < 2; i++, p += 4 * stride) {
		v[i] = _mm512_castsi128_si512(_mm_loadu_si128((const void *)p));
		v[i] = _mm512_mask_broadcast_i64x2(v[i], 0x0c,
						   _mm_loadu_si128((const void *)(p + stride)));
		v[i] = _mm512_mask_broadcast_i64x2(v[i], 0x30,
						   _mm_loadu_si128((const void *)(p + 2 * stride)));
		v[i] = _mm512_mask_broadcast_i64x2(v[i], 0xc0,
						   _mm_loadu_si128((const void *)(p + 3 * stride)));
	}
	return (struct pair8){ _mm512_unpacklo_epi64(v[0], v[1]), _mm512_unpackhi_epi64(v[0], v[1]) };
}

/* Four blocks of each packet, at offset `at`: m[k] is block k of all packets, lanes as in gather16(). */
always_inline void load64(struct pair8 m[4], const struct group *g, size_t at)
{
	__m512i t[8], v[8];

	UNROLL
	for (int i = 0; i < 8; i++)
		v[i] = _mm512_loadu_si512(g->text[i] + at);
	UNROLL
	for (int i = 0; i < 8; i += 4) { /* t[i + k]: block k of packets i..i+3 */
		__m512i a = _mm512_shuffle_i32x4(v[i], v[i + 1], 0x44);
		__m512i b = _mm512_shuffle_i32x4(v[i + 2], v[i + 3], 0x44);
		__m512i c = _mm512_shuffle_i32x4(v[i], v[i + 1], 0xee);
		__m512i d = _mm512_shuffle_i32x4(v[i + 2], v[i + 3], 0xee);
		t[i] = _mm512_shuffle_i32x4(a, b, 0x88);
		t[i + 1] = _mm512_shuffle_i32x4(a, b, 0xdd);
		t[i + 2] = _mm512_shuffle_i32x4(c, d, 0x88);
		t[i + 3] = _mm512_shuffle_i32x4(c, d, 0xdd);
	}
	UNROLL
	for (int k = 0; k < 4; k++)
		m[k] = (struct pair8){ _mm512_unpacklo_epi64(t[k], t[4 + k]),
				       _mm512_unpackhi_epi64(t[k], t[4 + k]) };
}

/* Adds all common chunks with one carry per chunk: h = (h + m0) r^4 + m1 r^3 + m2 r^2 + m3 r. */
static void absorb_chunks(struct group *g)
{
	struct poly8 h = g->h;
	struct pair8 m[4];

	for (size_t at = 0; at < g->chunks; at++) {
		struct product8 p = product8_zero();
		load64(m, g, 64 * at);
		UNROLL
		for (int k = 3; k > 0; k--)
			poly8_mul_add(&p, poly8_split(m[k].lo, m[k].hi, _mm512_set1_epi64(1)),
				      g->f[3 - k]);
		poly8_mul_add(&p, poly8_absorb(h, m[0].lo, m[0].hi), g->f[3]);
		h = poly8_carry(p);
	}
	g->h = h;
}

/* Adds all common chunks block by block, without powers of r. */
static void absorb_few_chunks(struct group *g)
{
	struct poly8 h = g->h;
	struct pair8 m[4];

	for (size_t at = 0; at < g->chunks; at++) {
		load64(m, g, 64 * at);
		UNROLL
		for (int k = 0; k < 4; k++)
			h = poly8_mul(poly8_absorb(h, m[k].lo, m[k].hi), g->f[0]);
	}
	g->h = h;
}

static void powers(struct group *g, struct poly8 r)
{
	struct poly8 p = r;

	for (int i = 1; i < 4; i++) {
		p = poly8_mul(p, g->f[0]);
		g->f[i] = poly8_factor(p);
	}
}

/* Prepares the n packets from `first` on; lanes without a packet repeat the first. */
static void group_init(struct group *g, const struct lanes *l, uint32_t first, uint32_t n)
{
	const __m512i clamp_lo = _mm512_set1_epi64(0x0ffffffc0fffffff);
	const __m512i clamp_hi = _mm512_set1_epi64(0x0ffffffc0ffffffc);
	struct pair8 r = gather16(l->poly_keys[first], sizeof l->poly_keys[0]);
	struct poly8 key;

	assert(n >= 1 && n <= GROUP && l->packets[first + n - 1]->n - l->packets[first]->n < SPREAD);
	r.lo = _mm512_and_si512(r.lo, clamp_lo);
	r.hi = _mm512_and_si512(r.hi, clamp_hi);
	key = poly8_split(r.lo, r.hi, _mm512_setzero_si512());
	g->f[0] = poly8_factor(key);
	g->keys = &l->poly_keys[first];
	g->chunks = l->packets[first]->n / 64; /* the first packet is the shortest */
	if (g->chunks >= POWERS_MIN_CHUNKS)
		powers(g, key);
	UNROLL
	for (int i = 0; i < 3; i++)
		g->h.l[i] = _mm512_setzero_si512();
	for (uint32_t i = 0; i < 8; i++) {
		g->text[i] = l->sealed[first + (i < n ? i : 0)];
		g->size[i] = l->packets[first + (i < n ? i : 0)]->n;
	}
}

/* Writes the tails. active[k]: the lanes that have a tail block k. Returns the number of tail blocks of the longest. */
static size_t write_tails(struct group *g, __mmask8 active[TAIL_BYTES / 16])
{
	static const uint8_t vector_lane[8] = { 0, 2, 4, 6, 1, 3, 5, 7 }; /* as in gather16() */
	size_t longest = 0;

	memset(active, 0, TAIL_BYTES / 16 * sizeof *active);
	for (int i = 0; i < 8; i++) {
		const uint8_t *text = g->text[i] + 64 * g->chunks;
		size_t n = g->size[i] - 64 * g->chunks, blocks = (n + 15) / 16;
		for (size_t at = 0; at < n; at += 64) {
			__mmask64 m = n - at < 64 ? ((__mmask64)1 << (n - at)) - 1 : ~(__mmask64)0;
			_mm512_store_si512(g->tail[i] + at, _mm512_maskz_loadu_epi8(m, text + at));
		}
		_mm_store_si128((void *)(g->tail[i] + 16 * blocks),
				_mm_set_epi64x((long long)g->size[i], 0));
		for (size_t k = 0; k <= blocks; k++)
			active[k] |= (__mmask8)(1 << vector_lane[i]);
		longest = blocks + 1 > longest ? blocks + 1 : longest;
	}
	return longest;
}

static void absorb_tails(struct group *g)
{
	__mmask8 active[TAIL_BYTES / 16];
	size_t blocks = write_tails(g, active);

	for (size_t k = 0; k < blocks; k++) {
		struct pair8 m = gather16(g->tail[0] + 16 * k, sizeof g->tail[0]);
		struct poly8 h = poly8_mul(poly8_absorb(g->h, m.lo, m.hi), g->f[0]);
		UNROLL
		for (int i = 0; i < 3; i++)
			g->h.l[i] = _mm512_mask_mov_epi64(g->h.l[i], active[k], h.l[i]);
	}
}

/* Reduces h fully and adds the second halves of the keys. */
static void write_tags(uint8_t tags[8][AEAD_TAG_BYTES], const struct group *g)
{
	const __m512i m44 = _mm512_set1_epi64(POLY_M44), m42 = _mm512_set1_epi64(POLY_M42);
	const __m512i one = _mm512_set1_epi64(1);
	__m512i a = g->h.l[0], b = g->h.l[1], c = g->h.l[2], up, ga, gb, lo, hi;
	struct pair8 s = gather16(g->keys[0] + 16, sizeof g->keys[0]);
	__mmask8 take, carry;

	for (int i = 0; i < 2; i++) {
		b = _mm512_add_epi64(b, _mm512_srli_epi64(a, 44));
		a = _mm512_and_si512(a, m44);
		c = _mm512_add_epi64(c, _mm512_srli_epi64(b, 44));
		b = _mm512_and_si512(b, m44);
		up = _mm512_srli_epi64(c, 42);
		c = _mm512_and_si512(c, m42);
		a = _mm512_add_epi64(a, _mm512_add_epi64(up, _mm512_slli_epi64(up, 2)));
	}
	b = _mm512_add_epi64(b, _mm512_srli_epi64(a, 44));
	a = _mm512_and_si512(a, m44);
	ga = _mm512_add_epi64(a, _mm512_set1_epi64(5));
	gb = _mm512_add_epi64(b, _mm512_srli_epi64(ga, 44));
	up = _mm512_add_epi64(c, _mm512_srli_epi64(gb, 44)); /* bit 42: h >= p */
	take = _mm512_test_epi64_mask(up, _mm512_set1_epi64(1ll << 42));
	a = _mm512_mask_and_epi64(a, take, ga, m44);
	b = _mm512_mask_and_epi64(b, take, gb, m44);
	c = _mm512_mask_and_epi64(c, take, up, m42);
	lo = _mm512_or_si512(a, _mm512_slli_epi64(b, 44));
	hi = _mm512_or_si512(_mm512_srli_epi64(b, 20), _mm512_slli_epi64(c, 24));
	lo = _mm512_add_epi64(lo, s.lo);
	carry = _mm512_cmplt_epu64_mask(lo, s.lo);
	hi = _mm512_add_epi64(hi, s.hi);
	hi = _mm512_mask_add_epi64(hi, carry, hi, one);
	_mm512_storeu_si512(tags[0], _mm512_unpacklo_epi64(lo, hi));
	_mm512_storeu_si512(tags[4], _mm512_unpackhi_epi64(lo, hi));
}

/* Whether the n packets from `first` on are faster as a group than one after the other. */
static bool is_group(const struct lanes *l, uint32_t first, uint32_t n)
{
	return n >= GROUP_MIN && l->packets[first + n - 1]->n - l->packets[first]->n < SPREAD;
}

static void group_tags(struct lanes *l, uint32_t first, uint32_t n)
{
	struct group g;

	group_init(&g, l, first, n);
	if (g.chunks >= POWERS_MIN_CHUNKS)
		absorb_chunks(&g);
	else
		absorb_few_chunks(&g);
	absorb_tails(&g);
	write_tags(l->tags + first, &g);
	mem_wipe(&g.h, sizeof g.h); /* the other members are not secret */
	mem_wipe(g.f, sizeof g.f);
}

static void lanes_tags(struct lanes *l)
{
	for (uint32_t first = 0; first < l->n; first += GROUP) {
		uint32_t n = l->n - first < GROUP ? l->n - first : GROUP;
		if (is_group(l, first, n)) {
			group_tags(l, first, n);
			continue;
		}
		for (uint32_t i = 0; i < n; i++)
			lanes_tag_alone(l, first + i, poly1305_blocks_ifma);
	}
}

void aead_seal_run_ifma(struct aead_packet *packets, size_t n, const struct wg_sym *key)
{
	run_lanes(packets, n, key, seal_lanes);
}

void aead_open_run_ifma(struct aead_packet *packets, size_t n, const struct wg_sym *key)
{
	run_lanes(packets, n, key, open_lanes);
}
#endif
