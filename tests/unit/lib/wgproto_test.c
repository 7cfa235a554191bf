/* The library through its public header: two instances talk to each other, each with its own implementations; wrong arguments
 * are errors and change nothing; lack of memory or randomness is an error. */
#include "lib/wgproto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Symbols that the library has inside: the program's own ones do not clash with them. */
int blake2s_init(void);
int session_new(void);
int tunnel_new(void);
int library_free(void);
int blake2s_init(void) { return 1; }
int session_new(void) { return 2; }
int tunnel_new(void) { return 3; }
int library_free(void) { return 4; }

static const uint64_t second = 1000000000;

struct side {
	struct wgproto *w;
	uint8_t private[32], public[32];
	uint32_t random;
	int random_left; /* calls until there are no random bytes; negative: for ever */
	bool calls_back; /* the random function calls its instance */
	bool is_constant; /* the random bytes are the same in every call */
	uint8_t sent[WGPROTO_DATAGRAM_MAX];
};

static bool env_random(void *ctx, void *p, size_t n)
{
	struct side *s = ctx;

	if (s->random_left == 0)
		return false;
	if (s->calls_back) {
		assert_int_equal(wgproto_peer_remove(s->w, s->public, 32), WGPROTO_INVALID);
		assert_true(wgproto_deadline(s->w) == UINT64_MAX);
		wgproto_free(s->w); /* no effect */
	}
	s->random_left -= s->random_left > 0;
	if (s->is_constant) {
		memset(p, 0x5a, n);
		return true;
	}
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = (uint8_t)((s->random = s->random * 1664525 + 1013904223) >> 24);
	return true;
}

static void env_realtime(void *ctx, uint64_t *unix_s, uint32_t *ns)
{
	(void)ctx;
	*unix_s = 1700000000;
	*ns = 0;
}

static struct wgproto_env env_of(struct side *s, const char *cpu)
{
	return (struct wgproto_env){ .size = sizeof(struct wgproto_env), .ctx = s, .random = env_random,
				     .realtime = env_realtime, .cpu = cpu };
}

static void side_new(struct side *s, uint32_t seed, const char *cpu)
{
	struct wgproto_env env = env_of(s, cpu);

	s->random = seed;
	s->random_left = -1;
	assert_true(env_random(s, s->private, sizeof s->private));
	assert_int_equal(wgproto_key_clamp(s->private, 32), WGPROTO_OK);
	assert_int_equal(wgproto_key_public(s->public, 32, s->private, 32), WGPROTO_OK);
	assert_int_equal(wgproto_new(&s->w, &env), WGPROTO_OK);
	assert_int_equal(wgproto_set_private_key(s->w, s->private, 32), WGPROTO_OK);
}

/* `to` is a peer of s, at 192.0.2.N, with the allowed IP 10.0.0.N. */
static void side_peer(struct side *s, const struct side *to, uint8_t n)
{
	struct wgproto_endpoint endpoint = { .addr = { .family = 4, .b = { 192, 0, 2, n } }, .port = 51820 };
	struct wgproto_prefix prefix = { .addr = { .family = 4, .b = { 10, 0, 0, n } }, .bits = 32 };

	assert_int_equal(wgproto_peer_add(s->w, to->public, 32), WGPROTO_OK);
	assert_int_equal(wgproto_peer_set_endpoint(s->w, to->public, 32, &endpoint), WGPROTO_OK);
	assert_int_equal(wgproto_allow(s->w, to->public, 32, &prefix), WGPROTO_OK);
	assert_int_equal(wgproto_up(s->w, second), WGPROTO_OK);
}

struct world {
	struct side side[2];
};

static struct world *world_new(const char *cpu0, const char *cpu1)
{
	struct world *x = calloc(1, sizeof *x);

	assert_non_null(x);
	side_new(&x->side[0], 1, cpu0);
	side_new(&x->side[1], 2, cpu1);
	side_peer(&x->side[0], &x->side[1], 2);
	side_peer(&x->side[1], &x->side[0], 1);
	return x;
}

