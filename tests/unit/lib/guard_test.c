/* A broken invariant closes the instance, ends a publication that has begun, and leaves the program alone; so does it for a
 * thread that waits for a lock that was held then. The test breaks the state of an instance, which it knows from inside. */
#include "lib/instance.h"

#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/library.h"
#include "proto/tunnel_state.h"

struct host {
	int publishing, n_publications;
};

static void env_realtime(void *ctx, uint64_t *unix_s, uint32_t *ns)
{
	(void)ctx;
	*unix_s = 1700000000;
	*ns = 0;
}

static void env_publish_begin(void *ctx)
{
	((struct host *)ctx)->publishing++;
	((struct host *)ctx)->n_publications++;
}

static void env_publish_end(void *ctx)
{
	((struct host *)ctx)->publishing--;
}

static struct wgproto *create(struct host *host)
{
	const struct wgproto_env env = { .size = sizeof env, .ctx = host, .realtime = env_realtime,
					 .publish_begin = env_publish_begin, .publish_end = env_publish_end };
	struct wgproto *w;

	assert_int_equal(wgproto_new(&w, &env), WGPROTO_OK);
	return w;
}

static void test_a_broken_invariant_closes_the_instance(void **state)
{
	static uint8_t space[WGPROTO_DATAGRAM_MAX];
	struct wgproto_packet out = { .dst = space, .dst_space = sizeof space };
	struct host host = { .publishing = 0 };
	struct wgproto *w = create(&host), *other = create(&host);
	uint8_t key[32] = { 1 };

	(void)state;
	assert_int_equal(wgproto_peer_add(w, key, 32), WGPROTO_OK);
	w->tunnel->outbox.first = 1; /* of none */
	assert_int_equal(wgproto_next(w, 0, &out), WGPROTO_BROKEN);
	assert_non_null(strstr(wgproto_broken_text(w), "src/proto/tunnel_control.c:"));
	assert_non_null(strstr(wgproto_broken_text(w), "o->first <= o->n"));
	w->tunnel->outbox.first = 0;
	assert_int_equal(wgproto_next(w, 0, &out), WGPROTO_BROKEN);
	assert_int_equal(wgproto_up(w, 0), WGPROTO_BROKEN);
	assert_int_equal(wgproto_up(other, 0), WGPROTO_OK);
	w->tunnel->first = (void *)1; /* nothing looks at it any more */
	wgproto_free(w);
	assert_null(wgproto_broken_text(other));
	wgproto_free(other);
}

static void test_a_publication_ends(void **state)
{
	struct wgproto_prefix prefix = { .addr = { .family = 4 }, .bits = 8 };
	struct host host = { .publishing = 0 };
	struct wgproto *w = create(&host);
	struct wg_tunnel_peer *p;
	struct call call;

	(void)state;
	WITHIN(&call, w->guard, true) {
		guard_publish_begin(w->guard);
		assert_int_equal(host.publishing, 1);
		library_broken("planted");
	}
	assert_int_equal(call_end(&call), WGPROTO_BROKEN);
	assert_int_equal(host.publishing, 0);
	assert_string_equal(wgproto_broken_text(w), "planted");
	wgproto_free(w);
	w = create(&host);
	host.n_publications = 0;
	assert_int_equal(wgproto_peer_add(w, (const uint8_t[32]){ 1 }, 32), WGPROTO_OK);
	p = tunnel_peer_next(w->tunnel, NULL);
	assert_non_null(p);
	assert_int_equal(wgproto_allow(w, (const uint8_t[32]){ 1 }, 32, &prefix), WGPROTO_OK);
	assert_int_equal(host.n_publications, 1);
	wgproto_free(w);
}

/* The holder of the lock has failed: a thread that waits for it gives up as soon as the instance is closed. */
static void test_waiting_for_a_lock_ends(void **state)
{
	struct host host = { .publishing = 0 };
	struct wgproto *w = create(&host);
	struct spin lock = { .held = 1 };
	volatile bool has_passed = false;
	struct call call;

	(void)state;
	WITHIN(&call, w->guard, true) {
		atomic_store(&w->guard->closed, (uint32_t)WGPROTO_BROKEN);
		spin_lock(&lock);
		has_passed = true;
	}
	assert_int_equal(call_end(&call), WGPROTO_BROKEN);
	assert_false(has_passed);
	wgproto_free(w);
}

