/* ChaCha20, Poly1305 and BLAKE2s: every row against the portable one, over lengths, places,
 * alignments and values that strain carries; and the portable ones against their 32-bit twins. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "crypto/impl.h"
#include "crypto/poly1305/poly1305_limbs.h"
#include "crypto/x25519/fe25.h"
#include "crypto/x25519/x25519_single.inc"
#include "../../lib/guard.h"

enum { ROOM = 20000, MARK = 0x5a };
static uint8_t plain[ROOM], right[ROOM];
static struct guard from, to;

static bool have(const char *primitive, const char *name, uint32_t needs)
{
	if ((needs & ~cpu_features()) == 0)
		return true;
	print_message("skip: %s %s: not on this CPU\n", primitive, name);
	return false;
}

static void check_stream(const struct chacha20_impl *row, const struct chacha20 *s, size_t n,
			 size_t shift, bool in_place)
{
	uint8_t *src = shift ? from.start + shift : from.end - n;
	uint8_t *dst = in_place ? src : shift ? to.start + shift / 3 : to.end - n;
	struct guard *g = in_place ? &from : &to;

	chacha20_xor_portable(right, plain, n, s);
	memset(g->start, MARK, (size_t)(g->end - g->start));
	memcpy(src, plain, n);
	row->xor(dst, src, n, s);
	assert_int_equal(memcmp(dst, right, n), 0);
	for (const uint8_t *p = g->start; p < g->end; p++)
		if (p < dst || p >= dst + n)
			assert_int_equal(*p, MARK);
}

static void chacha20_rows_agree(void **state)
{
	static const uint32_t counters[] = { 0, 1, 0xfffffff0, 0xfffffffe, 0xffffffff, 0x7fffffff };
	static const size_t longer[] = { 1536, 2048, 4095, 4096, 4097, 16384 };
	struct chance c = { 3 };
	struct chacha20 s;
	struct wg_sym key;

	(void)state;
	for (const struct chacha20_impl *row = crypto_tables.chacha20; row->needs; row++) {
		if (!have("chacha20", row->name, row->needs))
			continue;
		for (size_t i = 0; i < 1300 + ARRAY_LEN(longer); i++) {
			size_t n = i < 1300 ? i : longer[i - 1300];
			chance_bytes(&c, &key, sizeof key);
			chance_bytes(&c, plain, n);
			chacha20_init(&s, &key, chance_u64(&c));
			s.w[13] = (uint32_t)chance_u64(&c);
			s.w[12] = counters[i % ARRAY_LEN(counters)];
			check_stream(row, &s, n, 0, i % 2);
			check_stream(row, &s, n, 1 + i % 64, i % 2 == 0);
		}
	}
}

static void xchacha20_rows_agree(void **state)
{
	uint8_t stream[XCHACHA_LANES_MAX + 1][XCHACHA_START_BYTES], one[1][XCHACHA_START_BYTES];
	const uint8_t *nonces[XCHACHA_LANES_MAX];
	struct chance c = { 4 };
	struct chacha20 s;
	struct wg_sym key;

	(void)state;
	for (const struct xchacha20_impl *row = crypto_tables.xchacha20; row->needs; row++) {
		if (!have("xchacha20", row->name, row->needs))
			continue;
		assert_in_range(row->lanes, 1, XCHACHA_LANES_MAX);
		for (int round = 0; round < 400; round++) {
			chance_bytes(&c, &key, sizeof key);
			chance_bytes(&c, from.start, (size_t)(from.end - from.start));
			chacha20_init(&s, &key, chance_u64(&c));
			for (size_t i = 0; i < row->lanes; i++)
				nonces[i] = i % 2 ? from.end - 24 : from.start + chance_below(&c, 4000);
			memset(stream, MARK, sizeof stream);
			row->starts(stream, nonces, &s);
			for (size_t i = 0; i < row->lanes; i++) {
				xchacha20_starts_portable(one, &nonces[i], &s);
				assert_memory_equal(stream[i], one, sizeof one);
			}
			for (size_t i = 0; i < sizeof stream[0]; i++)
				assert_int_equal(stream[row->lanes][i], MARK);
		}
	}
}

/* The door: any number of short texts through every row, each as xaead_seal() seals it. */
static void check_xaead_jobs(struct chance *c, size_t n, uint32_t text_n, uint32_t ad_n)
{
	struct xaead_job jobs[45];
	uint8_t one[64 + 16];
	struct wg_sym key;

	chance_bytes(c, &key, sizeof key);
	chance_bytes(c, plain, 4000);
	memset(to.start, MARK, (size_t)(to.end - to.start));
	for (size_t i = 0; i < n; i++) {
		jobs[i] = (struct xaead_job){
			.dst = i == 0 ? to.end - text_n - 16 : to.start + i * 100,
			.src = plain + chance_below(c, 3900), .n = text_n,
			.ad = plain + chance_below(c, 3900), .ad_n = ad_n,
			.nonce = plain + chance_below(c, 3900) };
		if (i % 3 == 1) { /* in place */
			memcpy(jobs[i].dst, jobs[i].src, text_n);
			jobs[i].src = jobs[i].dst;
		}
		xaead_seal(right + i * 100, jobs[i].src, text_n, jobs[i].ad, ad_n, jobs[i].nonce, &key);
	}
	xaead_seal_many(jobs, n, &key);
	for (size_t i = 0; i < n; i++) {
		assert_memory_equal(jobs[i].dst, right + i * 100, text_n + 16);
		if (i > 0)
			assert_int_equal(jobs[i].dst[text_n + 16], MARK);
		if (i % 7 == 0)
			assert_true(xaead_open(one, jobs[i].dst, text_n, jobs[i].ad, ad_n, jobs[i].nonce,
					       &key));
	}
}

