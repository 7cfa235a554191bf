/* BLAKE2s (RFC 7693), with and without a key: the portable row; MACs of many messages. */
#include "crypto/impl.h"

const uint32_t blake2s_iv[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};
const uint8_t blake2s_sigma[10][16] = {
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
	{ 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3 },
	{ 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4 },
	{ 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8 },
	{ 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13 },
	{ 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9 },
	{ 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11 },
	{ 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10 },
	{ 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5 },
	{ 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0 },
};

always_inline uint32_t rotr(uint32_t v, unsigned int n)
{
	return v >> n | v << (32 - n);
}

always_inline void mix(uint32_t v[16], int a, int b, int c, int d, uint32_t x, uint32_t y)
{
	v[a] += v[b] + x;
	v[d] = rotr(v[d] ^ v[a], 16);
	v[c] += v[d];
	v[b] = rotr(v[b] ^ v[c], 12);
	v[a] += v[b] + y;
	v[d] = rotr(v[d] ^ v[a], 8);
	v[c] += v[d];
	v[b] = rotr(v[b] ^ v[c], 7);
}

always_inline void ten_rounds(uint32_t v[16], const uint32_t m[16])
{
	UNROLL /* so that the places of words are constants */
	for (int i = 0; i < 10; i++) {
		const uint8_t *s = blake2s_sigma[i];
		mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
		mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
		mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
		mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
		mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
		mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
		mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
		mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
	}
}

void blake2s_compress_portable(uint32_t h[8], const uint8_t *p, size_t blocks, uint64_t count,
			       bool last)
{
	uint32_t v[16], m[16];

	for (; blocks > 0; blocks--, p += BLAKE2S_BLOCK_BYTES, count += BLAKE2S_BLOCK_BYTES) {
		for (int i = 0; i < 16; i++)
			m[i] = load_le32(p + 4 * i);
		memcpy(v, h, 32);
		memcpy(v + 8, blake2s_iv, 32);
		v[12] ^= (uint32_t)count;
		v[13] ^= (uint32_t)(count >> 32);
		v[14] ^= last ? UINT32_MAX : 0;
		ten_rounds(v, m);
		for (int i = 0; i < 8; i++)
			h[i] ^= v[i] ^ v[8 + i];
	}
	mem_wipe(v, sizeof v);
	mem_wipe(m, sizeof m);
}

void blake2s_init(struct blake2s *s, size_t out_bytes, const void *key, size_t key_n)
{
	memcpy(s->h, blake2s_iv, sizeof s->h);
	s->h[0] ^= 0x01010000 ^ (uint32_t)key_n << 8 ^ (uint32_t)out_bytes;
	s->count = 0;
	memset(s->buffer, 0, sizeof s->buffer);
	s->filled = 0;
	s->out_bytes = (uint32_t)out_bytes;
	if (key_n > 0) {
		memcpy(s->buffer, key, key_n);
		s->filled = BLAKE2S_BLOCK_BYTES;
	}
}

void blake2s_update(struct blake2s *s, const void *data, size_t n)
{
	blake2s_fn *compress = crypto_impls()->blake2s->compress;
	const uint8_t *p = data;
	size_t room = BLAKE2S_BLOCK_BYTES - s->filled, whole;

	if (n == 0)
		return;
	if (n > room) { /* the last block stays here until it is known to be the last */
		memcpy(s->buffer + s->filled, p, room);
		compress(s->h, s->buffer, 1, s->count += BLAKE2S_BLOCK_BYTES, false);
		s->filled = 0;
		p += room;
		n -= room;
		whole = (n - 1) / BLAKE2S_BLOCK_BYTES;
		if (whole > 0) {
			compress(s->h, p, whole, s->count + BLAKE2S_BLOCK_BYTES, false);
			s->count += whole * BLAKE2S_BLOCK_BYTES;
			p += whole * BLAKE2S_BLOCK_BYTES;
			n -= whole * BLAKE2S_BLOCK_BYTES;
		}
	}
	memcpy(s->buffer + s->filled, p, n);
	s->filled += (uint32_t)n;
}

void blake2s_final(struct blake2s *s, uint8_t *out)
{
	uint8_t digest[32];

	memset(s->buffer + s->filled, 0, BLAKE2S_BLOCK_BYTES - s->filled);
	crypto_impls()->blake2s->compress(s->h, s->buffer, 1, s->count + s->filled, true);
	for (int i = 0; i < 8; i++)
		store_le32(digest + 4 * i, s->h[i]);
	memcpy(out, digest, s->out_bytes);
	mem_wipe(digest, sizeof digest);
	mem_wipe(s, sizeof *s);
}

