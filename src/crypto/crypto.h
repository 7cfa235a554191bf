/* The cryptographic primitives of WireGuard (whitepaper section 5.4): X25519 (RFC 7748), ChaCha20-Poly1305
 * (RFC 8439) and XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03), BLAKE2s (RFC 7693) with HMAC and the KDFs.
 * Run time and memory accesses depend on lengths and counters, never on keys or contents. Each primitive has
 * implementations for several instruction sets, chosen at run time.
 * Pure: no clock, no random numbers, no allocation. */
#ifndef WG_CRYPTO_H
#define WG_CRYPTO_H

#include "base/key.h"

/* ---- X25519 ---- */

/* Clears and sets the bits named in RFC 7748 section 5. A wg_private in use is always clamped. */
void x25519_clamp(struct wg_private *key);
/* Computes the public key of a private key, which need not be clamped. */
void x25519_public(struct wg_public *out, const struct wg_private *key);
/* out = key · u. False if the result is all zero, because u is a point of low order; out is zero then. */
must_check bool x25519(struct wg_shared *out, const struct wg_private *key,
		       const struct wg_public *u);

struct x25519_job {
	struct wg_shared out;
	struct wg_private key;
	struct wg_public u;
	bool ok; /* what x25519() would return */
};
/* Performs n independent multiplications, several at once where an implementation can. The caller wipes the jobs. */
void x25519_batch(struct x25519_job *jobs, size_t n);

/* ---- AEAD ---- */

enum { AEAD_TAG_BYTES = 16, XAEAD_NONCE_BYTES = 24 };

/* The nonce is four zero bytes and the counter in little endian. n: bytes of plaintext. The sealed side has n + 16
 * bytes, ciphertext and tag. dst may be src (in place) and must not overlap it in any other way. */
void aead_seal(uint8_t *dst, const uint8_t *src, size_t n, const void *ad, size_t ad_n,
	       uint64_t counter, const struct wg_sym *key);
/* False if the tag is wrong; dst then holds n zero bytes. */
must_check bool aead_open(uint8_t *dst, const uint8_t *src, size_t n, const void *ad, size_t ad_n,
			  uint64_t counter, const struct wg_sym *key);

void xaead_seal(uint8_t *dst, const uint8_t *src, size_t n, const void *ad, size_t ad_n,
		const uint8_t nonce[XAEAD_NONCE_BYTES], const struct wg_sym *key);
must_check bool xaead_open(uint8_t *dst, const uint8_t *src, size_t n, const void *ad, size_t ad_n,
			   const uint8_t nonce[XAEAD_NONCE_BYTES], const struct wg_sym *key);

/* Seals many short messages under one key, several at once where an implementation can: cookie replies in a flood. */
struct xaead_job {
	uint8_t *dst;
	const uint8_t *src, *ad;
	uint32_t n, ad_n; /* at most 64 each */
	const uint8_t *nonce;
};
void xaead_seal_many(const struct xaead_job *jobs, size_t n, const struct wg_sym *key);

/* A run: packets under one key without associated data, each with its own counter and length. SIMD implementations
 * fill their lanes across packets. dst may be src, as above; different packets must not overlap. */
struct aead_packet {
	uint8_t *dst;
	const uint8_t *src;
	uint32_t n; /* bytes of plaintext; the sealed side has 16 more */
	bool ok;    /* set by aead_open_run(): the tag was right */
	uint64_t counter;
};
_Static_assert(sizeof(void *) != 8 || sizeof(struct aead_packet) == 32, "half a cache line");
void aead_seal_run(struct aead_packet *packets, size_t n, const struct wg_sym *key);
void aead_open_run(struct aead_packet *packets, size_t n, const struct wg_sym *key);

/* ---- BLAKE2s ---- */

enum { BLAKE2S_BLOCK_BYTES = 64, MAC_BYTES = 16 };

