/* BLAKE2s: every implementation against the portable one, MACs of many messages against single ones, and messages
 * hashed in several updates. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "crypto/blake2s.h"
#include "crypto/dispatch.h"
#include "../../../lib/guard.h"

enum { BUFFER_BYTES = 20000, MARK = 0x5a };
static uint8_t plain[BUFFER_BYTES];
static struct guard from;

static bool have(const char *primitive, const char *name, uint32_t needs)
{
	if ((needs & ~cpu_features()) == 0)
		return true;
	print_message("skip: %s %s: not on this CPU\n", primitive, name);
	return false;
}

static void blake2s_impls_agree(void **state)
{
	struct prng c = { 9 };
	uint32_t a[8], b[8];

	(void)state;
	for (const struct blake2s_impl *impl = crypto_tables.blake2s; impl->needs; impl++) {
		if (!have("blake2s", impl->name, impl->needs))
			continue;
		for (size_t i = 0; i < 4000; i++) {
			size_t blocks = 1 + i % 5, n = blocks * BLAKE2S_BLOCK_BYTES;
			uint8_t *m = i % 2 ? from.end - n : from.start + i % 61;
			uint64_t count = i % 7 ? prng_u64(&c) >> 2 : UINT32_MAX - 63;
			prng_bytes(&c, a, sizeof a);
			prng_bytes(&c, m, n);
			memcpy(b, a, sizeof b);
			impl->compress(a, m, blocks, count, i % 3 == 0 && blocks == 1);
			blake2s_compress_portable(b, m, blocks, count, i % 3 == 0 && blocks == 1);
			assert_memory_equal(a, b, sizeof a);
		}
	}
}

/* n_lanes messages of n bytes or a random size. Those that end at the guard page fault if an implementation reads beyond
 * them. */
static void check_lanes(const struct blake2s_lanes_impl *impl, struct prng *c, size_t n_lanes, uint32_t n)
{
	struct blake2s_lane lanes[BLAKE2S_LANES_MAX + 1], expected[BLAKE2S_LANES_MAX];
	uint32_t state[BLAKE2S_LANES_MAX][8];

	prng_bytes(c, from.start, (size_t)(from.end - from.start));
	prng_bytes(c, state, sizeof state);
	memset(lanes, MARK, sizeof lanes);
	for (size_t i = 0; i < n_lanes; i++) {
		uint32_t size = prng_below(c, 4) ? n : 1 + prng_below(c, 300);
		bool last = size % BLAKE2S_BLOCK_BYTES != 0 || prng_below(c, 2);
		size_t shift = prng_below(c, 4096);
		lanes[i] = (struct blake2s_lane){
			.h = state[i], .p = i % 2 ? from.end - size : from.start + shift, .n = size,
			.before = prng_below(c, 3) * BLAKE2S_BLOCK_BYTES, .last = last };
		expected[i] = lanes[i];
	}
	impl->run(lanes, n_lanes);
	blake2s_lanes_portable(expected, n_lanes);
	for (size_t i = 0; i < n_lanes; i++)
		assert_memory_equal(lanes[i].out, expected[i].out, sizeof lanes[i].out);
	for (size_t i = 0; i < sizeof lanes[0]; i++)
		assert_int_equal(((const uint8_t *)&lanes[n_lanes])[i], MARK);
}

static void blake2s_lanes_agree(void **state)
{
	struct prng c = { 21 };

	(void)state;
	for (const struct blake2s_lanes_impl *impl = crypto_tables.blake2s_lanes; impl->needs; impl++) {
		if (!have("blake2s-lanes", impl->name, impl->needs))
			continue;
		assert_in_range(impl->lanes, 1, BLAKE2S_LANES_MAX);
		for (uint32_t n = 1; n <= 400; n++) {
			check_lanes(impl, &c, 1 + n % impl->lanes, n);
			check_lanes(impl, &c, impl->lanes, n);
		}
	}
}

/* mac_keys() and mac16_many() with any number of jobs of any lengths, each with its own key, in every implementation. */
static void macs_of_many_messages(void **state)
{
	struct mac_job jobs[45];
	struct mac_key keys[ARRAY_LEN(jobs)];
	const void *key_p[ARRAY_LEN(jobs)];
	struct prng c = { 23 };
	uint8_t mac[MAC_BYTES];

	(void)state;
	for (const struct blake2s_lanes_impl *impl = crypto_tables.blake2s_lanes;; impl++) {
		if (!have("blake2s-lanes", impl->name, impl->needs))
			continue;
		crypto_restrict(impl->needs);
		assert_string_equal(crypto_impl_name("blake2s-lanes"), impl->name);
		for (size_t n = 0; n <= ARRAY_LEN(jobs); n++) {
			size_t key_n = 1 + n % 32;
			prng_bytes(&c, plain, 8000);
			for (size_t i = 0; i < n; i++) {
				key_p[i] = plain + prng_below(&c, 7000);
				jobs[i] = (struct mac_job){ .key = &keys[i],
							    .p = plain + prng_below(&c, 7000),
							    .n = 1 + prng_below(&c, n % 2 ? 200 : 1) };
			}
			mac_keys(keys, key_p, key_n, n);
			mac16_many(jobs, n);
			for (size_t i = 0; i < n; i++) {
				mac16_2(mac, key_p[i], key_n, jobs[i].p, jobs[i].n, NULL, 0);
				assert_memory_equal(jobs[i].out, mac, sizeof mac);
			}
		}
		if (impl->needs == 0)
			break;
	}
	crypto_restrict(UINT32_MAX);
}

/* The digest does not depend on how a message is divided into updates. */
static void any_split_into_updates(void **state)
{
	struct prng c = { 13 };
	struct blake2s s;
	uint8_t whole[32], parts[32];

	(void)state;
	prng_bytes(&c, plain, 700);
	for (size_t n = 0; n <= 400; n++) {
		blake2s_init(&s, 32, plain + 500, n % 33);
		blake2s_update(&s, plain, n);
		blake2s_final(&s, whole);
		blake2s_init(&s, 32, plain + 500, n % 33);
		for (size_t at = 0, k; at < n; at += k) {
			k = prng_below(&c, 150);
			k = k < n - at ? k : n - at;
			blake2s_update(&s, plain + at, k);
		}
		blake2s_final(&s, parts);
		assert_memory_equal(whole, parts, sizeof whole);
		assert_true(mem_is_zero_ct(&s, sizeof s));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blake2s_impls_agree),
		cmocka_unit_test(blake2s_lanes_agree),
		cmocka_unit_test(macs_of_many_messages),
		cmocka_unit_test(any_split_into_updates),
	};
	int failed;

	guard_init(&from, BUFFER_BYTES);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	guard_free(&from);
	return failed;
}
