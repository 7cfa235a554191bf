/* mac1, mac2 and cookies, in the sequence that the tests of FreeBSD and wireguard-go use. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/cookie.h"

static const uint8_t secret[COOKIE_SECRET_BYTES] = { 1, 2, 3 };
static const uint8_t nonce[XAEAD_NONCE_BYTES] = { 9, 8, 7 };
static const size_t lengths[] = { MSG_INITIATION_BYTES, MSG_RESPONSE_BYTES, MSG_MACS_BYTES + 33 };

static struct cookie_checker checker;
static struct cookie_maker maker;
static struct wg_public receiver;
static struct ip_endpoint from;
static uint8_t msg[MSG_INITIATION_BYTES];

static int fresh(void **state)
{
	struct wg_private key = { { 5 } };

	(void)state;
	memset(&checker, 0, sizeof checker);
	memset(&maker, 0, sizeof maker);
	memset(msg, 0x55, sizeof msg);
	x25519_public(&receiver, &key);
	cookie_checker_set_key(&checker, &receiver);
	cookie_secret_set(&checker, 0, secret);
	from = (struct ip_endpoint){ .addr = ip_v4((const uint8_t[4]){ 192, 0, 2, 1 }),
				     .port = 4321 };
	return 0;
}

static bool mac2_is_zero(size_t n)
{
	static const uint8_t zeros[MAC_BYTES];

	return memcmp(msg + n - MAC_BYTES, zeros, MAC_BYTES) == 0;
}

static bool cookie_mac1_is_right(const uint8_t *m, size_t n)
{
	struct mac_check c = { .msg = m, .n = n, .from = &from };

	cookie_check_mac1(&checker, &c, 1);
	return c.ok;
}

static bool cookie_mac2_is_right(const uint8_t *m, size_t n, const struct ip_endpoint *e)
{
	struct mac_check c = { .msg = m, .n = n, .from = e, .ok = true };

	cookie_check_mac2(&checker, &c, 1);
	return c.ok;
}

static void cookie_reply(struct msg_cookie *out, const uint8_t *m, size_t n)
{
	struct mac_check c = { .msg = m, .n = n, .from = &from };

	cookie_check_mac2(&checker, &c, 1);
	cookie_make_replies(&checker, out, &c, 1, &nonce);
}

static void test_mac1(void **state)
{
	struct wg_public other = { { 1 } };

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(lengths); k++) {
		size_t n = lengths[k];

		cookie_add_macs(&maker, 0, msg, n, &receiver);
		assert_true(mac2_is_zero(n));
		assert_true(cookie_mac1_is_right(msg, n));
		assert_false(cookie_mac2_is_right(msg, n, &from));
		for (size_t i = 0; i < n - MAC_BYTES; i++) { /* the message and its mac1 */
			msg[i] ^= 0x10;
			assert_false(cookie_mac1_is_right(msg, n));
			msg[i] ^= 0x10;
		}
		cookie_add_macs(&maker, 0, msg, n, &other);
		assert_false(cookie_mac1_is_right(msg, n));
	}
}

static void test_cookie_exchange(void **state)
{
	struct msg_cookie reply, flipped;
	struct ip_endpoint other;
	size_t n = sizeof msg;

	(void)state;
	cookie_add_macs(&maker, 0, msg, n, &receiver);
	cookie_reply(&reply, msg, n);
	assert_int_equal(load_le32(reply.type), MSG_COOKIE);
	assert_memory_equal(reply.receiver, msg + 4, 4);
	for (size_t i = offsetof(struct msg_cookie, nonce); i < sizeof reply; i++) {
		flipped = reply;
		((uint8_t *)&flipped)[i] ^= 1;
		assert_false(cookie_consume_reply(&maker, 0, &flipped, &receiver));
	}
	cookie_add_macs(&maker, 0, msg, n, &receiver);
	assert_true(mac2_is_zero(n));
	assert_true(cookie_consume_reply(&maker, 0, &reply, &receiver));
	/* accepted once for each message sent */
	assert_false(cookie_consume_reply(&maker, 0, &reply, &receiver));
	cookie_add_macs(&maker, 0, msg, n, &receiver);
	assert_false(mac2_is_zero(n));
	assert_true(cookie_mac1_is_right(msg, n));
	assert_true(cookie_mac2_is_right(msg, n, &from));
	other = from;
	other.port++;
	assert_false(cookie_mac2_is_right(msg, n, &other));
	other = from;
	other.addr.b[3]++;
	assert_false(cookie_mac2_is_right(msg, n, &other));
	other.addr = ip_v6((const uint8_t[16]){ 192, 0, 2, 1 });
	assert_false(cookie_mac2_is_right(msg, n, &other));
	assert_true(cookie_mac2_is_right(msg, n, &from));
	for (size_t i = 0; i < n; i++) { /* any change invalidates mac2 */
		msg[i] ^= 0x80;
		assert_false(cookie_mac2_is_right(msg, n, &from));
		msg[i] ^= 0x80;
	}
}

