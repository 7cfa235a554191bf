/* The parts into which sessions are divided by their receiver indices. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "proto/tunnel_state.h"

enum { PEERS = 24, SHARDS = 6 };

static uint64_t random_state;

static void random_bytes(void *ctx, void *p, size_t n)
{
	(void)ctx;
	for (size_t i = 0; i < n; i++) {
		random_state = random_state * 6364136223846793005u + 1442695040888963407u;
		((uint8_t *)p)[i] = (uint8_t)(random_state >> 56);
	}
}

/* Draws that are above the last multiple of the number of parts, and then one that is not. */
static unsigned int n_high;
static void high_first(void *ctx, void *p, size_t n)
{
	if (n_high > 0)
		memset(p, 0xff, n);
	else
		random_bytes(ctx, p, n);
	n_high -= n_high > 0;
}

static void realtime(void *ctx, uint64_t *s, uint32_t *ns)
{
	(void)ctx;
	*s = 1u << 30;
	*ns = 0;
}

static struct wg_tunnel *tunnel;

static void start(void (*random)(void *, void *, size_t))
{
	const struct wg_env env = { .random = random, .realtime = realtime };

	tunnel = tunnel_new(&env);
	assert_non_null(tunnel);
	for (uint8_t i = 0; i < PEERS; i++) {
		struct wg_public key = { { 1, i } };
		struct wg_tunnel_peer *p;
		assert_int_equal(tunnel_peer_add(&p, tunnel, &key), 0);
	}
}

static uint32_t draw(struct wg_tunnel_peer *p)
{
	tunnel->n_drawn = 0;
	return new_index(tunnel, p);
}

static void peers_take_turns_and_keep_their_part(void **state)
{
	unsigned int i = 0;

	(void)state;
	start(random_bytes);
	for (uint32_t n = 1; n <= SHARDS; n++) {
		tunnel_set_shards(tunnel, n);
		i = 0;
		for (struct wg_tunnel_peer *p = tunnel->first; p; p = p->next, i++)
			for (int again = 0; again < 20; again++)
				assert_int_equal(wg_shard_of(draw(p), n), i % n);
		assert_int_equal(i, PEERS);
	}
	tunnel_free(tunnel);
}

static void indices_of_a_part_are_equally_likely(void **state)
{
	unsigned int counts[16] = { 0 };

	(void)state;
	start(random_bytes);
	tunnel_set_shards(tunnel, SHARDS);
	for (int i = 0; i < 16000; i++) {
		uint8_t b[4];
		store_le32(b, draw(tunnel->first));
		counts[b[0] >> 4]++;
	}
	for (int i = 0; i < 16; i++)
		assert_in_range(counts[i], 850, 1150);
	tunnel_free(tunnel);
}

static void an_index_above_the_last_multiple_is_drawn_again(void **state)
{
	(void)state;
	start(high_first);
	tunnel_set_shards(tunnel, 7); /* 2^32 is 4 above a multiple */
	n_high = 3;
	assert_int_equal(wg_shard_of(draw(tunnel->first), 7), 0);
	assert_int_equal(n_high, 0);
	tunnel_set_shards(tunnel, 4); /* a power of two: no index is refused */
	n_high = 1;
	assert_int_equal(draw(tunnel->first->next), 0xfdffffff);
	tunnel_free(tunnel);
}

/* Also when the number of parts changes: those that follow a session arrive where it arrives. */
static void a_session_follows_the_one_before_in_its_part(void **state)
{
	struct wg_session before = { .local = 0x12345678 };
	struct wg_tunnel_peer *p;

	(void)state;
	start(random_bytes);
	p = tunnel->last;
	for (uint32_t n = 1; n <= SHARDS; n++) {
		tunnel_set_shards(tunnel, n);
		p->sessions.current = &before;
		assert_int_equal(wg_shard_of(draw(p), n), wg_shard_of(before.local, n));
		p->sessions.current = NULL;
		p->sessions.next = &before;
		assert_int_equal(wg_shard_of(draw(p), n), wg_shard_of(before.local, n));
		p->sessions.next = NULL;
	}
	tunnel_free(tunnel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peers_take_turns_and_keep_their_part),
		cmocka_unit_test(indices_of_a_part_are_equally_likely),
		cmocka_unit_test(an_index_above_the_last_multiple_is_drawn_again),
		cmocka_unit_test(a_session_follows_the_one_before_in_its_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