static void world_free(struct world *x)
{
	wgproto_free(x->side[0].w);
	wgproto_free(x->side[1].w);
	free(x);
}

/* A datagram from the other side arrives; returns the bytes of the packet in it. */
static size_t arrive(struct side *s, const uint8_t *bytes, size_t n, uint8_t *packet)
{
	struct wgproto_packet p = { .src = bytes, .src_bytes = n, .dst = packet, .dst_space = n };

	p.path.remote = (struct wgproto_endpoint){ .addr = { .family = 4, .b = { 192, 0, 2, 9 } }, .port = 9 };
	assert_int_equal(wgproto_open(s->w, second, &p, 1), WGPROTO_OK);
	if (p.action == WGPROTO_DELIVER)
		return p.dst_bytes;
	assert_int_equal(wgproto_control_datagrams(s->w, second, &p, 1, false), WGPROTO_OK);
	assert_int_equal(p.action, WGPROTO_DONE);
	return 0;
}

/* Takes what side i sends to the other until neither sends more; the bytes of the last packet that arrived. */
static size_t exchange(struct world *x, uint8_t *packet)
{
	size_t n, arrived = 0;
	bool again;

	do {
		again = false;
		for (int i = 0; i < 2; i++) {
			struct wgproto_packet out = { .dst = x->side[i].sent, .dst_space = sizeof x->side[i].sent };

			while (wgproto_next(x->side[i].w, second, &out) == WGPROTO_OK) {
				again = true;
				n = arrive(&x->side[!i], out.dst, out.dst_bytes, packet);
				arrived = n ? n : arrived;
			}
		}
	} while (again);
	return arrived;
}

static const uint8_t ping[60] = { 0x45, 0, 0, 60, [8] = 64, 17, [12] = 10, 0, 0, 1, 10, 0, 0, 2, 'x' };

static struct wgproto_packet packet_of(uint8_t *dst, size_t space)
{
	return (struct wgproto_packet){ .src = ping, .src_bytes = sizeof ping, .dst = dst, .dst_space = space };
}

static void instances_talk(const char *cpu0, const char *cpu1)
{
	struct world *x = world_new(cpu0, cpu1);
	uint8_t datagram[WGPROTO_SEALED_BYTES(sizeof ping)], packet[256];
	struct wgproto_packet p = packet_of(datagram, sizeof datagram);
	struct wgproto_peer peer;

	assert_int_equal(wgproto_seal(x->side[0].w, second, &p, 1), WGPROTO_OK);
	assert_int_equal(p.action, WGPROTO_CONTROL);
	assert_int_equal(wgproto_control_packets(x->side[0].w, second, &p, 1), WGPROTO_OK);
	assert_int_equal(wgproto_deadline(x->side[0].w), 0);
	assert_int_equal(exchange(x, packet), sizeof ping);
	assert_memory_equal(packet, ping, sizeof ping);
	assert_int_equal(wgproto_seal(x->side[0].w, second, &p, 1), WGPROTO_OK);
	assert_int_equal(p.action, WGPROTO_SEND);
	assert_int_equal(p.path.remote.port, 9); /* where the answer to the handshake came from */
	assert_int_equal(arrive(&x->side[1], datagram, p.dst_bytes, packet), sizeof ping);
	assert_int_equal(arrive(&x->side[1], datagram, p.dst_bytes, packet), 0);
	assert_int_equal(wgproto_drops(x->side[1].w, WGPROTO_DROP_REPLAY), 1);
	assert_string_equal(wgproto_drop_text(WGPROTO_DROP_AUTH), "authentication failed");
	assert_int_equal(wgproto_peer_get(x->side[0].w, x->side[1].public, 32, &peer), WGPROTO_OK);
	assert_int_equal(peer.handshake_s, 1700000000);
	assert_true(wgproto_deadline(x->side[0].w) > second);
	assert_int_equal(wgproto_tick(x->side[0].w, second), WGPROTO_OK);
	world_free(x);
}

