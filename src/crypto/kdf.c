/* HMAC-BLAKE2s (RFC 2104) and the key derivation functions of the whitepaper, section 5.4: HKDF (RFC 5869)
 * with the chaining key as salt and empty info. */
#include "base/mem.h"
#include "crypto.h"

/* The BLAKE2s states after the inner and the outer padded key, with which all messages under a key start. */
struct hmac_key {
	struct blake2s inner, outer;
};

static void hmac_key_init(struct hmac_key *k, const void *key, size_t key_n)
{
	uint8_t pad[BLAKE2S_BLOCK_BYTES] = { 0 };

	if (key_n > sizeof pad) {
		struct wg_hash digest;
		hash2(&digest, key, key_n, NULL, 0);
		memcpy(pad, digest.b, sizeof digest.b);
		mem_wipe(&digest, sizeof digest);
	} else if (key_n > 0) {
		memcpy(pad, key, key_n);
	}
	for (size_t i = 0; i < sizeof pad; i++)
		pad[i] ^= 0x36;
	blake2s_init(&k->inner, KEY_BYTES, NULL, 0);
	blake2s_update(&k->inner, pad, sizeof pad);
	for (size_t i = 0; i < sizeof pad; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	blake2s_init(&k->outer, KEY_BYTES, NULL, 0);
	blake2s_update(&k->outer, pad, sizeof pad);
	mem_wipe(pad, sizeof pad);
}

static void hmac_2(uint8_t out[32], const struct hmac_key *k, const void *a, size_t a_n,
		   const void *b, size_t b_n)
{
	struct blake2s s = k->inner;
	uint8_t digest[32];

	blake2s_update(&s, a, a_n);
	blake2s_update(&s, b, b_n);
	blake2s_final(&s, digest);
	s = k->outer;
	blake2s_update(&s, digest, sizeof digest);
	blake2s_final(&s, out);
	mem_wipe(digest, sizeof digest);
}

void hmac(struct wg_hash *out, const void *key, size_t key_n, const void *p, size_t n)
{
	struct hmac_key k;

	hmac_key_init(&k, key, key_n);
	hmac_2(out->b, &k, p, n, NULL, 0);
	mem_wipe(&k, sizeof k);
}

void kdf(uint8_t t1[32], uint8_t t2[32], uint8_t t3[32], const struct wg_hash *ck, const void *input,
	 size_t n)
{
	uint8_t *const out[] = { t1, t2, t3 };
	uint8_t secret[32], t[32];
	struct hmac_key k;

	hmac_key_init(&k, ck->b, sizeof ck->b);
	hmac_2(secret, &k, input, n, NULL, 0);
	hmac_key_init(&k, secret, sizeof secret);
	for (uint8_t i = 0; i < ARRAY_LEN(out) && out[i]; i++) {
		uint8_t index = i + 1;
		hmac_2(t, &k, t, i > 0 ? sizeof t : 0, &index, 1);
		memcpy(out[i], t, sizeof t);
	}
	mem_wipe(&k, sizeof k);
	mem_wipe(secret, sizeof secret);
	mem_wipe(t, sizeof t);
}