static void short_texts_of_many(void **state)
{
	struct chance c = { 6 };

	(void)state;
	for (const struct xchacha20_impl *row = crypto_tables.xchacha20;; row++) {
		if (!have("xchacha20", row->name, row->needs))
			continue;
		crypto_restrict(row->needs);
		assert_string_equal(crypto_impl_name("xchacha20"), row->name);
		for (size_t n = 0; n <= 45; n++)
			check_xaead_jobs(&c, n, 16, 16);
		for (uint32_t n = 0; n <= 64; n++)
			check_xaead_jobs(&c, 19, n, chance_below(&c, 65));
		if (row->needs == 0)
			break;
	}
	crypto_restrict(UINT32_MAX);
}

/* Keys and texts of zeros, ones and random bytes: sums that carry all the way and ends near p. */
static void poly1305_input(struct chance *c, struct poly1305 *p, uint8_t *m, size_t n)
{
	uint8_t key[32];
	uint32_t kind = chance_below(c, 6);

	chance_bytes(c, key, sizeof key);
	if (kind == 0)
		memset(key, 0xff, 16);
	if (kind == 1) {
		memset(key, 0, 16);
		key[0] = (uint8_t)chance_below(c, 5);
	}
	chance_bytes(c, m, n);
	for (size_t i = 0; i < n; i += 16)
		if (kind < 3 && chance_below(c, 2))
			memset(m + i, chance_below(c, 4) ? 0xff : 0xfb, n - i < 16 ? n - i : 16);
	poly1305_init(p, key);
	if (kind == 3) { /* in the middle of a message */
		p->h[0] = UINT64_MAX;
		p->h[1] = UINT64_MAX;
		p->h[2] = chance_below(c, 8);
	}
}

static void poly1305_check(const struct poly1305_impl *row, struct chance *c, size_t n)
{
	struct poly1305 a, b;
	uint8_t *m = from.end - n, tag_a[16], tag_b[16];

	poly1305_input(c, &a, m, n);
	b = a;
	row->blocks(&a, m, n);
	poly1305_blocks_portable(&b, m, n);
	poly1305_tag(tag_a, &a);
	poly1305_tag(tag_b, &b);
	assert_memory_equal(tag_a, tag_b, sizeof tag_a);
	assert_true(a.h[2] < 8);
}