static void test_instances_talk(void **state)
{
	(void)state;
	instances_talk(NULL, NULL);
}

/* The best implementations in one instance, the portable ones in another, in one thread, interleaved. */
static void test_each_instance_has_its_implementations(void **state)
{
	struct side a = { .w = NULL }, b = { .w = NULL };
	struct wgproto_env env = env_of(&a, "nonsense");
	struct wgproto *w;

	(void)state;
	instances_talk("generic", "auto");
	instances_talk("ssse3", "generic");
	side_new(&a, 1, "generic");
	side_new(&b, 1, NULL);
	assert_string_equal(wgproto_crypto(a.w, "aead"), "portable");
	assert_null(wgproto_crypto(a.w, "rot13"));
#ifdef __x86_64__
	assert_string_not_equal(wgproto_crypto(b.w, "aead"), "portable");
#endif
	assert_string_equal(wgproto_crypto(a.w, "aead"), "portable");
	assert_memory_equal(a.public, b.public, 32);
	wgproto_free(a.w);
	wgproto_free(b.w);
	assert_int_equal(wgproto_new(&w, &env), WGPROTO_NO_CPU);
	assert_null(w);
}

static void test_wrong_arguments_of_the_instance(void **state)
{
	struct side s = { .w = NULL };
	struct wgproto_env env = env_of(&s, NULL);
	struct wgproto *w;
	uint8_t key[32] = { 1 }, out[32];
	size_t n = 0;

	(void)state;
	assert_int_equal(wgproto_new(NULL, &env), WGPROTO_INVALID);
	assert_int_equal(wgproto_new(&w, NULL), WGPROTO_INVALID);
	env.size--;
	assert_int_equal(wgproto_new(&w, &env), WGPROTO_INVALID);
	env = env_of(&s, NULL);
	env.realtime = NULL;
	assert_int_equal(wgproto_new(&w, &env), WGPROTO_INVALID);
	wgproto_free(NULL);
	side_new(&s, 7, NULL);
	assert_int_equal(wgproto_up(NULL, 0), WGPROTO_INVALID);
	assert_int_equal(wgproto_down(NULL), WGPROTO_INVALID);
	assert_int_equal(wgproto_tick(NULL, 0), WGPROTO_INVALID);
	assert_int_equal(wgproto_set_mtu(NULL, 0), WGPROTO_INVALID);
	assert_int_equal(wgproto_reserve(s.w, SIZE_MAX, 0), WGPROTO_NO_MEMORY);
	assert_true(wgproto_deadline(NULL) == UINT64_MAX && !wgproto_needs_control(NULL) && !wgproto_broken_text(NULL));
	assert_int_equal(wgproto_set_private_key(s.w, key, 31), WGPROTO_INVALID);
	assert_int_equal(wgproto_set_private_key(s.w, NULL, 32), WGPROTO_INVALID);
	assert_int_equal(wgproto_private_key(s.w, out, 33), WGPROTO_INVALID);
	assert_int_equal(wgproto_public_key(s.w, NULL, 32), WGPROTO_INVALID);
	assert_int_equal(wgproto_public_key(s.w, out, 32), WGPROTO_OK);
	assert_memory_equal(out, s.public, 32); /* nothing has changed */
	assert_int_equal(wgproto_export(s.w, NULL, NULL), WGPROTO_INVALID);
	assert_int_equal(wgproto_export(s.w, NULL, &n), WGPROTO_INVALID);
	assert_true(n > 32);
	assert_int_equal(wgproto_import(s.w, 0, out, sizeof out), WGPROTO_INVALID); /* it has a key */
	assert_int_equal(wgproto_up(s.w, 0), WGPROTO_OK);
	wgproto_free(s.w);
}

