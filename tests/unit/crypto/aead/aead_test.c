/* Runs of packets in every implementation, against the portable AEAD packet by packet: lengths, alignments, bytes that
 * must stay unchanged, and forgeries. */
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include "crypto/aead.h"
#include "crypto/dispatch.h"
#include "../../../lib/guard.h"

enum { PACKETS_MAX = 70, BUFFER_BYTES = 17000, LONG_BYTES = 66000, LONG_PACKETS = 3, MARK = 0xa5 };

struct fixture { /* a run, its plaintexts, the expected ciphertexts, and guarded memory for source and destination */
	struct aead_packet run[PACKETS_MAX];
	uint8_t *plain[PACKETS_MAX], *expected[PACKETS_MAX];
	struct guard from[PACKETS_MAX], to[PACKETS_MAX];
	struct wg_sym key;
	struct prng chance;
};
static struct fixture b;
static const struct aead_impl *impl;

static bool have(uint32_t needs)
{
	return (needs & ~cpu_features()) == 0;
}

/* One packet with the portable primitives. */
static void seal_expected(uint8_t *dst, const uint8_t *src, size_t n, uint64_t counter)
{
	const struct aead_primitives with = { chacha20_xor_portable, poly1305_blocks_portable };
	struct chacha20 s;

	chacha20_init(&s, &b.key, counter);
	aead_seal_with(&with, dst, src, n, NULL, 0, &s);
}

static int setup(void **state)
{
	(void)state;
	b.chance.x = 1;
	for (size_t i = 0; i < PACKETS_MAX; i++) {
		size_t bytes = i < LONG_PACKETS ? LONG_BYTES : BUFFER_BYTES;
		guard_init(&b.from[i], bytes);
		guard_init(&b.to[i], bytes);
		b.plain[i] = malloc(bytes);
		b.expected[i] = malloc(bytes);
		if (!b.plain[i] || !b.expected[i])
			return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < PACKETS_MAX; i++) {
		guard_free(&b.from[i]);
		guard_free(&b.to[i]);
		free(b.plain[i]);
		free(b.expected[i]);
	}
	return 0;
}

static void new_run(size_t packets, const uint32_t *sizes)
{
	prng_bytes(&b.chance, &b.key, sizeof b.key);
	for (size_t i = 0; i < packets; i++) {
		b.run[i] = (struct aead_packet){ .n = sizes[i], .counter = prng_u64(&b.chance) };
		prng_bytes(&b.chance, b.plain[i], sizes[i]);
		seal_expected(b.expected[i], b.plain[i], sizes[i], b.run[i].counter);
	}
}

enum placement { AT_END, AT_START, SHIFTED, IN_PLACE };

/* Places packet i: `from` bytes of text at src, marks all over dst. An access beyond the packet faults if it ends at a
 * guard page; a write elsewhere changes a mark. */
static void lay_out(size_t i, enum placement place, const uint8_t *text, size_t from, size_t to)
{
	struct aead_packet *p = &b.run[i];
	struct guard *src = &b.from[i], *dst = place == IN_PLACE ? src : &b.to[i];
	size_t shift_src = prng_below(&b.chance, 64), shift_dst = prng_below(&b.chance, 64);
	size_t larger = from > to ? from : to;
	uint8_t *s = src->start, *d = dst->start;

	if (place == AT_END) {
		s = src->end - from;
		d = dst->end - to;
	} else if (place == SHIFTED) {
		s += shift_src;
		d += shift_dst;
	} else if (place == IN_PLACE) {
		s = d = src->end - larger;
	}
	memset(dst->start, MARK, (size_t)(dst->end - dst->start));
	memcpy(s, text, from);
	p->src = s;
	p->dst = d;
}

static bool is_marked(const uint8_t *p, const uint8_t *end)
{
	return p == end || (*p == MARK && memcmp(p, p + 1, (size_t)(end - p) - 1) == 0);
}

/* Nothing but dst[0..to) has changed, nor, in place, the rest of a longer source. */
static void check_marks(size_t i, enum placement place, size_t to, const uint8_t *source, size_t from)
{
	struct guard *dst = place == IN_PLACE ? &b.from[i] : &b.to[i];
	const uint8_t *d = b.run[i].dst;
	size_t tail = place == IN_PLACE && from > to ? from : to;

	assert_true(is_marked(dst->start, d));
	assert_true(is_marked(d + tail, dst->end));
	if (tail > to)
		assert_memory_equal(d + to, source + to, tail - to);
}

