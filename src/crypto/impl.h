/* What the files of this room share: the row tables of each primitive and the parts they call.
 * A row is one implementation for CPUs that have `needs`; tables are sorted fastest first and end
 * with the portable row, which needs nothing and is the specification of the others. A file of a
 * row includes this header only, ends in its instruction set (which is its compiler flag) and
 * exports its suffixed names; on machines of another kind it compiles to nothing. */
#ifndef WG_CRYPTO_IMPL_H
#define WG_CRYPTO_IMPL_H

#include "crypto.h"
#include "base/mem.h"

#if defined(__x86_64__)
#define CRYPTO_X86 1
#else
#define CRYPTO_X86 0
#endif
#if defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define CRYPTO_NEON 1
#else
#define CRYPTO_NEON 0
#endif
/* 64 x 64 -> 128 bit products; CRYPTO_32BIT forces the limbs for machines without, for tests. */
#if defined(__SIZEOF_INT128__) && !defined(CRYPTO_32BIT)
#define CRYPTO_INT128 1
__extension__ typedef unsigned __int128 u128;
#else
#define CRYPTO_INT128 0
#endif

#define always_inline static inline __attribute__((always_inline))
/* Before a loop of few rounds whose arrays shall become registers. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* Before loops that copy words into lanes or out of them: gathers and scatters take longer, and MSan takes
 * them for uses of what they move. */
#if defined(__clang__)
#define WORD_BY_WORD _Pragma("clang loop vectorize(disable)")
#else
#define WORD_BY_WORD
#endif

/* value_barrier() of a vector. */
#ifndef vector_barrier
#define vector_barrier(v) __asm__("" : "+v"(v))
#endif

/* After a step of a vector row: gcc moves and spills registers, and makes all products before it adds the first,
 * unless it is told that a vector is what it is. clang does not, and would with it. */
#if defined(__clang__)
#define SETTLE(v) ((void)0)
#else
#define SETTLE(v) vector_barrier(v)
#endif

/* ---- ChaCha20 (RFC 8439 section 2.3) ---- */

enum { CHACHA_BLOCK_BYTES = 64 };

/* The initial state as words: constants, key, block counter, nonce. */
struct chacha20 {
	uint32_t w[16];
};
/* The nonce of a WireGuard packet: four zero bytes, then the counter. The block counter is 0. */
void chacha20_init(struct chacha20 *s, const struct wg_sym *key, uint64_t nonce);
/* HChaCha20: the key of a ChaCha20 whose nonce is what is left of the 24 bytes. */
void hchacha20(struct wg_sym *out, const struct wg_sym *key, const uint8_t nonce[16]);

/* dst = src xor n bytes of key stream, from block s->w[12] on (32 bits, wraps); in place or apart. */
typedef void chacha20_fn(uint8_t *dst, const uint8_t *src, size_t n, const struct chacha20 *s);
struct chacha20_impl {
	const char *name;
	uint32_t needs;
	chacha20_fn *xor;
};
chacha20_fn chacha20_xor_portable, chacha20_xor_ssse3, chacha20_xor_avx2, chacha20_xor_avx512,
	chacha20_xor_neon;

/* The first two blocks of XChaCha20's stream under `lanes` nonces of 24 bytes: block 0 holds the key of
 * Poly1305. key: chacha20_init() with any nonce. */
enum { XCHACHA_START_BYTES = 2 * CHACHA_BLOCK_BYTES, XCHACHA_LANES_MAX = 16 };
typedef void xchacha20_starts_fn(uint8_t (*stream)[XCHACHA_START_BYTES], const uint8_t *const *nonces,
				 const struct chacha20 *key);
struct xchacha20_impl {
	const char *name;
	uint32_t needs;
	xchacha20_starts_fn *starts;
	size_t lanes, worth; /* with fewer nonces than `worth` one by one is faster */
};
xchacha20_starts_fn xchacha20_starts_portable, xchacha20_starts_ssse3, xchacha20_starts_avx2,
	xchacha20_starts_avx512, xchacha20_starts_neon;

/* ---- Poly1305 (RFC 8439 section 2.5) ---- */

struct poly1305 {
	uint64_t h[3]; /* the sum so far; h[2] holds a few bits */
	uint64_t r[2]; /* clamped */
	uint64_t s[2];
};
void poly1305_init(struct poly1305 *p, const uint8_t key[32]);
/* The last bytes of a message, 0-15: they get a one bit behind them and zeros to 16. */
void poly1305_last(struct poly1305 *p, const uint8_t *m, size_t n);
void poly1305_tag(uint8_t tag[16], const struct poly1305 *p);