/* A call from a callback of another instance: the failure of the inner one does not reach the outer. */
static void test_calls_nest(void **state)
{
	struct host host = { .publishing = 0 };
	struct wgproto *a = create(&host), *b = create(&host);
	const struct crypto_impls *before = crypto_use(NULL);
	volatile enum wgproto_result of_inner = WGPROTO_OK;
	struct call outer;

	(void)state;
	WITHIN(&outer, a->guard, true) {
		struct call inner;

		WITHIN(&inner, b->guard, true)
			library_broken("inner");
		of_inner = call_end(&inner);
	}
	assert_int_equal(call_end(&outer), WGPROTO_OK);
	assert_int_equal(of_inner, WGPROTO_BROKEN);
	assert_null(crypto_use(before));
	wgproto_free(a);
	wgproto_free(b);
}

/* ---- no keys are left on the stack ---- */

enum { SECRET_BYTES = 30, STACK_BYTES = 32 * 1024 }; /* clamping changes the bytes 0 and 31 of a key */

static uint8_t secret_byte(size_t i)
{
	return (uint8_t)(i * 151 + 77);
}

/* Whether the stack below, which the functions called before have used, has the secret. */
__attribute__((noinline, no_sanitize("address"), no_sanitize("thread"))) static bool stack_has_secret(void)
{
	const volatile uint8_t *at = (const volatile uint8_t *)__builtin_frame_address(0) - STACK_BYTES;

	for (size_t i = 0, run = 0; i < STACK_BYTES; i++) {
		run = at[i] == secret_byte(run) ? run + 1 : at[i] == secret_byte(0);
		if (run == SECRET_BYTES)
			return true;
	}
	return false;
}

__attribute__((noinline)) static void fail_with_a_secret(void)
{
	volatile uint8_t secret[SECRET_BYTES];

	for (size_t i = 0; i < sizeof secret; i++)
		secret[i] = secret_byte(i);
	library_broken("planted");
}

static void test_a_failure_wipes_the_stack(void **state)
{
	struct host host = { .publishing = 0 };
	struct wgproto *w = create(&host);
	struct call call;

	(void)state;
	WITHIN(&call, w->guard, true)
		fail_with_a_secret();
	assert_int_equal(call_end(&call), WGPROTO_BROKEN);
	assert_false(stack_has_secret());
	wgproto_free(w);
}

/* The private key is not on the stack after a call, neither after success nor after a failure. */
static void test_a_private_key_is_wiped(void **state)
{
	struct host host = { .publishing = 0 };
	struct wgproto *w = create(&host);
	uint8_t key[KEY_BYTES] = { 0 }, public[KEY_BYTES];

	(void)state;
	for (size_t i = 0; i < SECRET_BYTES; i++)
		key[i + 1] = secret_byte(i);
	assert_int_equal(wgproto_key_public(public, sizeof public, key, sizeof key), WGPROTO_OK);
	assert_false(stack_has_secret());
	assert_int_equal(wgproto_set_private_key(w, key, sizeof key), WGPROTO_OK);
	assert_false(stack_has_secret());
	assert_int_equal(wgproto_set_private_key(w, (const uint8_t[KEY_BYTES]){ 0 }, KEY_BYTES), WGPROTO_OK);
	assert_int_equal(wgproto_peer_add(w, public, sizeof public), WGPROTO_OK);
	w->tunnel->n_initiators = 1; /* of none: the peer with this key cannot be removed */
	assert_int_equal(wgproto_set_private_key(w, key, sizeof key), WGPROTO_BROKEN);
	assert_false(stack_has_secret());
	wgproto_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_broken_invariant_closes_the_instance),
		cmocka_unit_test(test_a_publication_ends),
		cmocka_unit_test(test_waiting_for_a_lock_ends),
		cmocka_unit_test(test_calls_nest),
		cmocka_unit_test(test_a_failure_wipes_the_stack),
		cmocka_unit_test(test_a_private_key_is_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
