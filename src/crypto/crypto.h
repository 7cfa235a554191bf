/* The primitives WireGuard is made of (whitepaper 5.4): X25519 (RFC 7748), ChaCha20-Poly1305 and
 * XChaCha20-Poly1305 (RFC 8439, draft-irtf-cfrg-xchacha), BLAKE2s (RFC 7693) with HMAC and the KDFs.
 * Everything is constant time in keys and contents. Each primitive is a table of rows for what the
 * CPU offers, fastest first; the portable row is the specification of the others.
 * Pure: no clock, no chance, no allocation. */
#ifndef WG_CRYPTO_H
#define WG_CRYPTO_H

#include "base/key.h"

/* ---- X25519 ---- */

/* Clears and sets the bits RFC 7748 section 5 asks for; a wg_private in use is always clamped. */
void x25519_clamp(struct wg_private *key);
/* The public key of a private one (clamped for the computation whatever its bits). */
void x25519_public(struct wg_public *out, const struct wg_private *key);
/* out = key · u. False, and out zero, when the result is all zero: the peer's point has low order. */
must_check bool x25519(struct wg_shared *out, const struct wg_private *key,
		       const struct wg_public *u);

struct x25519_job {
	struct wg_shared out;
	struct wg_private key;
	struct wg_public u;
	bool ok; /* as x25519() returns it */
};
/* Independent multiplications, in lanes where a row has them; wipe the jobs afterwards. */
void x25519_batch(struct x25519_job *jobs, size_t n);

/* ---- AEAD ---- */

enum { AEAD_TAG_BYTES = 16, XAEAD_NONCE_BYTES = 24 };

/* The nonce is four zero bytes and the counter, little endian. dst has n + 16 bytes for seal, n for
 * open, where src has n + 16. dst may be src (in place) and must not overlap it in any other way. */
void aead_seal(uint8_t *dst, const uint8_t *src, size_t n, const void *ad, size_t ad_n,
	       uint64_t counter, const struct wg_sym *key);
/* n: bytes of plaintext. False when the tag is wrong; dst then holds n zeros, never plaintext. */
must_check bool aead_open(uint8_t *dst, const uint8_t *src, size_t n, const void *ad, size_t ad_n,
			  uint64_t counter, const struct wg_sym *key);

void xaead_seal(uint8_t *dst, const uint8_t *src, size_t n, const void *ad, size_t ad_n,
		const uint8_t nonce[XAEAD_NONCE_BYTES], const struct wg_sym *key);
must_check bool xaead_open(uint8_t *dst, const uint8_t *src, size_t n, const void *ad, size_t ad_n,
			   const uint8_t nonce[XAEAD_NONCE_BYTES], const struct wg_sym *key);

/* Short messages under one key, in lanes where a row has them: cookie replies in a flood. */
struct xaead_job {
	uint8_t *dst;
	const uint8_t *src, *ad;
	uint32_t n, ad_n; /* at most 64 each */
	const uint8_t *nonce;
};
void xaead_seal_many(const struct xaead_job *jobs, size_t n, const struct wg_sym *key);

/* A run: packets of one key, no associated data, each with its own counter, lengths free. A SIMD
 * row fills its lanes across the packets. In place or apart as above, packets do not overlap. */
struct aead_packet {
	uint8_t *dst;
	const uint8_t *src;
	uint32_t n; /* bytes of plaintext; the sealed side has 16 more */
	bool ok;    /* open: the tag was right */
	uint64_t counter;
};
void aead_seal_run(struct aead_packet *packets, size_t n, const struct wg_sym *key);
void aead_open_run(struct aead_packet *packets, size_t n, const struct wg_sym *key);

/* ---- BLAKE2s ---- */

enum { BLAKE2S_BLOCK_BYTES = 64, MAC_BYTES = 16 };

struct blake2s {
	uint32_t h[8];
	uint64_t count;                     /* bytes hashed so far, without those in buffer */
	uint8_t buffer[BLAKE2S_BLOCK_BYTES];
	uint32_t filled;                    /* bytes in buffer */
	uint32_t out_bytes;
};
/* out_bytes 1-32; key_n 0-32, 0 for none. */
void blake2s_init(struct blake2s *s, size_t out_bytes, const void *key, size_t key_n);
void blake2s_update(struct blake2s *s, const void *p, size_t n);
void blake2s_final(struct blake2s *s, uint8_t *out); /* out_bytes; wipes s */

/* HASH(a ‖ b); b may be null with b_n 0. */
void hash2(struct wg_hash *out, const void *a, size_t a_n, const void *b, size_t b_n);
/* Keyed BLAKE2s with 16 bytes out: MAC(key, a ‖ b). */
void mac16_2(uint8_t out[MAC_BYTES], const void *key, size_t key_n, const void *a, size_t a_n,
	     const void *b, size_t b_n);

/* MACs of many messages at once, in lanes where a row has them. A mac_key is the state behind the
 * key's block, where all messages under that key start: as secret as the key. */
struct mac_key {
	uint32_t h[8];
};
struct mac_job {
	const struct mac_key *key;
	const void *p;
	uint32_t n; /* 1 to 2^31 bytes; lanes that run together take as long as the longest */
	uint8_t out[MAC_BYTES];
};
/* out[i] of keys[i], each of key_n bytes (1-32). */
void mac_keys(struct mac_key *out, const void *const *keys, size_t key_n, size_t n);
/* out = MAC(key, p), as mac16_2() makes it. */
void mac16_many(struct mac_job *jobs, size_t n);

/* HMAC-BLAKE2s (RFC 2104), 32 bytes out. */
void hmac(struct wg_hash *out, const void *key, size_t key_n, const void *p, size_t n);
/* KDF1..KDF3 of the whitepaper: `count` outputs of 32 bytes into t1, t2, t3 (the unused null).
 * t1 may be ck. */
void kdf(uint8_t t1[32], uint8_t t2[32], uint8_t t3[32], const struct wg_hash *ck, const void *input,
	 size_t n);

/* ---- rows ---- */

enum cpu_feature { /* bits of cpu_features(); the OS saves the registers they use */
	CPU_SSSE3 = 1 << 0,
	CPU_AVX2 = 1 << 1,
	CPU_BMI2 = 1 << 2,
	CPU_ADX = 1 << 3,
	CPU_AVX512 = 1 << 4, /* F, VL, BW, DQ */
	CPU_IFMA = 1 << 5,
	CPU_NEON = 1 << 6,
};
/* What this machine has, asked once. */
uint32_t cpu_features(void);
/* From now on rows may use these features only (for tests and `WG_CPU=`); UINT32_MAX lifts it.
 * Not while other threads compute. */
void crypto_restrict(uint32_t allowed);
/* "generic", or names as above in lower case joined by ',': to a mask. False: unknown word. */
must_check bool cpu_parse(uint32_t *mask, const char *words);

/* The name of the row in use, for the log and the benchmarks: "aead", "x25519", "x25519-batch",
 * "blake2s", "blake2s-lanes", "xchacha20" → "portable", "avx2", … */
const char *crypto_impl_name(const char *primitive);
/* Known answers through every row in use. False: this binary computes wrongly on this machine. */
must_check bool crypto_self_test(void);

#endif
