/* The rounds of ChaCha20 in SSSE3 with a Poly1305 between them: the rounds against those without, the Poly1305 against the
 * portable one, under keys, texts and accumulators that strain carries. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "crypto/poly1305.h"
#include "../../../lib/guard.h"
#if CRYPTO_X86
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("ssse3"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("ssse3")
#endif
#include "crypto/chacha20/chacha20_ssse3.h"

static void check(const vec state[16], const struct poly1305 *start, const uint8_t *m, uint32_t chunks)
{
	struct rounds_mac t;
	vec expected_x[16];
	struct poly1305 p = *start, expected = *start;
	uint8_t tag[16], expected_tag[16];

	memcpy(t.x, state, sizeof t.x);
	memcpy(expected_x, state, sizeof expected_x);
	twenty_rounds_mac_ssse3(&t, &p, m, chunks);
	twenty_rounds_ssse3(expected_x);
	assert_memory_equal(t.x, expected_x, sizeof t.x);
	poly1305_blocks_portable(&expected, m, (size_t)chunks * CHACHA_MAC_CHUNK);
	poly1305_tag(tag, &p);
	poly1305_tag(expected_tag, &expected);
	assert_memory_equal(tag, expected_tag, sizeof tag);
	assert_true(p.h[2] < 8);
}

static void rounds_and_mac(void **state)
{
	static const uint8_t fill[] = { 0x00, 0xff, 0xfb };
	struct prng c = { 77 };
	struct poly1305 p;
	struct guard text;
	uint8_t key[32];
	vec x[16];

	(void)state;
	if (!(cpu_features() & CPU_SSSE3))
		skip();
	guard_init(&text, CHACHA_MAC_CHUNKS * CHACHA_MAC_CHUNK);
	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t chunks = i % (CHACHA_MAC_CHUNKS + 1), kind = prng_below(&c, 6);
		size_t n = (size_t)chunks * CHACHA_MAC_CHUNK;
		uint8_t *m = text.end - n;
		prng_bytes(&c, x, sizeof x);
		prng_bytes(&c, key, sizeof key);
		prng_bytes(&c, m, n);
		if (kind < 3)
			memset(m, fill[kind], n);
		if (kind % 2 == 1)
			memset(key, 0xff, 16); /* r at the maximum of the clamp */
		if (kind == 2) {
			memset(key, 0, 16);
			key[0] = (uint8_t)prng_below(&c, 5);
		}
		poly1305_init(&p, key);
		if (i % 3 == 0) { /* the largest accumulator, and those around 2^130 - 5 */
			p.h[0] = UINT64_MAX - prng_below(&c, 10);
			p.h[1] = UINT64_MAX;
			p.h[2] = prng_below(&c, 2) ? 7 : 3;
		}
		check(x, &p, m, chunks);
	}
	guard_free(&text);
}
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

int main(void)
{
#if CRYPTO_X86
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rounds_and_mac),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
#else
	return 0;
#endif
}