void hash2(struct wg_hash *out, const void *a, size_t a_n, const void *b, size_t b_n)
{
	struct blake2s s;

	blake2s_init(&s, sizeof out->b, NULL, 0);
	blake2s_update(&s, a, a_n);
	blake2s_update(&s, b, b_n);
	blake2s_final(&s, out->b);
}

void mac16_2(uint8_t out[MAC_BYTES], const void *key, size_t key_n, const void *a, size_t a_n,
	     const void *b, size_t b_n)
{
	struct blake2s s;

	blake2s_init(&s, MAC_BYTES, key, key_n);
	blake2s_update(&s, a, a_n);
	blake2s_update(&s, b, b_n);
	blake2s_final(&s, out);
}

/* ---- many at once ---- */

void blake2s_lanes_portable(struct blake2s_lane *lanes, size_t n)
{
	uint8_t tail[BLAKE2S_BLOCK_BYTES];

	for (struct blake2s_lane *l = lanes; l < lanes + n; l++) {
		size_t whole = (l->n - 1) / BLAKE2S_BLOCK_BYTES, at = whole * BLAKE2S_BLOCK_BYTES;
		blake2s_fn *compress = crypto_impls()->blake2s->compress;

		memcpy(l->out, l->h, sizeof l->out);
		if (whole > 0)
			compress(l->out, l->p, whole, l->before + BLAKE2S_BLOCK_BYTES, false);
		memset(tail, 0, sizeof tail);
		memcpy(tail, l->p + at, l->n - at);
		compress(l->out, tail, 1, (uint64_t)l->before + l->n, l->last);
	}
	mem_wipe(tail, sizeof tail);
}

static void lanes_run(struct blake2s_lane *lanes, size_t n)
{
	const struct blake2s_lanes_impl *row = crypto_impls()->blake2s_lanes;

	while (n > 0) {
		size_t now = n < row->lanes ? n : row->lanes;
		(now < row->worth ? blake2s_lanes_portable : row->run)(lanes, now);
		lanes += now;
		n -= now;
	}
}

void mac_keys(struct mac_key *out, const void *const *keys, size_t key_n, size_t n)
{
	uint8_t blocks[BLAKE2S_LANES_MAX][BLAKE2S_BLOCK_BYTES] = { { 0 } };
	struct blake2s_lane lanes[BLAKE2S_LANES_MAX];
	struct blake2s s;

	blake2s_init(&s, MAC_BYTES, NULL, 0);
	s.h[0] ^= (uint32_t)key_n << 8;
	for (size_t now; n > 0; n -= now, keys += now, out += now) {
		now = n < BLAKE2S_LANES_MAX ? n : BLAKE2S_LANES_MAX;
		for (size_t i = 0; i < now; i++) {
			memcpy(blocks[i], keys[i], key_n);
			lanes[i] = (struct blake2s_lane){ .h = s.h, .p = blocks[i],
							  .n = sizeof blocks[i] };
		}
		lanes_run(lanes, now);
		for (size_t i = 0; i < now; i++)
			memcpy(out[i].h, lanes[i].out, sizeof out[i].h);
	}
	mem_wipe(blocks, sizeof blocks);
	mem_wipe(lanes, sizeof lanes);
}

void mac16_many(struct mac_job *jobs, size_t n)
{
	struct blake2s_lane lanes[BLAKE2S_LANES_MAX];

	for (size_t now; n > 0; n -= now, jobs += now) {
		now = n < BLAKE2S_LANES_MAX ? n : BLAKE2S_LANES_MAX;
		for (size_t i = 0; i < now; i++)
			lanes[i] = (struct blake2s_lane){ .h = jobs[i].key->h, .p = jobs[i].p,
							  .n = jobs[i].n, .last = true,
							  .before = BLAKE2S_BLOCK_BYTES };
		lanes_run(lanes, now);
		for (size_t i = 0; i < now; i++)
			for (size_t k = 0; k < MAC_BYTES / 4; k++)
				store_le32(jobs[i].out + 4 * k, lanes[i].out[k]);
	}
	mem_wipe(lanes, sizeof lanes);
}