static void check_run(size_t packets, enum placement place)
{
	for (size_t i = 0; i < packets; i++)
		lay_out(i, place, b.plain[i], b.run[i].n, b.run[i].n + 16);
	impl->seal_run(b.run, packets, &b.key);
	for (size_t i = 0; i < packets; i++) {
		assert_memory_equal(b.run[i].dst, b.expected[i], b.run[i].n + 16);
		check_marks(i, place, b.run[i].n + 16, b.plain[i], b.run[i].n);
		lay_out(i, place, b.expected[i], b.run[i].n + 16, b.run[i].n);
		b.run[i].ok = false;
	}
	impl->open_run(b.run, packets, &b.key);
	for (size_t i = 0; i < packets; i++) {
		assert_true(b.run[i].ok);
		assert_memory_equal(b.run[i].dst, b.plain[i], b.run[i].n);
		check_marks(i, place, b.run[i].n, b.expected[i], b.run[i].n + 16);
	}
}

static void every_length_alone(void **state)
{
	(void)state;
	for (uint32_t n = 0; n <= 2000; n++) {
		new_run(1, &n);
		check_run(1, (enum placement)(n % 4));
		check_run(1, AT_END);
	}
}

static void every_length_in_runs(void **state)
{
	uint32_t sizes[PACKETS_MAX];

	(void)state;
	for (uint32_t n = 0; n <= 2000; n += n < 1100 ? 1 : 7) {
		size_t packets = 2 + n % 19;
		for (size_t i = 0; i < packets; i++)
			sizes[i] = n + (n % 3 == 1 ? (uint32_t)i % 5 : 0);
		new_run(packets, sizes);
		check_run(packets, (enum placement)(n % 4));
	}
}

/* Runs as in the data plane: super-packets with a shorter last one, mixed sizes as of acknowledgements between data, random
 * sizes, and now and then a long packet. */
static void mixed_runs(void **state)
{
	static const uint32_t typical[] = { 0, 16, 32, 64, 80, 96, 576, 1408, 1424, 1456, 1472 };
	uint32_t sizes[PACKETS_MAX];

	(void)state;
	for (int round = 0; round < 240; round++) {
		size_t packets = 1 + prng_below(&b.chance, PACKETS_MAX);
		uint32_t big = typical[prng_below(&b.chance, ARRAY_LEN(typical))];
		for (size_t i = 0; i < packets; i++) {
			if (round % 3 == 0)
				sizes[i] = i + 1 < packets ? big : prng_below(&b.chance, big + 1);
			else if (round % 3 == 1)
				sizes[i] = typical[prng_below(&b.chance, ARRAY_LEN(typical))];
			else
				sizes[i] = prng_below(&b.chance, 2000);
		}
		if (round % 8 == 7)
			sizes[prng_below(&b.chance, (uint32_t)packets)] = BUFFER_BYTES - 200;
		new_run(packets, sizes);
		check_run(packets, (enum placement)(round % 4));
	}
}

static void long_packets(void **state)
{
	static const uint32_t sizes[] = { 16384, 16383, 9000, 8999, 4096, 4095, 1536, 65, 2048 };

	(void)state;
	for (size_t packets = 1; packets <= ARRAY_LEN(sizes); packets++) {
		new_run(packets, sizes);
		for (int place = 0; place < 4; place++)
			check_run(packets, (enum placement)place);
	}
}

/* Packets of more than 64 KiB among short ones. */
static void very_long_packets(void **state)
{
	static const uint32_t sizes[] = { 65537, LONG_BYTES - 200, 65536, 0, 1420, 1, 15999 };

	(void)state;
	_Static_assert(ARRAY_LEN(sizes) > LONG_PACKETS, "the others are shorter");
	new_run(ARRAY_LEN(sizes), sizes);
	check_run(ARRAY_LEN(sizes), AT_END);
	check_run(ARRAY_LEN(sizes), IN_PLACE);
}

/* Flips a bit of the tag or the text of one packet: that packet is refused and zeroed, the others open. */
static void forge(size_t packets, size_t which, size_t bit, enum placement place)
{
	for (size_t i = 0; i < packets; i++) {
		lay_out(i, place, b.expected[i], b.run[i].n + 16, b.run[i].n);
		b.run[i].ok = i == which;
	}
	struct aead_packet *p = &b.run[which];
	size_t at = (size_t)(p->src - b.from[which].start) + bit / 8;
	b.from[which].start[at] ^= (uint8_t)(1 << bit % 8);
	impl->open_run(b.run, packets, &b.key);
	for (size_t i = 0; i < packets; i++) {
		assert_int_equal(b.run[i].ok, i != which);
		if (i == which)
			assert_true(mem_is_zero_ct(p->dst, p->n));
		else
			assert_memory_equal(b.run[i].dst, b.plain[i], b.run[i].n);
		if (i != which)
			check_marks(i, place, b.run[i].n, b.expected[i], b.run[i].n + 16);
	}
}