static void test_wrong_arguments_of_peers(void **state)
{
	struct wgproto_prefix wide = { .addr = { .family = 4 }, .bits = 33 }, prefix[2] = { { .addr = { .family = 6 }, .bits = 0 } };
	struct wgproto_endpoint endpoint = { .addr = { .family = 5 } };
	struct side s = { .w = NULL };
	struct wgproto_peer peer;
	uint8_t key[32] = { 1 };
	size_t n = 2;

	(void)state;
	side_new(&s, 7, NULL);
	assert_int_equal(wgproto_peer_add(s.w, key, 16), WGPROTO_INVALID);
	assert_int_equal(wgproto_peer_add(s.w, NULL, 32), WGPROTO_INVALID);
	assert_int_equal(wgproto_peer_add(NULL, key, 32), WGPROTO_INVALID);
	assert_int_equal(wgproto_peer_add(s.w, s.public, 32), WGPROTO_OWN_KEY);
	assert_int_equal(wgproto_peer_next(s.w, NULL, 0, &peer), WGPROTO_END);
	assert_int_equal(wgproto_peer_remove(s.w, key, 32), WGPROTO_NO_PEER);
	assert_int_equal(wgproto_peer_add(s.w, key, 32), WGPROTO_OK);
	assert_int_equal(wgproto_peer_add(s.w, key, 32), WGPROTO_EXISTS);
	assert_int_equal(wgproto_peer_set_psk(s.w, key, 32, key, 64), WGPROTO_INVALID);
	assert_int_equal(wgproto_peer_set_psk(s.w, key, 32, key, 32), WGPROTO_OK);
	assert_int_equal(wgproto_peer_set_endpoint(s.w, key, 32, &endpoint), WGPROTO_INVALID);
	assert_int_equal(wgproto_peer_set_endpoint(s.w, key, 32, NULL), WGPROTO_INVALID);
	assert_int_equal(wgproto_allow(s.w, key, 32, &wide), WGPROTO_INVALID);
	assert_int_equal(wgproto_allow(s.w, key, 32, NULL), WGPROTO_INVALID);
	assert_int_equal(wgproto_allow(s.w, s.public, 32, prefix), WGPROTO_NO_PEER);
	assert_int_equal(wgproto_allow(s.w, key, 32, prefix), WGPROTO_OK);
	assert_int_equal(wgproto_allowed(s.w, key, 32, prefix, &n), WGPROTO_OK);
	assert_true(n == 1 && prefix[0].addr.family == 6 && prefix[0].bits == 0);
	assert_int_equal(wgproto_allowed(s.w, key, 32, NULL, &n), WGPROTO_INVALID);
	assert_int_equal(wgproto_disallow(s.w, key, 32, prefix), WGPROTO_OK);
	n = 0;
	assert_int_equal(wgproto_allowed(s.w, key, 32, NULL, &n), WGPROTO_OK);
	assert_int_equal(n, 0);
	assert_int_equal(wgproto_peer_next(s.w, NULL, 0, &peer), WGPROTO_OK);
	assert_memory_equal(peer.psk, key, 32);
	assert_int_equal(wgproto_peer_next(s.w, key, 32, &peer), WGPROTO_END);
	assert_int_equal(wgproto_peer_next(s.w, s.public, 32, &peer), WGPROTO_NO_PEER);
	wgproto_free(s.w);
}

