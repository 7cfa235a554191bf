/* ChaCha20 and XChaCha20 prefixes: every implementation against the portable one, over lengths, alignments and block
 * counters that wrap. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "crypto/chacha20.h"
#include "crypto/dispatch.h"
#include "../../../lib/guard.h"

enum { BUFFER_BYTES = 20000, MARK = 0x5a };
static uint8_t plain[BUFFER_BYTES], expected[BUFFER_BYTES];
static struct guard from, to;

static bool have(const char *primitive, const char *name, uint32_t needs)
{
	if ((needs & ~cpu_features()) == 0)
		return true;
	print_message("skip: %s %s: not on this CPU\n", primitive, name);
	return false;
}

/* Encrypts n bytes next to a guard page (shift 0) or unaligned; no other byte may change. */
static void check_stream(const struct chacha20_impl *impl, const struct chacha20 *s, size_t n,
			 size_t shift, bool in_place)
{
	uint8_t *src = shift ? from.start + shift : from.end - n;
	uint8_t *dst = in_place ? src : shift ? to.start + shift / 3 : to.end - n;
	struct guard *g = in_place ? &from : &to;

	chacha20_xor_portable(expected, plain, n, s);
	memset(g->start, MARK, (size_t)(g->end - g->start));
	memcpy(src, plain, n);
	impl->xor(dst, src, n, s);
	assert_int_equal(memcmp(dst, expected, n), 0);
	for (const uint8_t *p = g->start; p < g->end; p++)
		if (p < dst || p >= dst + n)
			assert_int_equal(*p, MARK);
}

static void chacha20_impls_agree(void **state)
{
	static const uint32_t counters[] = { 0, 1, 0xfffffff0, 0xfffffffe, 0xffffffff, 0x7fffffff };
	static const size_t longer[] = { 1536, 2048, 4095, 4096, 4097, 16384 };
	struct prng c = { 3 };
	struct chacha20 s;
	struct wg_sym key;

	(void)state;
	for (const struct chacha20_impl *impl = crypto_tables.chacha20; impl->needs; impl++) {
		if (!have("chacha20", impl->name, impl->needs))
			continue;
		for (size_t i = 0; i < 1300 + ARRAY_LEN(longer); i++) {
			size_t n = i < 1300 ? i : longer[i - 1300];
			prng_bytes(&c, &key, sizeof key);
			prng_bytes(&c, plain, n);
			chacha20_init(&s, &key, prng_u64(&c));
			s.w[13] = (uint32_t)prng_u64(&c);
			s.w[12] = counters[i % ARRAY_LEN(counters)];
			check_stream(impl, &s, n, 0, i % 2);
			check_stream(impl, &s, n, 1 + i % 64, i % 2 == 0);
		}
	}
}

static void xchacha20_impls_agree(void **state)
{
	uint8_t stream[XCHACHA_LANES_MAX + 1][XCHACHA_PREFIX_BYTES], one[1][XCHACHA_PREFIX_BYTES];
	const uint8_t *nonces[XCHACHA_LANES_MAX];
	struct prng c = { 4 };
	struct chacha20 s;
	struct wg_sym key;

	(void)state;
	for (const struct xchacha20_impl *impl = crypto_tables.xchacha20; impl->needs; impl++) {
		if (!have("xchacha20", impl->name, impl->needs))
			continue;
		assert_in_range(impl->lanes, 1, XCHACHA_LANES_MAX);
		for (int round = 0; round < 400; round++) {
			prng_bytes(&c, &key, sizeof key);
			prng_bytes(&c, from.start, (size_t)(from.end - from.start));
			chacha20_init(&s, &key, prng_u64(&c));
			for (size_t i = 0; i < impl->lanes; i++)
				nonces[i] = i % 2 ? from.end - 24 : from.start + prng_below(&c, 4000);
			memset(stream, MARK, sizeof stream);
			impl->prefix(stream, nonces, &s);
			for (size_t i = 0; i < impl->lanes; i++) {
				xchacha20_prefix_portable(one, &nonces[i], &s);
				assert_memory_equal(stream[i], one, sizeof one);
			}
			for (size_t i = 0; i < sizeof stream[0]; i++)
				assert_int_equal(stream[impl->lanes][i], MARK);
		}
	}
}

static int setup(void **state)
{
	(void)state;
	guard_init(&from, BUFFER_BYTES);
	guard_init(&to, BUFFER_BYTES);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	guard_free(&from);
	guard_free(&to);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chacha20_impls_agree),
		cmocka_unit_test(xchacha20_impls_agree),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