static void limbs_blocks_whole(struct poly1305 *p, const uint8_t *m, size_t n)
{
	limbs_blocks(p, m, n, 1);
}

static void poly1305_rows_agree(void **state)
{
	static const struct poly1305_impl limbs = { "26-bit limbs", 0, limbs_blocks_whole };
	const struct poly1305_impl *row = crypto_tables.poly1305;
	struct chance c = { 5 };
	bool last;

	(void)state;
	do {
		last = row->needs == 0;
		if (last) /* the portable row meets its twin for small machines */
			row = &limbs;
		if (have("poly1305", row->name, row->needs))
			for (size_t i = 0; i < 30000; i++)
				poly1305_check(row, &c, i % 90 * 16);
		row++;
	} while (!last);
}

static void blake2s_rows_agree(void **state)
{
	struct chance c = { 9 };
	uint32_t a[8], b[8];

	(void)state;
	for (const struct blake2s_impl *row = crypto_tables.blake2s; row->needs; row++) {
		if (!have("blake2s", row->name, row->needs))
			continue;
		for (size_t i = 0; i < 4000; i++) {
			size_t blocks = 1 + i % 5, n = blocks * BLAKE2S_BLOCK_BYTES;
			uint8_t *m = i % 2 ? from.end - n : from.start + i % 61;
			uint64_t count = i % 7 ? chance_u64(&c) >> 2 : UINT32_MAX - 63;
			chance_bytes(&c, a, sizeof a);
			chance_bytes(&c, m, n);
			memcpy(b, a, sizeof b);
			row->compress(a, m, blocks, count, i % 3 == 0 && blocks == 1);
			blake2s_compress_portable(b, m, blocks, count, i % 3 == 0 && blocks == 1);
			assert_memory_equal(a, b, sizeof a);
		}
	}
}

/* `lanes` messages of sizes around n, each at a place of its own: those at an end of the guard fault
 * when a row reads too far. */
static void check_lanes(const struct blake2s_lanes_impl *row, struct chance *c, size_t n_lanes, uint32_t n)
{
	struct blake2s_lane lanes[BLAKE2S_LANES_MAX + 1], right_lanes[BLAKE2S_LANES_MAX];
	uint32_t state[BLAKE2S_LANES_MAX][8];

	chance_bytes(c, from.start, (size_t)(from.end - from.start));
	chance_bytes(c, state, sizeof state);
	memset(lanes, MARK, sizeof lanes);
	for (size_t i = 0; i < n_lanes; i++) {
		uint32_t size = chance_below(c, 4) ? n : 1 + chance_below(c, 300);
		bool last = size % BLAKE2S_BLOCK_BYTES != 0 || chance_below(c, 2);
		size_t shift = chance_below(c, 4096);
		lanes[i] = (struct blake2s_lane){
			.h = state[i], .p = i % 2 ? from.end - size : from.start + shift, .n = size,
			.before = chance_below(c, 3) * BLAKE2S_BLOCK_BYTES, .last = last };
		right_lanes[i] = lanes[i];
	}
	row->run(lanes, n_lanes);
	blake2s_lanes_portable(right_lanes, n_lanes);
	for (size_t i = 0; i < n_lanes; i++)
		assert_memory_equal(lanes[i].out, right_lanes[i].out, sizeof lanes[i].out);
	for (size_t i = 0; i < sizeof lanes[0]; i++)
		assert_int_equal(((const uint8_t *)&lanes[n_lanes])[i], MARK);
}

static void blake2s_lanes_agree(void **state)
{
	struct chance c = { 21 };

	(void)state;
	for (const struct blake2s_lanes_impl *row = crypto_tables.blake2s_lanes; row->needs; row++) {
		if (!have("blake2s-lanes", row->name, row->needs))
			continue;
		assert_in_range(row->lanes, 1, BLAKE2S_LANES_MAX);
		for (uint32_t n = 1; n <= 400; n++) {
			check_lanes(row, &c, 1 + n % row->lanes, n);
			check_lanes(row, &c, row->lanes, n);
		}
	}
}