static void test_wrong_packets(void **state)
{
	uint8_t space[256];
	struct wgproto_packet p[2] = { packet_of(space, WGPROTO_SEALED_BYTES(sizeof ping)), packet_of(space, sizeof ping) };
	struct side s = { .w = NULL };
	struct wgproto_packet out = { .dst = space, .dst_space = sizeof space };

	(void)state;
	side_new(&s, 7, NULL);
	assert_int_equal(wgproto_seal(s.w, 0, NULL, 1), WGPROTO_INVALID);
	assert_int_equal(wgproto_seal(s.w, 0, NULL, 0), WGPROTO_OK);
	assert_int_equal(wgproto_seal(s.w, 0, p, 2), WGPROTO_INVALID); /* the second has too little space */
	assert_int_equal(wgproto_drops(s.w, WGPROTO_DROP_DOWN), 0);    /* and the first was not processed */
	assert_int_equal(wgproto_seal(s.w, 0, p, 1), WGPROTO_OK);
	assert_int_equal(wgproto_drops(s.w, WGPROTO_DROP_DOWN), 1);
	p[0].src = space + 15; /* overlaps, at no permitted distance */
	assert_int_equal(wgproto_seal(s.w, 0, p, 1), WGPROTO_INVALID);
	p[0].dst_space = SIZE_MAX; /* of which only some is needed */
	assert_int_equal(wgproto_seal(s.w, 0, p, 1), WGPROTO_INVALID);
	p[0].src = space + WGPROTO_SEALED_BYTES(sizeof ping);
	assert_int_equal(wgproto_seal(s.w, 0, p, 1), WGPROTO_OK);
	p[0].src = NULL;
	assert_int_equal(wgproto_seal(s.w, 0, p, 1), WGPROTO_INVALID);
	p[0] = packet_of(space, WGPROTO_SEALED_BYTES(sizeof ping));
	p[0].src_bytes = WGPROTO_DATAGRAM_MAX;
	p[0].dst_space = SIZE_MAX;
	assert_int_equal(wgproto_seal(s.w, 0, p, 1), WGPROTO_INVALID);
	p[0].action = WGPROTO_CONTROL;
	assert_int_equal(wgproto_control_packets(s.w, 0, p, 1), WGPROTO_INVALID);
	p[1].dst_space = sizeof ping - 17;
	assert_int_equal(wgproto_open(s.w, 0, p + 1, 1), WGPROTO_INVALID);
	p[1].dst_space++;
	p[1].path.local.family = 7;
	assert_int_equal(wgproto_open(s.w, 0, p + 1, 1), WGPROTO_INVALID);
	p[1].path.local.family = 0;
	assert_int_equal(wgproto_open(s.w, 0, p + 1, 1), WGPROTO_OK);
	assert_int_equal(wgproto_next(s.w, 0, &out), WGPROTO_INVALID); /* too little space for the largest datagram */
	assert_int_equal(wgproto_next(s.w, 0, NULL), WGPROTO_INVALID);
	assert_int_equal(wgproto_send_failed(s.w, NULL, 1, 1), WGPROTO_INVALID);
	wgproto_free(s.w);
}

static void test_keys(void **state)
{
	char text[WGPROTO_KEY_TEXT_BYTES];
	uint8_t key[32] = { 0 }, back[32];

	(void)state;
	key[31] = 1;
	assert_int_equal(wgproto_key_to_text(text, sizeof text - 1, key, 32), WGPROTO_INVALID);
	assert_int_equal(wgproto_key_to_text(text, sizeof text, key, 32), WGPROTO_OK);
	assert_int_equal(wgproto_key_from_text(back, 32, text), WGPROTO_OK);
	assert_memory_equal(key, back, 32);
	assert_int_equal(wgproto_key_from_text(back, 32, "short"), WGPROTO_INVALID);
	text[43] = 'A';
	assert_int_equal(wgproto_key_from_text(back, 32, text), WGPROTO_INVALID);
	text[43] = '=';
	text[3] = '!';
	assert_int_equal(wgproto_key_from_text(back, 32, text), WGPROTO_INVALID);
	assert_memory_equal(key, back, 32); /* nothing has changed */
	assert_int_equal(wgproto_key_from_text(back, 31, text), WGPROTO_INVALID);
	assert_int_equal(wgproto_key_public(back, 32, key, 0), WGPROTO_INVALID);
	wgproto_wipe(key, sizeof key);
	assert_int_equal(key[31], 0);
}

