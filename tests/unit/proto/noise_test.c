/* The handshake: test vectors (tests/vectors/handshake.txt) byte for byte, and every way to fail. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "proto/cookie.h"
#include "proto/noise.h"
#include "../../lib/vectors.h"

struct named {
	char name[48];
	uint8_t b[160];
};

static struct named vectors[32];
static size_t n_vectors;

static void line(const struct vector *v, void *ctx)
{
	struct named *x = &vectors[n_vectors++];

	(void)ctx;
	assert_true(n_vectors <= ARRAY_LEN(vectors) && strlen(v->field[0]) < sizeof x->name);
	strcpy(x->name, v->field[0]);
	vector_bytes(v, 1, x->b, sizeof x->b);
}

static int load_vectors(void **state)
{
	(void)state;
	return vectors_each("handshake.txt", 2, line, NULL) >= 26 ? 0 : -1;
}

/* The value of a name in tests/vectors/handshake.txt. */
static const uint8_t *vec(const char *name)
{
	for (size_t i = 0; i < n_vectors; i++)
		if (strcmp(vectors[i].name, name) == 0)
			return vectors[i].b;
	fail_msg("no vector %s", name);
	return NULL;
}

static struct wg_private private_vec(const char *name)
{
	struct wg_private key;

	memcpy(key.b, vec(name), sizeof key.b);
	return key;
}

struct world { /* both ends, with the keys of the vectors */
	struct noise_identity i, r;
	struct wg_shared ss;
	struct wg_psk psk;
	struct wg_private ei, er;
	struct x25519_job jobs[NOISE_RESPOND_JOBS];
	struct noise_pending pending;
	struct noise_opened opened;
	struct noise_accepted accepted;
	struct wg_keypair ki, kr;
	struct msg_initiation m1;
	struct msg_response m2;
};

static const uint8_t never[TAI64N_BYTES];

static void world_init(struct world *w)
{
	struct wg_private key = private_vec("initiator_static_private");

	noise_identity_init(&w->i, &key);
	key = private_vec("responder_static_private");
	noise_identity_init(&w->r, &key);
	assert_true(x25519(&w->ss, &w->i.key, &w->r.pub));
	memcpy(w->psk.b, vec("preshared_key"), sizeof w->psk.b);
	w->ei = private_vec("initiator_ephemeral_private");
	w->er = private_vec("responder_ephemeral_private");
}

static void initiate(struct world *w)
{
	struct noise_initiate_in in = {
		.self = &w->i, .peer = &w->r.pub, .ss = &w->ss, .timestamp = vec("timestamp"),
		.index = 0x01020304, .jobs = w->jobs,
	};

	noise_initiate_jobs(w->jobs, &w->ei, &w->r.pub);
	x25519_batch(w->jobs, NOISE_INITIATE_JOBS);
	assert_true(noise_initiate(&w->pending, &w->m1, &in));
}

static bool open_m1(struct world *w)
{
	noise_open_job(w->jobs, &w->r, &w->m1);
	x25519_batch(w->jobs, 1);
	return noise_open(&w->opened, &w->r, &w->m1, w->jobs);
}

static void answer(struct world *w)
{
	noise_respond_jobs(w->jobs, &w->er, &w->accepted);
	x25519_batch(w->jobs, NOISE_RESPOND_JOBS);
	assert_true(noise_respond(&w->kr, &w->m2, &w->accepted, &w->psk, 0x0a0b0c0d, w->jobs));
}

static bool finish(struct world *w)
{
	noise_finish_jobs(w->jobs, &w->pending, &w->i, &w->m2);
	x25519_batch(w->jobs, NOISE_FINISH_JOBS);
	return noise_finish(&w->ki, &w->pending, &w->m2, &w->psk, w->jobs);
}

static void to_m2(struct world *w)
{
	world_init(w);
	initiate(w);
	assert_true(open_m1(w));
	assert_int_equal(noise_accept(&w->accepted, &w->opened, &w->ss, never), NOISE_OK);
	answer(w);
}

static void test_initial_hashes_match_the_strings(void **state)
{
	static const char construction[] = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
	static const char identifier[] = "WireGuard v1 zx2c4 Jason@zx2c4.com";
	struct noise_identity id;
	struct wg_private key = private_vec("responder_static_private");
	struct wg_hash c0, h0, want;

	(void)state;
	hash2(&c0, construction, 37, NULL, 0);
	assert_memory_equal(c0.b, vec("initial_chaining_key"), 32);
	hash2(&h0, c0.b, 32, identifier, 34);
	assert_memory_equal(h0.b, vec("initial_hash"), 32);
	noise_identity_init(&id, &key);
	hash2(&want, h0.b, 32, id.pub.b, 32);
	assert_memory_equal(id.hash.b, want.b, 32);
	assert_memory_equal(id.pub.b, vec("responder_static_public"), 32);
}