static void forgeries(void **state)
{
	static const uint32_t size[] = { 0, 1, 15, 16, 64, 100, 333 };

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(size); k++) {
		size_t packets = k % 2 ? 1 : 17, text_bits = 8 * size[k];
		uint32_t sizes[PACKETS_MAX];
		for (size_t i = 0; i < packets; i++)
			sizes[i] = size[k];
		new_run(packets, sizes);
		for (size_t bit = 0; bit < text_bits; bit += 7)
			forge(packets, bit % packets, bit, (enum placement)(bit % 4));
		for (size_t bit = text_bits; bit < text_bits + 128; bit++)
			forge(packets, (bit + 5) % packets, bit, (enum placement)(bit % 4));
	}
}

/* A forgery at each place of a run of packets of equal or mixed sizes. */
static void forgeries_at_each_place(void **state)
{
	static const uint32_t step[] = { 0, 1, 7, 31 };
	uint32_t sizes[PACKETS_MAX];

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(step); k++) {
		for (size_t i = 0; i < PACKETS_MAX; i++)
			sizes[i] = 1420 - step[k] * (uint32_t)(i * 11 % 45);
		new_run(PACKETS_MAX, sizes);
		for (size_t i = 0; i < PACKETS_MAX; i++)
			forge(PACKETS_MAX, i, 8 * sizes[i] + i * 37 % 128, (enum placement)(i % 4));
	}
}

static void counters_and_empty_runs(void **state)
{
	static const uint64_t counters[] = { 0, 1, UINT32_MAX, (uint64_t)UINT32_MAX + 1,
					     UINT64_MAX - 1, UINT64_MAX };
	uint32_t sizes[ARRAY_LEN(counters)] = { 64, 0, 1420, 1420, 70, 16 };

	(void)state;
	impl->seal_run(NULL, 0, &b.key);
	impl->open_run(NULL, 0, &b.key);
	new_run(ARRAY_LEN(counters), sizes);
	for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
		b.run[i].counter = counters[i];
		seal_expected(b.expected[i], b.plain[i], sizes[i], counters[i]);
	}
	check_run(ARRAY_LEN(counters), SHIFTED);
}

/* aead_seal() and aead_open(), with associated data, restricted to the features of the implementation. */
static void single_calls(void **state)
{
	const struct aead_primitives with = { chacha20_xor_portable, poly1305_blocks_portable };
	uint8_t ad[80];
	struct chacha20 s;

	(void)state;
	crypto_restrict(impl->needs);
	for (uint32_t n = 0; n <= 700; n += n < 300 ? 1 : 13) {
		size_t ad_n = n % (sizeof ad + 1);
		new_run(1, &n);
		prng_bytes(&b.chance, ad, sizeof ad);
		chacha20_init(&s, &b.key, 99);
		aead_seal_with(&with, b.expected[0], b.plain[0], n, ad, ad_n, &s);
		lay_out(0, (enum placement)(n % 4), b.plain[0], n, n + 16);
		aead_seal(b.run[0].dst, b.run[0].src, n, ad, ad_n, 99, &b.key);
		assert_memory_equal(b.run[0].dst, b.expected[0], n + 16);
		lay_out(0, (enum placement)(n % 4), b.expected[0], n + 16, n);
		assert_true(aead_open(b.run[0].dst, b.run[0].src, n, ad, ad_n, 99, &b.key));
		assert_memory_equal(b.run[0].dst, b.plain[0], n);
		if (ad_n > 0) {
			ad[n % ad_n] ^= 0x10;
			lay_out(0, (enum placement)(n % 4), b.expected[0], n + 16, n);
			assert_false(aead_open(b.run[0].dst, b.run[0].src, n, ad, ad_n, 99, &b.key));
			assert_true(mem_is_zero_ct(b.run[0].dst, n));
		}
	}
	crypto_restrict(UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length_alone),
		cmocka_unit_test(every_length_in_runs),
		cmocka_unit_test(mixed_runs),
		cmocka_unit_test(long_packets),
		cmocka_unit_test(very_long_packets),
		cmocka_unit_test(forgeries),
		cmocka_unit_test(forgeries_at_each_place),
		cmocka_unit_test(counters_and_empty_runs),
		cmocka_unit_test(single_calls),
	};
	int failed = 0;

	for (impl = crypto_tables.aead;; impl++) {
		if (have(impl->needs)) {
			print_message("aead %s\n", impl->name);
			failed += cmocka_run_group_tests_name(impl->name, tests, setup, teardown);
		} else {
			print_message("skip: aead %s: not on this CPU\n", impl->name);
		}
		if (impl->needs == 0)
			break;
	}
	return failed;
}
