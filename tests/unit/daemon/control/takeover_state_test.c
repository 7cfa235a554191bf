/* The header of the state that another process takes, its age and version, and that it is taken once. */
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/control/takeover_state.h"

enum { TUNNEL_BYTES = 5, NOW_S = 100 };

static struct takeover_header sample(void)
{
	struct takeover_header h = { .created_ns = NOW_S * NS_PER_S, .clock_offset_ns = 7, .netns_device = 4, .netns_inode = 1ull << 33, .mark = 0x77, .port = 51820,
				     .is_up = true, .binding = { .device = "eth1", .source[1] = { .family = IP_V6, .b = { 0x20, 1 } } },
				     .ifindex = 9, .has_guard = { true, false }, .tunnel_bytes = TUNNEL_BYTES };

	h.sockets[UDP_V4] = (struct takeover_socket){ .is_open = true, .gso = true, .send_bytes = 12345 };
	h.sockets[UDP_V6_REPLIES] = (struct takeover_socket){ .is_open = true, .kind = UDP_REPLIES, .mmsg = true };
	h.sockets[TAKEOVER_SOCKETS - 1] = (struct takeover_socket){ .is_open = true, .gro = true };
	return h;
}

static uint8_t *written(size_t *n)
{
	struct takeover_header h = sample();
	uint8_t *p;

	*n = takeover_header_bytes() + TUNNEL_BYTES;
	p = calloc(1, *n);
	assert_non_null(p);
	takeover_header_write(p, &h);
	return p;
}

static void a_header_is_read_as_it_was_written(void **state)
{
	struct takeover_header want = sample(), got;
	size_t n;
	uint8_t *p = written(&n);

	(void)state;
	assert_true(takeover_header_read(&got, p, n, want.created_ns));
	assert_true(got.created_ns == want.created_ns && got.clock_offset_ns == 7 && got.mark == 0x77 && got.port == 51820);
	assert_true(got.is_up && got.has_guard[0] && !got.has_guard[1] && got.tunnel_bytes == TUNNEL_BYTES);
	assert_true(binding_equal(&got.binding, &want.binding) && got.ifindex == 9);
	assert_true(got.netns_device == want.netns_device && got.netns_inode == want.netns_inode);
	for (size_t i = 0; i < TAKEOVER_SOCKETS; i++) {
		const struct takeover_socket *a = &want.sockets[i], *b = &got.sockets[i];
		assert_true(a->is_open == b->is_open && a->gro == b->gro && a->gso == b->gso && a->mmsg == b->mmsg &&
			    a->kind == b->kind && a->send_bytes == b->send_bytes);
	}
	assert_int_equal(takeover_header_fds(&got), 1 + 3 + 1);
	free(p);
}

static void another_age_size_or_version_is_refused(void **state)
{
	uint64_t now_ns = NOW_S * NS_PER_S;
	struct takeover_header h;
	size_t n;
	uint8_t *p = written(&n);

	(void)state;
	assert_true(takeover_header_read(&h, p, n, now_ns + TAKEOVER_AGE_MAX_NS));
	assert_false(takeover_header_read(&h, p, n, now_ns + TAKEOVER_AGE_MAX_NS + 1));
	assert_false(takeover_header_read(&h, p, n, now_ns - 1));
	for (size_t i = 0; i < n; i++)
		assert_false(takeover_header_read(&h, p, i, now_ns));
	for (size_t i = 0; i < 12; i++) { /* magic number and version */
		p[i] ^= 1;
		assert_false(takeover_header_read(&h, p, n, now_ns));
		p[i] ^= 1;
	}
	for (size_t i = 0; i < takeover_header_bytes(); i++) { /* never harms */
		p[i] ^= 0xa5;
		if (takeover_header_read(&h, p, n, now_ns))
			assert_true(takeover_header_fds(&h) <= TAKEOVER_FDS);
		p[i] ^= 0xa5;
	}
	free(p);
}

static void an_offer_is_read_as_it_was_written(void **state)
{
	const struct takeover_offer want = { TAKEOVER_VERSION, 1ull << 40, 1ull << 50, { 1, 2, 10, 14, TUN_QUEUES_MAX } };
	uint8_t bytes[TAKEOVER_OFFER_BYTES];
	struct takeover_offer got;

	(void)state;
	takeover_offer_write(bytes, &want);
	assert_true(takeover_offer_read(&got, bytes));
	assert_true(got.version == want.version && got.netns_device == want.netns_device &&
		    got.netns_inode == want.netns_inode && memcmp(&got.tun, &want.tun, 11) == 0);
	bytes[0] ^= 1;
	assert_false(takeover_offer_read(&got, bytes));
	assert_false(takeover_offer_read(&got, (const uint8_t *)"errno=95\n\n                                "));
}

static _Atomic int n_claimed;

static void *claim(void *p)
{
	if (takeover_claim(p))
		atomic_fetch_add(&n_claimed, 1);
	return NULL;
}

static void a_state_is_claimed_once(void **state)
{
	_Alignas(4) uint8_t memory[TAKEOVER_STATE_BYTES] = { 0 };
	pthread_t threads[4];

	(void)state;
	assert_false(takeover_claim(memory)); /* not complete */
	for (int round = 0; round < 100; round++) {
		atomic_store(&n_claimed, 0);
		takeover_set_full(memory);
		for (size_t i = 0; i < ARRAY_LEN(threads); i++)
			assert_int_equal(pthread_create(&threads[i], NULL, claim, memory), 0);
		for (size_t i = 0; i < ARRAY_LEN(threads); i++)
			assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(atomic_load(&n_claimed), 1);
	}
	assert_false(takeover_claim(memory));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_is_read_as_it_was_written),
		cmocka_unit_test(another_age_size_or_version_is_refused),
		cmocka_unit_test(an_offer_is_read_as_it_was_written),
		cmocka_unit_test(a_state_is_claimed_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