/* Sessions continue in another instance. */
static void test_hand_over(void **state)
{
	struct world *x = world_new(NULL, NULL);
	uint8_t datagram[WGPROTO_SEALED_BYTES(sizeof ping)], packet[256], blob[4096];
	struct wgproto_packet p = packet_of(datagram, sizeof datagram);
	struct wgproto_env env = env_of(&x->side[0], NULL);
	size_t n = sizeof blob;
	struct wgproto *next;

	(void)state;
	assert_int_equal(wgproto_seal(x->side[0].w, second, &p, 1), WGPROTO_OK);
	assert_int_equal(wgproto_control_packets(x->side[0].w, second, &p, 1), WGPROTO_OK);
	assert_int_equal(exchange(x, packet), sizeof ping);
	assert_int_equal(wgproto_export(x->side[0].w, blob, &n), WGPROTO_OK);
	assert_int_equal(wgproto_new(&next, &env), WGPROTO_OK);
	assert_int_equal(wgproto_import(next, second, blob, n), WGPROTO_OK);
	wgproto_free(x->side[0].w);
	x->side[0].w = next;
	assert_int_equal(wgproto_seal(next, second, &p, 1), WGPROTO_OK);
	assert_int_equal(p.action, WGPROTO_SEND);
	assert_int_equal(arrive(&x->side[1], datagram, p.dst_bytes, packet), sizeof ping);
	assert_int_equal(wgproto_new(&next, &env), WGPROTO_OK);
	assert_int_equal(wgproto_import(next, second, blob, n - 1), WGPROTO_INVALID);
	assert_int_equal(wgproto_up(next, second), WGPROTO_BROKEN);
	assert_non_null(wgproto_broken_text(next));
	wgproto_free(next);
	world_free(x);
}

/* The instance is closed, and the other one works. */
static void test_no_random_bytes(void **state)
{
	struct world *x = world_new(NULL, NULL);
	uint8_t datagram[WGPROTO_SEALED_BYTES(sizeof ping)], packet[256];
	struct wgproto_packet p = packet_of(datagram, sizeof datagram), out = { .dst = x->side[0].sent };

	(void)state;
	out.dst_space = sizeof x->side[0].sent;
	x->side[0].random_left = 0;
	assert_int_equal(wgproto_seal(x->side[0].w, second, &p, 1), WGPROTO_OK);
	assert_int_equal(wgproto_control_packets(x->side[0].w, second, &p, 1), WGPROTO_OK);
	assert_int_equal(wgproto_next(x->side[0].w, second, &out), WGPROTO_NO_RANDOM);
	assert_int_equal(wgproto_next(x->side[0].w, second, &out), WGPROTO_BROKEN);
	assert_int_equal(wgproto_seal(x->side[0].w, second, &p, 1), WGPROTO_BROKEN);
	assert_int_equal(wgproto_peer_remove(x->side[0].w, x->side[1].public, 32), WGPROTO_BROKEN);
	assert_int_equal(wgproto_peer_remove(x->side[0].w, NULL, 0), WGPROTO_BROKEN);
	assert_true(wgproto_deadline(x->side[0].w) == UINT64_MAX);
	assert_int_equal(wgproto_drops(x->side[0].w, WGPROTO_DROP_DOWN), 0);
	wgproto_free(x->side[0].w);
	x->side[0].w = NULL;
	side_new(&x->side[0], 1, NULL);
	side_peer(&x->side[0], &x->side[1], 2);
	assert_int_equal(wgproto_seal(x->side[0].w, second, &p, 1), WGPROTO_OK);
	assert_int_equal(wgproto_control_packets(x->side[0].w, second, &p, 1), WGPROTO_OK);
	assert_int_equal(exchange(x, packet), sizeof ping);
	world_free(x);
}

/* Bytes that are the same in every call give no second receiver index: the instance is closed, instead of looking for one
 * for ever. */
static void test_constant_random_bytes(void **state)
{
	struct world *x = world_new(NULL, NULL);
	struct side *a = &x->side[0], other = { .w = NULL };
	struct wgproto_packet out = { .dst = a->sent, .dst_space = sizeof a->sent };
	enum wgproto_result result;

	(void)state;
	side_new(&other, 3, NULL);
	side_peer(a, &other, 3);
	a->is_constant = true;
	assert_int_equal(wgproto_peer_send_keepalive(a->w, x->side[1].public, 32), WGPROTO_OK);
	assert_int_equal(wgproto_peer_send_keepalive(a->w, other.public, 32), WGPROTO_OK);
	while ((result = wgproto_next(a->w, second, &out)) == WGPROTO_OK)
		;
	assert_int_equal(result, WGPROTO_BROKEN);
	assert_non_null(strstr(wgproto_broken_text(a->w), "tunnel_handshake.c"));
	wgproto_free(other.w);
	world_free(x);
}