/* n bytes of whole blocks: n is a multiple of 16. */
typedef void poly1305_fn(struct poly1305 *p, const uint8_t *m, size_t n);
struct poly1305_impl {
	const char *name;
	uint32_t needs;
	poly1305_fn *blocks;
};
poly1305_fn poly1305_blocks_portable, poly1305_blocks_avx2, poly1305_blocks_ifma;

/* ---- AEAD over runs ---- */

typedef void aead_run_fn(struct aead_packet *packets, size_t n, const struct wg_sym *key);
struct aead_impl {
	const char *name;
	uint32_t needs;
	aead_run_fn *seal_run, *open_run;
};
aead_run_fn aead_seal_run_portable, aead_open_run_portable, aead_seal_run_ssse3, aead_open_run_ssse3,
	aead_seal_run_avx2, aead_open_run_avx2, aead_seal_run_avx512, aead_open_run_avx512,
	aead_seal_run_ifma, aead_open_run_ifma, aead_seal_run_neon, aead_open_run_neon;

/* One packet from the two primitives; s is at block 0. */
struct aead_parts {
	chacha20_fn *xor;
	poly1305_fn *blocks;
};
void aead_seal_parts(const struct aead_parts *with, uint8_t *dst, const uint8_t *src, size_t n,
		     const void *ad, size_t ad_n, struct chacha20 *s);
must_check bool aead_open_parts(const struct aead_parts *with, uint8_t *dst, const uint8_t *src,
				size_t n, const void *ad, size_t ad_n, struct chacha20 *s);

/* ---- BLAKE2s (RFC 7693) ---- */

/* Compresses whole blocks. count: bytes hashed, those of the first block included; it goes up by 64
 * with each further one. last: the final flag (of a single block). */
typedef void blake2s_fn(uint32_t h[8], const uint8_t *m, size_t blocks, uint64_t count, bool last);
struct blake2s_impl {
	const char *name;
	uint32_t needs;
	blake2s_fn *compress;
};
blake2s_fn blake2s_compress_portable;

/* Many messages at once: a state and the 1 to 2^31 bytes it goes on with. */
struct blake2s_lane {
	const uint32_t *h; /* the state: 8 words, after `before` bytes (a multiple of 64) */
	const uint8_t *p;
	uint32_t n, before;
	bool last; /* the message ends here; if not, n is a multiple of 64 */
	uint32_t out[8];
};
/* Fills `out` of n <= lanes lanes. */
typedef void blake2s_lanes_fn(struct blake2s_lane *lanes, size_t n);
struct blake2s_lanes_impl {
	const char *name;
	uint32_t needs;
	blake2s_lanes_fn *run;
	size_t lanes, worth; /* at once; with fewer than `worth` one by one is faster */
};
enum { BLAKE2S_LANES_MAX = 16 };
blake2s_lanes_fn blake2s_lanes_portable, blake2s_lanes_ssse3, blake2s_lanes_avx2,
	blake2s_lanes_avx512, blake2s_lanes_neon;
extern const uint8_t blake2s_sigma[10][16];
extern const uint32_t blake2s_iv[8];

/* ---- X25519 (RFC 7748) ---- */

/* out = k · u with k clamped and bit 255 of u ignored. */
typedef void x25519_fn(uint8_t out[32], const uint8_t k[32], const uint8_t u[32]);
struct x25519_impl {
	const char *name;
	uint32_t needs;
	x25519_fn *mul;
};
x25519_fn x25519_mul_portable, x25519_mul_adx, x25519_mul_ifma;
#if CRYPTO_INT128
/* x / z, in limbs of 51 bits and a little: the end of a ladder in lanes. */
void x25519_divide(uint8_t out[32], const uint64_t x[5], const uint64_t z[5]);
#endif

/* Fills `out` of n <= lanes jobs; `ok` is the caller's. */
typedef void x25519_batch_fn(struct x25519_job *jobs, size_t n);
struct x25519_batch_impl {
	const char *name;
	uint32_t needs;
	x25519_batch_fn *mul; /* null: one by one */
	size_t lanes, worth;  /* jobs at once; with fewer than `worth` single ones are faster */
};
x25519_batch_fn x25519_batch_ifma;

/* ---- tables and choice ---- */

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
/* The whole tables, for the choice and for tests; each ends with the portable row (needs 0). */
extern const struct crypto_impls crypto_tables;
/* The rows in use; chosen at the first call, which comes before there are threads. */
const struct crypto_impls *crypto_impls(void);
/* The features that rows may use now: what the machine has within crypto_restrict(). */
uint32_t crypto_features(void);

#endif