struct blake2s {
	uint32_t h[8];
	uint64_t count;                     /* bytes hashed so far, excluding those in buffer */
	uint8_t buffer[BLAKE2S_BLOCK_BYTES];
	uint32_t filled;                    /* bytes in buffer */
	uint32_t out_bytes;
};
/* out_bytes: 1-32. key_n: 0-32, 0 for unkeyed. */
void blake2s_init(struct blake2s *s, size_t out_bytes, const void *key, size_t key_n);
void blake2s_update(struct blake2s *s, const void *p, size_t n);
void blake2s_final(struct blake2s *s, uint8_t *out); /* writes out_bytes and wipes s */

/* HASH(a ‖ b) of the whitepaper. b may be null if b_n is 0. */
void hash2(struct wg_hash *out, const void *a, size_t a_n, const void *b, size_t b_n);
/* MAC(key, a ‖ b) of the whitepaper: keyed BLAKE2s with 16 bytes of output. */
void mac16_2(uint8_t out[MAC_BYTES], const void *key, size_t key_n, const void *a, size_t a_n,
	     const void *b, size_t b_n);

/* MACs of many messages, several at once where an implementation can. A mac_key is the BLAKE2s state after the block
 * that holds the key, common to all messages under that key; it is as secret as the key. */
struct mac_key {
	uint32_t h[8];
};
struct mac_job {
	const struct mac_key *key;
	const void *p;
	uint32_t n; /* 1 to 2^31 bytes; jobs computed together take as long as the longest of them */
	uint8_t out[MAC_BYTES];
};
/* Computes out[i] from keys[i], each of key_n bytes (1-32). */
void mac_keys(struct mac_key *out, const void *const *keys, size_t key_n, size_t n);
/* Sets each job's out to MAC(key, p), as mac16_2() would. */
void mac16_many(struct mac_job *jobs, size_t n);

/* HMAC-BLAKE2s (RFC 2104), 32 bytes of output. */
void hmac(struct wg_hash *out, const void *key, size_t key_n, const void *p, size_t n);
/* KDF1 to KDF3 of the whitepaper: outputs of 32 bytes to t1, t2, t3; those not wanted are null. t1 may be ck. */
void kdf(uint8_t t1[32], uint8_t t2[32], uint8_t t3[32], const struct wg_hash *ck, const void *input,
	 size_t n);

/* ---- implementations ---- */

enum cpu_feature { /* bits of cpu_features() */
	CPU_SSSE3 = 1 << 0,
	CPU_AVX2 = 1 << 1,
	CPU_BMI2 = 1 << 2,
	CPU_ADX = 1 << 3,
	CPU_AVX512 = 1 << 4, /* F, VL, BW, DQ */
	CPU_IFMA = 1 << 5,
	CPU_NEON = 1 << 6,
};
/* The features of this CPU whose registers the operating system saves; detected once. */
uint32_t cpu_features(void);
/* Parses "generic" (no feature), or names as above in lower case joined by ','; "avx2", "avx512" and "ifma" include what
 * every CPU with them has. False: unknown name. */
must_check bool cpu_parse(uint32_t *features, const char *names);

/* Chooses implementations again, from those that need only these features (for WG_CPU and tests); UINT32_MAX lifts
 * the restriction. Must not run while other threads use this module. */
void crypto_restrict(uint32_t features);
struct crypto_impls {
	const struct chacha20_impl *chacha20;
	const struct xchacha20_impl *xchacha20;
	const struct poly1305_impl *poly1305;
	const struct aead_impl *aead;
	const struct blake2s_impl *blake2s;
	const struct blake2s_lanes_impl *blake2s_lanes;
	const struct x25519_impl *x25519;
	const struct x25519_batch_impl *x25519_batch;
};
/* The best implementation of each primitive that needs only these features, which the CPU must have. */
void crypto_choose(struct crypto_impls *out, uint32_t features);
/* This thread uses these from now on, until the next call; null: those of the process. Returns what it used before. For
 * programs whose parts want different implementations. */
const struct crypto_impls *crypto_use(const struct crypto_impls *impls);
/* The implementation in use, "portable", "avx2", …, of "aead", "x25519", "x25519-batch", "blake2s", "blake2s-lanes",
 * "chacha20", "xchacha20" or "poly1305"; null for any other primitive. */
const char *crypto_impl_name(const char *primitive);
/* Known-answer tests of every implementation in use. False: this binary computes wrong results on this machine. */
must_check bool crypto_self_test(void);

#endif
