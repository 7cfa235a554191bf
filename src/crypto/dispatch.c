/* Tables of the implementations of every primitive, and the choice among them by CPU feature. */
#include "dispatch.h"
#include "aead.h"
#include "blake2s.h"
#include "chacha20.h"
#include "poly1305.h"
#include "x25519.h"

/* What a file with that suffix may use: its compiler flags (isa_* in the Makefile) enable these features. */
enum {
	NEEDS_AVX2 = CPU_AVX2 | CPU_BMI2,
	NEEDS_AVX512 = CPU_AVX512 | NEEDS_AVX2,
	NEEDS_IFMA = CPU_IFMA | NEEDS_AVX512,
};

static const struct chacha20_impl chacha20_table[] = {
#if CRYPTO_X86
	{ "avx512", NEEDS_AVX512, chacha20_xor_avx512 },
	{ "avx2", NEEDS_AVX2, chacha20_xor_avx2 },
	{ "ssse3", CPU_SSSE3, chacha20_xor_ssse3 },
#endif
#if CRYPTO_NEON
	{ "neon", CPU_NEON, chacha20_xor_neon },
#endif
	{ "portable", 0, chacha20_xor_portable },
};

static const struct xchacha20_impl xchacha20_table[] = {
#if CRYPTO_X86
	{ "avx512", NEEDS_AVX512, xchacha20_prefix_avx512, 16, 2 },
	{ "avx2", NEEDS_AVX2, xchacha20_prefix_avx2, 8, 2 },
	{ "ssse3", CPU_SSSE3, xchacha20_prefix_ssse3, 4, 2 },
#endif
#if CRYPTO_NEON
	{ "neon", CPU_NEON, xchacha20_prefix_neon, 4, 2 },
#endif
	{ "portable", 0, xchacha20_prefix_portable, 1, 1 },
};

static const struct poly1305_impl poly1305_table[] = {
#if CRYPTO_X86
	{ "ifma", NEEDS_IFMA, poly1305_blocks_ifma },
	{ "avx2", NEEDS_AVX2, poly1305_blocks_avx2 },
	{ "x64", CPU_SSSE3, poly1305_blocks_x64 }, /* needs nothing; a table has one such entry only */
#endif
	{ "portable", 0, poly1305_blocks_portable },
};

static const struct aead_impl aead_table[] = {
#if CRYPTO_X86
	{ "ifma", NEEDS_IFMA, aead_seal_run_ifma, aead_open_run_ifma },
	{ "avx512", NEEDS_AVX512, aead_seal_run_avx512, aead_open_run_avx512 },
	{ "avx2", NEEDS_AVX2, aead_seal_run_avx2, aead_open_run_avx2 },
	{ "ssse3", CPU_SSSE3, aead_seal_run_ssse3, aead_open_run_ssse3 },
#endif
#if CRYPTO_NEON
	{ "neon", CPU_NEON, aead_seal_run_neon, aead_open_run_neon },
#endif
	{ "portable", 0, aead_seal_run_portable, aead_open_run_portable },
};

static const struct blake2s_impl blake2s_table[] = {
	{ "portable", 0, blake2s_compress_portable },
};

static const struct blake2s_lanes_impl blake2s_lanes_table[] = {
#if CRYPTO_X86
	{ "avx512", NEEDS_AVX512, blake2s_lanes_avx512, 16, 3 },
	{ "avx2", NEEDS_AVX2, blake2s_lanes_avx2, 8, 4 },
	{ "ssse3", CPU_SSSE3, blake2s_lanes_ssse3, 4, 3 },
#endif
#if CRYPTO_NEON
	{ "neon", CPU_NEON, blake2s_lanes_neon, 4, 3 },
#endif
	{ "portable", 0, blake2s_lanes_portable, BLAKE2S_LANES_MAX, 1 },
};

static const struct x25519_impl x25519_table[] = {
#if CRYPTO_X86 && CRYPTO_INT128
	{ "ifma", NEEDS_IFMA, x25519_mul_ifma },
	{ "avx2", NEEDS_AVX2, x25519_mul_avx2 },
#endif
	{ "portable", 0, x25519_mul_portable },
};

static const struct x25519_batch_impl x25519_batch_table[] = {
#if CRYPTO_X86
	{ "ifma", NEEDS_IFMA, x25519_batch_ifma, 8, 2 },
	{ "avx2", NEEDS_AVX2, x25519_batch_avx2, 4, 3 },
#endif
	{ "single", 0, NULL, 1, 1 },
};

const struct crypto_impls crypto_tables = {
	chacha20_table, xchacha20_table, poly1305_table, aead_table, blake2s_table,
	blake2s_lanes_table, x25519_table, x25519_batch_table,
};

static uint32_t allowed = UINT32_MAX;
static struct crypto_impls chosen;
static uint32_t ready;
static _Thread_local const struct crypto_impls *of_thread; /* null: not looked up yet */

#define CHOOSE(impl, table, features)                    \
	do {                                             \
		(impl) = (table);                        \
		while (((impl)->needs & ~(features)) != 0) \
			(impl)++;                        \
	} while (0)

void crypto_choose(struct crypto_impls *out, uint32_t features)
{
	CHOOSE(out->chacha20, chacha20_table, features);
	CHOOSE(out->xchacha20, xchacha20_table, features);
	CHOOSE(out->poly1305, poly1305_table, features);
	CHOOSE(out->aead, aead_table, features);
	CHOOSE(out->blake2s, blake2s_table, features);
	CHOOSE(out->blake2s_lanes, blake2s_lanes_table, features);
	CHOOSE(out->x25519, x25519_table, features);
	CHOOSE(out->x25519_batch, x25519_batch_table, features);
	assert(out->blake2s_lanes->lanes <= BLAKE2S_LANES_MAX);
	assert(out->xchacha20->lanes <= XCHACHA_LANES_MAX);
}

static void choose(void)
{
	struct crypto_impls impls;

	crypto_choose(&impls, crypto_features());
	chosen = impls;
	__atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
}

static __attribute__((noinline)) const struct crypto_impls *of_process(void)
{
	if (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE))
		choose();
	of_thread = &chosen;
	return &chosen;
}

const struct crypto_impls *crypto_impls(void)
{
	const struct crypto_impls *impls = of_thread;

	return likely(impls) ? impls : of_process();
}

const struct crypto_impls *crypto_use(const struct crypto_impls *impls)
{
	const struct crypto_impls *before = of_thread;

	of_thread = impls;
	return before;
}

uint32_t crypto_features(void)
{
	return cpu_features() & __atomic_load_n(&allowed, __ATOMIC_RELAXED);
}

void crypto_restrict(uint32_t features)
{
	__atomic_store_n(&allowed, features, __ATOMIC_RELAXED);
	choose();
}

const char *crypto_impl_name(const char *primitive)
{
	const struct crypto_impls *impls = crypto_impls();

	if (strcmp(primitive, "aead") == 0)
		return impls->aead->name;
	if (strcmp(primitive, "x25519") == 0)
		return impls->x25519->name;
	if (strcmp(primitive, "x25519-batch") == 0)
		return impls->x25519_batch->name;
	if (strcmp(primitive, "blake2s") == 0)
		return impls->blake2s->name;
	if (strcmp(primitive, "blake2s-lanes") == 0)
		return impls->blake2s_lanes->name;
	if (strcmp(primitive, "chacha20") == 0)
		return impls->chacha20->name;
	if (strcmp(primitive, "xchacha20") == 0)
		return impls->xchacha20->name;
	if (strcmp(primitive, "poly1305") == 0)
		return impls->poly1305->name;
	return NULL;
}
