/* Poly1305 tags of runs in AVX2 or NEON, or in AVX-512 IFMA if aead_tags_ifma_test.c includes this, under chosen keys, which
 * ChaCha20 would never produce: sums around 2^130 - 5, and limbs at their upper bounds; against the portable Poly1305. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "crypto/aead.h"
#include "../../../lib/guard.h"
#if CRYPTO_X86
#include <immintrin.h>
#ifdef TAGS_IFMA
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx512ifma,avx2,bmi2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx512bw,avx512dq,avx512ifma,avx2,bmi2")
#endif
#include "crypto/aead/aead_ifma.c"
#define HAVE_VECTORS (cpu_features() & CPU_IFMA)
#else
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,bmi2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,bmi2")
#endif
#include "crypto/aead/aead_avx2.c"
#define HAVE_VECTORS (cpu_features() & CPU_AVX2)
#endif
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#elif CRYPTO_NEON && !defined(TAGS_IFMA)
#include "crypto/aead/aead_neon.c"
#define HAVE_VECTORS true
#endif

#ifdef HAVE_VECTORS
enum { TEXT_BYTES = 1600 };
static uint8_t text[PACKETS][TEXT_BYTES];
static struct aead_packet packets[PACKETS];
static struct lanes l;

static void check_tags(const uint32_t *sizes)
{
	uint8_t lengths[16] = { 0 }, tag[AEAD_TAG_BYTES];
	struct poly1305 p;

	l.n = PACKETS;
	for (uint32_t i = 0; i < PACKETS; i++) {
		packets[i].n = sizes[i];
		l.packets[i] = &packets[i];
		l.sealed[i] = text[i];
	}
	lanes_tags(&l);
	for (uint32_t i = 0; i < PACKETS; i++) {
		size_t n = sizes[i], whole = n & ~(size_t)15;
		uint8_t last[16] = { 0 };
		memcpy(last, text[i] + whole, n - whole);
		store_le64(lengths + 8, n);
		poly1305_init(&p, l.poly_keys[i]);
		poly1305_blocks_portable(&p, text[i], whole);
		poly1305_blocks_portable(&p, last, n > whole ? 16 : 0);
		poly1305_blocks_portable(&p, lengths, sizeof lengths);
		poly1305_tag(tag, &p);
		assert_memory_equal(l.tags[i], tag, sizeof tag);
	}
}

/* With r = 1 the accumulator is the sum of the blocks: here 2^130 - 5 + over + i, from two blocks and the lengths. */
static void sums_around_the_modulus(void **state)
{
	uint32_t sizes[PACKETS];

	(void)state;
	if (!HAVE_VECTORS)
		skip();
	for (uint32_t i = 0; i < PACKETS; i++)
		sizes[i] = 32;
	for (int64_t over = -8; over < 8 * PACKETS; over += PACKETS) {
		memset(text, 0, sizeof text);
		for (uint32_t i = 0; i < PACKETS; i++) {
			uint64_t lo = (uint64_t)(over + i) - 5;
			uint64_t hi = (over + i < 5 ? UINT64_MAX : 0) - 32;
			store_le64(text[i], lo);
			store_le64(text[i] + 8, hi);
			memset(l.poly_keys[i], over & 8 ? 0xff : 0, sizeof l.poly_keys[i]);
			memset(l.poly_keys[i], 0, 16);
			l.poly_keys[i][0] = 1;
		}
		check_tags(sizes);
	}
}

/* Keys and texts of ones make limbs largest. Sizes on both sides of the one from which on powers of r are used, equal or not. */
static void largest_limbs(void **state)
{
	struct prng c = { 31 };
	uint32_t sizes[PACKETS];

	(void)state;
	if (!HAVE_VECTORS)
		skip();
	for (uint32_t n = 0; n < 1400; n += n < 800 ? 1 : 13) {
		for (uint32_t i = 0; i < PACKETS; i++)
			sizes[i] = n + i * (n % 3);
		memset(l.poly_keys, 0xff, sizeof l.poly_keys);
		memset(text, 0xff, sizeof text);
		check_tags(sizes);
		prng_bytes(&c, l.poly_keys, sizeof l.poly_keys);
		check_tags(sizes);
	}
}

/* In one lane key and text differ from those of all others, or the text does from some block on. */
static void extremes_in_each_lane(void **state)
{
	static const uint8_t byte[] = { 0xff, 0x00, 0xfb, 0x01 };
	static const uint32_t size[] = { 96, 383, 384, 448, 1420 };
	uint32_t sizes[PACKETS];

	(void)state;
	if (!HAVE_VECTORS)
		skip();
	for (uint32_t k = 0; k < ARRAY_LEN(size) * ARRAY_LEN(byte); k++)
		for (uint32_t lane = 0; lane < PACKETS; lane++) {
			uint8_t all = byte[k % 4], other = byte[(k + 1 + lane % 3) % 4];
			uint32_t n = size[k / 4], from = 16 * (lane % 5);
			for (uint32_t i = 0; i < PACKETS; i++)
				sizes[i] = n;
			memset(l.poly_keys, all, sizeof l.poly_keys);
			memset(text, all, sizeof text);
			memset(l.poly_keys[lane], other, sizeof l.poly_keys[lane]);
			memset(text[lane] + from, other, n - from);
			check_tags(sizes);
			memset(l.poly_keys[lane], 0xff, sizeof l.poly_keys[lane]);
			check_tags(sizes);
		}
}
#endif

int main(void)
{
#ifdef HAVE_VECTORS
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_around_the_modulus),
		cmocka_unit_test(largest_limbs),
		cmocka_unit_test(extremes_in_each_lane),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
#else
	return 0;
#endif
}