static void test_reply_is_for_one_message(void **state)
{
	struct msg_cookie reply;

	(void)state;
	cookie_add_macs(&maker, 0, msg, sizeof msg, &receiver);
	cookie_reply(&reply, msg, sizeof msg);
	msg[8]++;
	cookie_add_macs(&maker, 0, msg, sizeof msg, &receiver); /* a newer message was sent */
	assert_false(cookie_consume_reply(&maker, 0, &reply, &receiver));
	memset(&maker, 0, sizeof maker); /* no message was sent */
	assert_false(cookie_consume_reply(&maker, 0, &reply, &receiver));
}

static void test_expiry(void **state)
{
	struct msg_cookie reply;
	size_t n = sizeof msg;

	(void)state;
	assert_false(cookie_secret_is_expired(&checker, 120 * NS_PER_S - 1));
	assert_true(cookie_secret_is_expired(&checker, 120 * NS_PER_S));
	cookie_add_macs(&maker, 0, msg, n, &receiver);
	cookie_reply(&reply, msg, n);
	assert_true(cookie_consume_reply(&maker, NS_PER_S, &reply, &receiver));
	cookie_add_macs(&maker, 116 * NS_PER_S - 1, msg, n, &receiver);
	assert_true(cookie_mac2_is_right(msg, n, &from));
	cookie_add_macs(&maker, 116 * NS_PER_S, msg, n, &receiver);
	assert_true(mac2_is_zero(n));
	cookie_add_macs(&maker, 2 * NS_PER_S, msg, n, &receiver);
	assert_true(cookie_mac2_is_right(msg, n, &from));
	cookie_secret_set(&checker, 120 * NS_PER_S, msg);
	assert_false(cookie_mac2_is_right(msg, n, &from));
}

/* Batches of any size with both messages, both address families and invalid MACs give the results of
 * single checks. */
static void test_batches(void **state)
{
	static uint8_t msgs[MAC_CHECKS_MAX][MSG_INITIATION_BYTES];
	uint8_t nonces[MAC_CHECKS_MAX][XAEAD_NONCE_BYTES];
	struct mac_check checks[MAC_CHECKS_MAX];
	struct ip_endpoint ends[MAC_CHECKS_MAX];
	struct cookie_maker makers[MAC_CHECKS_MAX];
	struct msg_cookie replies[MAC_CHECKS_MAX];

	(void)state;
	for (size_t n = 0; n <= MAC_CHECKS_MAX; n++) {
		memset(makers, 0, sizeof makers);
		for (size_t i = 0; i < n; i++) {
			uint8_t addr[16] = { 0xfd, (uint8_t)i, (uint8_t)n };
			ends[i] = (struct ip_endpoint){ .addr = i % 3 ? ip_v4(addr) : ip_v6(addr),
							.port = (uint16_t)(1000 + i) };
			memset(msgs[i], (int)(i + 1), sizeof msgs[i]);
			memset(nonces[i], (int)(i + n), sizeof nonces[i]);
			checks[i] = (struct mac_check){ .msg = msgs[i], .from = &ends[i],
							 .n = lengths[i % 2] };
			cookie_add_macs(&makers[i], 0, msgs[i], checks[i].n, &receiver);
			msgs[i][7] ^= i % 5 == 2;
		}
		cookie_check_mac1(&checker, checks, n);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(checks[i].ok, i % 5 != 2);
			msgs[i][7] ^= i % 5 == 2;
		}
		cookie_check_mac2(&checker, checks, n);
		cookie_make_replies(&checker, replies, checks, n, nonces);
		for (size_t i = 0; i < n; i++) {
			assert_false(checks[i].ok);
			assert_memory_equal(replies[i].receiver, msgs[i] + 4, 4);
			assert_memory_equal(replies[i].nonce, nonces[i], sizeof nonces[i]);
			assert_true(cookie_consume_reply(&makers[i], 0, &replies[i], &receiver));
			if (i % 4 != 1) /* the others have no mac2 */
				cookie_add_macs(&makers[i], 0, msgs[i], checks[i].n, &receiver);
			msgs[i][checks[i].n - 1] ^= i % 7 == 3; /* and some an invalid one */
		}
		cookie_check_mac2(&checker, checks, n);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(checks[i].ok, i % 4 != 1 && i % 7 != 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_mac1, fresh),
		cmocka_unit_test_setup(test_cookie_exchange, fresh),
		cmocka_unit_test_setup(test_reply_is_for_one_message, fresh),
		cmocka_unit_test_setup(test_expiry, fresh),
		cmocka_unit_test_setup(test_batches, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