static void test_vectors_byte_for_byte(void **state)
{
	struct cookie_maker maker = { 0 };
	struct world w;

	(void)state;
	world_init(&w);
	assert_memory_equal(w.i.pub.b, vec("initiator_static_public"), 32);
	initiate(&w);
	cookie_add_macs(&maker, 0, (uint8_t *)&w.m1, sizeof w.m1, &w.r.pub);
	assert_memory_equal(&w.m1, vec("initiation"), sizeof w.m1);
	assert_memory_equal(w.pending.ck.b, vec("chaining_key_after_initiation"), 32);
	assert_memory_equal(w.pending.h.b, vec("hash_after_initiation"), 32);

	assert_true(open_m1(&w));
	assert_memory_equal(w.opened.peer.b, w.i.pub.b, 32);
	assert_int_equal(noise_accept(&w.accepted, &w.opened, &w.ss, never), NOISE_OK);
	assert_memory_equal(w.accepted.ck.b, w.pending.ck.b, 32);
	assert_memory_equal(w.accepted.h.b, w.pending.h.b, 32);
	assert_memory_equal(w.accepted.timestamp, vec("timestamp"), TAI64N_BYTES);

	answer(&w);
	memset(&maker, 0, sizeof maker);
	cookie_add_macs(&maker, 0, (uint8_t *)&w.m2, sizeof w.m2, &w.i.pub);
	assert_memory_equal(&w.m2, vec("response"), sizeof w.m2);
	assert_memory_equal(w.kr.rx.b, vec("key_initiator_to_responder"), 32);
	assert_memory_equal(w.kr.tx.b, vec("key_responder_to_initiator"), 32);

	assert_true(finish(&w));
	assert_memory_equal(w.ki.tx.b, w.kr.rx.b, 32);
	assert_memory_equal(w.ki.rx.b, w.kr.tx.b, 32);
	assert_true(w.ki.initiator && !w.kr.initiator);
	assert_int_equal(w.ki.local, 0x01020304);
	assert_int_equal(w.ki.remote, 0x0a0b0c0d);
	assert_int_equal(w.kr.local, 0x0a0b0c0d);
	assert_int_equal(w.kr.remote, 0x01020304);
}

static void test_cookie_vectors(void **state)
{
	struct cookie_checker checker = { 0 };
	struct cookie_maker maker = { 0 };
	struct wg_public r;
	struct msg_cookie reply;
	struct ip_endpoint from = { .port = 51820 };
	uint8_t m1[MSG_INITIATION_BYTES], nonce[XAEAD_NONCE_BYTES];
	struct mac_check c = { .msg = m1, .n = sizeof m1, .from = &from };

	(void)state;
	from.addr = ip_v4((const uint8_t[4]){ 192, 0, 2, 1 });
	memcpy(r.b, vec("responder_static_public"), sizeof r.b);
	memcpy(m1, vec("initiation"), sizeof m1);
	cookie_checker_set_key(&checker, &r);
	cookie_secret_set(&checker, 0, vec("cookie_secret"));
	cookie_add_macs(&maker, 0, m1, sizeof m1, &r);
	assert_memory_equal(m1, vec("initiation"), sizeof m1);
	cookie_check_mac2(&checker, &c, 1);
	assert_false(c.ok);
	memcpy(nonce, vec("cookie_nonce"), sizeof nonce);
	cookie_make_replies(&checker, &reply, &c, 1, &nonce);
	assert_memory_equal(&reply, vec("cookie_reply"), sizeof reply);
	assert_true(cookie_consume_reply(&maker, 0, &reply, &r));
	assert_memory_equal(maker.cookie, vec("cookie"), COOKIE_BYTES);
	cookie_add_macs(&maker, 0, m1, sizeof m1, &r);
	assert_memory_equal(m1, vec("initiation_with_mac2"), sizeof m1);
	cookie_check_mac2(&checker, &c, 1);
	assert_true(c.ok);
}

/* All bytes that the handshake authenticates; cookie_test checks the MACs. */
static void test_flipped_bytes_of_message_1_fail(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	initiate(&w);
	for (size_t i = offsetof(struct msg_initiation, ephemeral);
	     i < offsetof(struct msg_initiation, mac1); i++) {
		enum noise_verdict verdict = NOISE_BAD;

		((uint8_t *)&w.m1)[i] ^= 1;
		if (open_m1(&w))
			verdict = noise_accept(&w.accepted, &w.opened, &w.ss, never);
		assert_int_equal(verdict, NOISE_BAD);
		assert_true(mem_is_zero_ct(w.accepted.ck.b, 32) || i < 88);
		((uint8_t *)&w.m1)[i] ^= 1;
	}
	assert_true(open_m1(&w));
}

