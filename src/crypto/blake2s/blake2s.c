/* BLAKE2s (RFC 7693): hashes and MACs of one message, and of many messages at once. */
#include "crypto/blake2s.h"
#include "crypto/dispatch.h"

void blake2s_init(struct blake2s *s, size_t out_bytes, const void *key, size_t key_n)
{
	assert(out_bytes >= 1 && out_bytes <= 32 && key_n <= 32);
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
	size_t space = BLAKE2S_BLOCK_BYTES - s->filled, whole;

	if (n == 0)
		return;
	if (n > space) { /* a full buffer stays until more bytes follow: the last block needs the final flag */
		memcpy(s->buffer + s->filled, p, space);
		compress(s->h, s->buffer, 1, s->count += BLAKE2S_BLOCK_BYTES, false);
		s->filled = 0;
		p += space;
		n -= space;
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

/* ---- many messages ---- */

static void lanes_run(struct blake2s_lane *lanes, size_t n)
{
	const struct blake2s_lanes_impl *impl = crypto_impls()->blake2s_lanes;

	while (n > 0) {
		size_t now = n < impl->lanes ? n : impl->lanes;
		(now < impl->lanes_min ? blake2s_lanes_portable : impl->run)(lanes, now);
		lanes += now;
		n -= now;
	}
}

void mac_keys(struct mac_key *out, const void *const *keys, size_t key_n, size_t n)
{
	uint8_t blocks[BLAKE2S_LANES_MAX][BLAKE2S_BLOCK_BYTES] = { { 0 } };
	struct blake2s_lane lanes[BLAKE2S_LANES_MAX];
	struct blake2s s;

	assert(key_n >= 1 && key_n <= 32);
	blake2s_init(&s, MAC_BYTES, NULL, 0);
	s.h[0] ^= (uint32_t)key_n << 8; /* the key length of the parameter block; lanes hash the key itself */
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