/* The caller says that more could not be sent than was: the counter of sent bytes ends at zero. */
static void test_more_failed_than_was_sent(void **state)
{
	struct world *x = world_new(NULL, NULL);
	struct side *a = &x->side[0], *b = &x->side[1];
	uint8_t datagram[WGPROTO_SEALED_BYTES(sizeof ping)], packet[256];
	struct wgproto_packet p = packet_of(datagram, sizeof datagram);
	struct wgproto_peer before, after;

	(void)state;
	assert_int_equal(wgproto_peer_send_keepalive(a->w, b->public, 32), WGPROTO_OK);
	(void)exchange(x, packet);
	assert_int_equal(wgproto_peer_get(a->w, b->public, 32, &before), WGPROTO_OK);
	assert_int_equal(wgproto_seal(a->w, second, &p, 1), WGPROTO_OK);
	assert_int_equal(p.action, WGPROTO_SEND);
	assert_int_equal(wgproto_send_failed(a->w, &p.path, 1, p.dst_bytes), WGPROTO_OK);
	assert_int_equal(wgproto_peer_get(a->w, b->public, 32, &after), WGPROTO_OK);
	assert_true(after.tx_bytes == before.tx_bytes);
	assert_int_equal(wgproto_send_failed(a->w, &p.path, 1, after.tx_bytes + 1), WGPROTO_OK);
	assert_int_equal(wgproto_peer_get(a->w, b->public, 32, &after), WGPROTO_OK);
	assert_true(after.tx_bytes == 0);
	assert_int_equal(wgproto_send_failed(a->w, &p.path, 1, UINT64_MAX), WGPROTO_OK);
	assert_int_equal(wgproto_peer_get(a->w, b->public, 32, &after), WGPROTO_OK);
	assert_true(after.tx_bytes == 0);
	assert_int_equal(wgproto_drops(a->w, WGPROTO_DROP_SEND), 3);
	world_free(x);
}

/* A peer whose endpoint was removed is sent nothing, not even what waits for it, until a datagram arrives from it. */
static void test_no_endpoint(void **state)
{
	struct world *x = world_new(NULL, NULL);
	struct side *a = &x->side[0], *b = &x->side[1];
	uint8_t datagram[WGPROTO_SEALED_BYTES(sizeof ping)], packet[256];
	struct wgproto_packet p = packet_of(datagram, sizeof datagram), out = { .dst = a->sent, .dst_space = sizeof a->sent };
	struct wgproto_endpoint none = { .port = 1 };
	struct wgproto_peer before, after;

	(void)state;
	assert_int_equal(wgproto_peer_send_keepalive(a->w, b->public, 32), WGPROTO_OK);
	(void)exchange(x, packet);
	assert_int_equal(wgproto_peer_set_endpoint(a->w, b->public, 32, &none), WGPROTO_OK);
	assert_int_equal(wgproto_peer_get(a->w, b->public, 32, &before), WGPROTO_OK);
	assert_int_equal(wgproto_seal(a->w, second, &p, 1), WGPROTO_OK);
	assert_int_equal(p.drop, WGPROTO_DROP_NO_ENDPOINT);
	assert_int_equal(wgproto_peer_send_keepalive(a->w, b->public, 32), WGPROTO_OK);
	assert_int_equal(wgproto_next(a->w, second, &out), WGPROTO_END);
	assert_int_equal(wgproto_drops(a->w, WGPROTO_DROP_NO_ENDPOINT), 2);
	assert_int_equal(wgproto_peer_get(a->w, b->public, 32, &after), WGPROTO_OK);
	assert_int_equal(before.tx_bytes, after.tx_bytes);
	assert_int_equal(wgproto_peer_send_keepalive(b->w, a->public, 32), WGPROTO_OK);
	(void)exchange(x, packet);
	assert_int_equal(wgproto_seal(a->w, second, &p, 1), WGPROTO_OK);
	assert_int_equal(p.action, WGPROTO_SEND);
	world_free(x);
}