static void test_flipped_bytes_of_message_2_fail_and_leave_the_handshake_pending(void **state)
{
	struct noise_pending before;
	struct world w;

	(void)state;
	to_m2(&w);
	before = w.pending;
	for (size_t i = offsetof(struct msg_response, ephemeral);
	     i < offsetof(struct msg_response, mac1); i++) {
		((uint8_t *)&w.m2)[i] ^= 0x80;
		if (i == offsetof(struct msg_response, ephemeral) + 31)
			/* X25519 ignores bit 255, so another bit must differ, too */
			((uint8_t *)&w.m2)[i] ^= 0xc0;
		assert_false(finish(&w));
		assert_memory_equal(&before, &w.pending, sizeof before);
		((uint8_t *)&w.m2)[i] ^= 0x80;
		if (i == offsetof(struct msg_response, ephemeral) + 31)
			((uint8_t *)&w.m2)[i] ^= 0xc0;
	}
	assert_true(finish(&w));
}

static void test_wrong_psk_fails(void **state)
{
	static const struct wg_psk none;
	struct world w;

	(void)state;
	to_m2(&w);
	noise_finish_jobs(w.jobs, &w.pending, &w.i, &w.m2);
	x25519_batch(w.jobs, NOISE_FINISH_JOBS);
	assert_false(noise_finish(&w.ki, &w.pending, &w.m2, &none, w.jobs));
	assert_true(noise_finish(&w.ki, &w.pending, &w.m2, &w.psk, w.jobs));
}

static void test_timestamp_must_be_greater(void **state)
{
	uint8_t latest[TAI64N_BYTES];
	struct world w;

	(void)state;
	world_init(&w);
	initiate(&w);
	assert_true(open_m1(&w));
	memcpy(latest, vec("timestamp"), sizeof latest);
	assert_int_equal(noise_accept(&w.accepted, &w.opened, &w.ss, latest), NOISE_REPLAY);
	latest[11]++;
	assert_int_equal(noise_accept(&w.accepted, &w.opened, &w.ss, latest), NOISE_REPLAY);
	memcpy(latest, vec("timestamp"), sizeof latest);
	latest[8]--;
	assert_int_equal(noise_accept(&w.accepted, &w.opened, &w.ss, latest), NOISE_OK);
}

static void test_low_order_keys_are_refused(void **state)
{
	static const struct msg_initiation zeros;
	struct world w;
	struct noise_initiate_in in;

	(void)state;
	world_init(&w);
	in = (struct noise_initiate_in){ &w.i, &w.r.pub, &w.ss, vec("timestamp"), 1, w.jobs };
	memset(&w.r.pub, 0, sizeof w.r.pub); /* a point of order 1 */
	noise_initiate_jobs(w.jobs, &w.ei, &w.r.pub);
	x25519_batch(w.jobs, NOISE_INITIATE_JOBS);
	assert_false(noise_initiate(&w.pending, &w.m1, &in));
	assert_memory_equal(&w.m1, &zeros, sizeof zeros);
	assert_true(mem_is_zero_ct(&w.pending, sizeof w.pending));
	/* and if only the static-static result is zero */
	world_init(&w);
	memset(&w.ss, 0, sizeof w.ss);
	noise_initiate_jobs(w.jobs, &w.ei, &w.r.pub);
	x25519_batch(w.jobs, NOISE_INITIATE_JOBS);
	assert_false(noise_initiate(&w.pending, &w.m1, &in));
}

static void test_timestamp_rounding(void **state)
{
	uint8_t a[TAI64N_BYTES], b[TAI64N_BYTES];

	(void)state;
	tai64n_from_unix(a, 1700000000, 123456789);
	assert_memory_equal(a, vec("timestamp"), TAI64N_BYTES);
	for (uint32_t ns = 0; ns < 1000000000 - 30000000; ns += 7777777) {
		tai64n_from_unix(a, 1, ns);
		assert_int_equal(load_be32(a + 8) & 0xffffff, 0);
		tai64n_from_unix(b, 1, ns + 20000000);
		assert_true(memcmp(b, a, sizeof a) > 0);
	}
	tai64n_from_unix(a, 1, 16777216 * 5);
	tai64n_from_unix(b, 1, 16777216 * 5 + 10000000);
	assert_memory_equal(a, b, sizeof a);
	for (int i = 0; i < 200; i++) { /* always increasing, also across a second */
		memcpy(b, a, sizeof b);
		tai64n_next(b);
		assert_true(memcmp(b, a, sizeof a) > 0);
		assert_true(load_be32(b + 8) < 1000000000);
		memcpy(a, b, sizeof a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_initial_hashes_match_the_strings),
		cmocka_unit_test(test_vectors_byte_for_byte),
		cmocka_unit_test(test_cookie_vectors),
		cmocka_unit_test(test_flipped_bytes_of_message_1_fail),
		cmocka_unit_test(test_flipped_bytes_of_message_2_fail_and_leave_the_handshake_pending),
		cmocka_unit_test(test_wrong_psk_fails),
		cmocka_unit_test(test_timestamp_must_be_greater),
		cmocka_unit_test(test_low_order_keys_are_refused),
		cmocka_unit_test(test_timestamp_rounding),
	};

	return cmocka_run_group_tests(tests, load_vectors, NULL);
}