/* The door: any number of jobs of any lengths, each with its key, through every row. */
static void macs_of_many(void **state)
{
	struct mac_job jobs[45];
	struct mac_key keys[ARRAY_LEN(jobs)];
	const void *key_p[ARRAY_LEN(jobs)];
	struct chance c = { 23 };
	uint8_t mac[MAC_BYTES];

	(void)state;
	for (const struct blake2s_lanes_impl *row = crypto_tables.blake2s_lanes;; row++) {
		if (!have("blake2s-lanes", row->name, row->needs))
			continue;
		crypto_restrict(row->needs);
		assert_string_equal(crypto_impl_name("blake2s-lanes"), row->name);
		for (size_t n = 0; n <= ARRAY_LEN(jobs); n++) {
			size_t key_n = 1 + n % 32;
			chance_bytes(&c, plain, 8000);
			for (size_t i = 0; i < n; i++) {
				key_p[i] = plain + chance_below(&c, 7000);
				jobs[i] = (struct mac_job){ .key = &keys[i],
							    .p = plain + chance_below(&c, 7000),
							    .n = 1 + chance_below(&c, n % 2 ? 200 : 1) };
			}
			mac_keys(keys, key_p, key_n, n);
			mac16_many(jobs, n);
			for (size_t i = 0; i < n; i++) {
				mac16_2(mac, key_p[i], key_n, jobs[i].p, jobs[i].n, NULL, 0);
				assert_memory_equal(jobs[i].out, mac, sizeof mac);
			}
		}
		if (row->needs == 0)
			break;
	}
	crypto_restrict(UINT32_MAX);
}

/* However a message is cut into updates, the digest is the same. */
static void blake2s_splits(void **state)
{
	struct chance c = { 13 };
	struct blake2s s;
	uint8_t whole[32], parts[32];

	(void)state;
	chance_bytes(&c, plain, 700);
	for (size_t n = 0; n <= 400; n++) {
		blake2s_init(&s, 32, plain + 500, n % 33);
		blake2s_update(&s, plain, n);
		blake2s_final(&s, whole);
		blake2s_init(&s, 32, plain + 500, n % 33);
		for (size_t at = 0, k; at < n; at += k) {
			k = chance_below(&c, 150);
			k = k < n - at ? k : n - at;
			blake2s_update(&s, plain + at, k);
		}
		blake2s_final(&s, parts);
		assert_memory_equal(whole, parts, sizeof whole);
		assert_true(mem_is_zero_ct(&s, sizeof s));
	}
}

/* The ladder over fe25.h, included here, against the row that the compiler chose. */
static void field_of_small_machines(void **state)
{
	struct chance c = { 17 };
	uint8_t k[32], u[32], a[32], b[32];

	(void)state;
	for (int i = 0; i < 500; i++) {
		chance_bytes(&c, k, sizeof k);
		chance_bytes(&c, u, sizeof u);
		if (i % 5 == 0)
			memset(u + 1, 0xff, 31);
		if (i % 5 == 1)
			memset(u + 1, 0, 31);
		ladder(a, k, u);
		x25519_mul_portable(b, k, u);
		assert_memory_equal(a, b, sizeof a);
	}
}

static int setup(void **state)
{
	(void)state;
	guard_init(&from, ROOM);
	guard_init(&to, ROOM);
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
		cmocka_unit_test(chacha20_rows_agree),
		cmocka_unit_test(xchacha20_rows_agree),
		cmocka_unit_test(short_texts_of_many),
		cmocka_unit_test(poly1305_rows_agree),
		cmocka_unit_test(blake2s_rows_agree),
		cmocka_unit_test(blake2s_lanes_agree),
		cmocka_unit_test(macs_of_many),
		cmocka_unit_test(blake2s_splits),
		cmocka_unit_test(field_of_small_machines),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