/* A cookie reply belongs to no session, even if the packet it answers has the path of an earlier one. */
static void test_cookie_replies_have_no_session(void **state)
{
	struct world *x = world_new(NULL, NULL);
	struct wgproto_packet out = { .dst = x->side[0].sent, .dst_space = sizeof x->side[0].sent }, in;
	uint8_t packet[256];

	(void)state;
	assert_int_equal(wgproto_peer_send_keepalive(x->side[0].w, x->side[1].public, 32), WGPROTO_OK);
	assert_int_equal(wgproto_next(x->side[0].w, second, &out), WGPROTO_OK);
	assert_int_not_equal(out.path.session, 0);
	in = (struct wgproto_packet){ .src = out.dst, .src_bytes = out.dst_bytes, .dst = packet, .dst_space = sizeof packet,
				      .path = out.path };
	assert_int_equal(wgproto_open(x->side[1].w, second, &in, 1), WGPROTO_OK);
	assert_int_equal(wgproto_control_datagrams(x->side[1].w, second, &in, 1, true), WGPROTO_OK);
	assert_int_equal(wgproto_drops(x->side[1].w, WGPROTO_DROP_COOKIE_SENT), 1);
	assert_int_equal(wgproto_next(x->side[1].w, second, &out), WGPROTO_OK);
	assert_int_equal(out.path.session, 0);
	world_free(x);
}

/* Calls of an instance from its own callbacks are errors, and change nothing. */
static void test_calls_from_callbacks(void **state)
{
	struct world *x = world_new(NULL, NULL);
	uint8_t datagram[WGPROTO_SEALED_BYTES(sizeof ping)], packet[256];
	struct wgproto_packet p = packet_of(datagram, sizeof datagram);

	(void)state;
	assert_int_equal(wgproto_seal(x->side[0].w, second, &p, 1), WGPROTO_OK);
	assert_int_equal(wgproto_control_packets(x->side[0].w, second, &p, 1), WGPROTO_OK);
	x->side[0].calls_back = x->side[1].calls_back = true;
	assert_int_equal(exchange(x, packet), sizeof ping);
	world_free(x);
}

/* Random bytes of the system, and texts for all results. */
static void test_defaults(void **state)
{
	struct wgproto_env env = { .size = sizeof env, .realtime = env_realtime };
	struct wgproto *w;

	(void)state;
	assert_int_equal(wgproto_new(&w, &env), WGPROTO_OK);
	assert_int_equal(wgproto_api_version(), WGPROTO_API_VERSION);
	assert_int_equal(wgproto_clear_sources(w), WGPROTO_OK);
	assert_int_equal(wgproto_expire_sessions(w), WGPROTO_OK);
	assert_int_equal(wgproto_down(w), WGPROTO_OK);
	for (int i = WGPROTO_OK; i <= WGPROTO_BROKEN; i++)
		assert_string_not_equal(wgproto_result_text((enum wgproto_result)i), "unknown result");
	assert_int_equal(blake2s_init() + session_new() + tunnel_new() + library_free(), 10);
	wgproto_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_instances_talk),
		cmocka_unit_test(test_each_instance_has_its_implementations),
		cmocka_unit_test(test_wrong_arguments_of_the_instance),
		cmocka_unit_test(test_wrong_arguments_of_peers),
		cmocka_unit_test(test_wrong_packets),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_hand_over),
		cmocka_unit_test(test_no_random_bytes),
		cmocka_unit_test(test_constant_random_bytes),
		cmocka_unit_test(test_more_failed_than_was_sent),
		cmocka_unit_test(test_no_endpoint),
		cmocka_unit_test(test_cookie_replies_have_no_session),
		cmocka_unit_test(test_calls_from_callbacks),
		cmocka_unit_test(test_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
