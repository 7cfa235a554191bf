/* Fuzz target: sequences of calls of libwgproto in bytes, of up to three instances: creation, keys, peers, packets, datagrams as they
 * were sent, altered or made up, time forwards and backwards, hand-over, a source of random bytes that fails, wrong arguments.
 * A model of the configuration knows what each call must return. Nothing is written beyond the space that a call needs, callbacks
 * run inside calls of their instance only and cannot call it, and a packet that is delivered was sealed by the peer that may
 * have its source address. */
#include <stdlib.h>
#include <string.h>

#include "lib/wgproto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { SIDES = 3, KEYS = 4, FLIGHT_MAX = 24, SIZE_MAX_PACKET = 300, SPARE = 32, STEPS_MAX = 96, ROUNDS_MAX = 200 };
static const uint64_t ns_per_s = 1000000000, ns_per_ms = 1000000;
static const uint8_t canary = 0xa5;

struct key { /* of the person k, who has 10.0.0.k inside tunnels */
	uint8_t private[WGPROTO_KEY_BYTES], public[WGPROTO_KEY_BYTES];
};
static struct key keys[KEYS];

struct side {
	struct wgproto *w;
	struct world *world;
	unsigned int key, peers; /* 0: none, otherwise the number of the key; a bit for each peer */
	bool is_up, in_call, no_random, closed;
	struct wgproto_path last; /* of a datagram to send */
};

struct datagram {
	uint8_t bytes[SIZE_MAX_PACKET + 64], tos;
	size_t n;
};

struct world {
	const uint8_t *p; /* the rest of the input */
	size_t n;
	uint64_t now_ns, random;
	bool under_load, went_back;
	struct side side[SIDES];
	unsigned int keys_ever[SIDES]; /* that instances at this place have had, a bit for each */
	struct datagram flight[FLIGHT_MAX]; /* the latest datagrams that were sent */
	size_t n_flight, next_flight;       /* all that were sent; the next to be delivered */
};

static void must(bool ok)
{
	if (!ok)
		abort();
}

static uint8_t byte(struct world *x)
{
	if (x->n == 0)
		return 0;
	x->n--;
	return *x->p++;
}

/* ---- the environment ---- */

static void check_callback(struct side *s)
{
	must(s->in_call && !s->closed);
	if (s->w)
		must(wgproto_up(s->w, 0) == WGPROTO_INVALID && wgproto_deadline(s->w) == UINT64_MAX);
	wgproto_free(s->w); /* no effect */
}

static bool env_random(void *ctx, void *p, size_t n)
{
	struct side *s = ctx;

	check_callback(s);
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = (uint8_t)((s->world->random = s->world->random * 6364136223846793005u + 1442695040888963407u) >> 56);
	return !s->no_random;
}

static void env_realtime(void *ctx, uint64_t *unix_s, uint32_t *ns)
{
	struct side *s = ctx;

	check_callback(s);
	*unix_s = 1700000000 + s->world->now_ns / ns_per_s;
	*ns = (uint32_t)(s->world->now_ns % ns_per_s);
}

static void env_publish(void *ctx)
{
	check_callback(ctx);
}

/* ---- calls ---- */

/* What a call has returned; a closed instance returns one error only. */
static bool returned(struct side *s, enum wgproto_result result, enum wgproto_result expected)
{
	s->in_call = false;
	if (s->closed) {
		must(result == WGPROTO_BROKEN);
	} else if (result == WGPROTO_NO_RANDOM) {
		must(s->no_random && wgproto_broken_text(s->w));
		s->closed = true;
	} else {
		must(result == expected);
		return true;
	}
	return false;
}
#define CALL(s, expected, call) ((s)->in_call = true, returned(s, call, expected))

static enum wgproto_result needs_peer(const struct side *s, unsigned int k)
{
	return s->peers & 1u << k ? WGPROTO_OK : WGPROTO_NO_PEER;
}

static struct wgproto_endpoint endpoint_of(size_t i)
{
	return (struct wgproto_endpoint){ .addr = { .family = 4, .b = { 192, 0, 2, (uint8_t)i } }, .port = 51820 };
}

static struct wgproto_prefix prefix_of(unsigned int k, uint8_t bits)
{
	return (struct wgproto_prefix){ .addr = { .family = 4, .b = { 10, 0, 0, (uint8_t)k } }, .bits = bits };
}

static void side_new(struct world *x, struct side *s, uint8_t how)
{
	const struct wgproto_env env = { .size = sizeof env, .ctx = s, .random = env_random, .realtime = env_realtime,
					 .publish_begin = how & 1 ? env_publish : NULL, .publish_end = how & 1 ? env_publish : NULL,
					 .cpu = how & 2 ? "generic" : NULL };

	*s = (struct side){ .world = x, .in_call = true };
	must(wgproto_new(&s->w, &env) == WGPROTO_OK);
	s->in_call = false;
}

static void side_free(struct side *s)
{
	s->in_call = true;
	wgproto_free(s->w);
	*s = (struct side){ .world = s->world, .closed = true }; /* no callback from here on */
}

static void set_key(struct side *s, unsigned int k)
{
	static const uint8_t none[WGPROTO_KEY_BYTES];

	if (CALL(s, WGPROTO_OK, wgproto_set_private_key(s->w, k ? keys[k].private : none, sizeof none))) {
		s->key = k;
		s->world->keys_ever[s - s->world->side] |= 1u << k;
		s->peers &= ~(1u << k);
	}
}

static void add_peer(struct side *s, unsigned int k)
{
	enum wgproto_result expected = s->peers & 1u << k ? WGPROTO_EXISTS : s->key == k ? WGPROTO_OWN_KEY : WGPROTO_OK;

	if (CALL(s, expected, wgproto_peer_add(s->w, keys[k].public, 32)) && expected == WGPROTO_OK)
		s->peers |= 1u << k;
}

static void remove_peer(struct side *s, unsigned int k)
{
	if (CALL(s, needs_peer(s, k), wgproto_peer_remove(s->w, keys[k].public, 32)))
		s->peers &= ~(1u << k);
}

static void set_endpoint(struct side *s, unsigned int k, uint8_t family)
{
	struct wgproto_endpoint e = endpoint_of(k);
	bool is_valid = family == 0 || family == 4 || family == 6;

	e.addr.family = family;
	(void)CALL(s, is_valid ? needs_peer(s, k) : WGPROTO_INVALID, wgproto_peer_set_endpoint(s->w, keys[k].public, 32, &e));
}

static void allow(struct side *s, unsigned int k, uint8_t bits, bool is_allowed)
{
	struct wgproto_prefix prefix = prefix_of(k, bits);
	enum wgproto_result expected = bits > 32 ? WGPROTO_INVALID : needs_peer(s, k);

	(void)CALL(s, expected, is_allowed ? wgproto_allow(s->w, keys[k].public, 32, &prefix)
					   : wgproto_disallow(s->w, keys[k].public, 32, &prefix));
}

/* A peer with all that a session needs. */
static void join(struct side *s, unsigned int k)
{
	add_peer(s, k);
	set_endpoint(s, k, 4);
	allow(s, k, 32, true);
	if (CALL(s, WGPROTO_OK, wgproto_up(s->w, s->world->now_ns)))
		s->is_up = true;
}

/* ---- packets ---- */

struct space { /* of exactly n bytes: a sanitizer sees what is beyond, without one the canary does */
	uint8_t *b;
	size_t n;
};

static struct space space_new(size_t n)
{
	struct space s = { malloc(n + SPARE), n };

	must(s.b != NULL);
	memset(s.b, canary, n + SPARE);
	return s;
}

static void space_free(struct space *s, size_t written)
{
	must(written <= s->n);
	for (size_t i = s->n; i < s->n + SPARE; i++)
		must(s->b[i] == canary);
	free(s->b);
}

static void sent(struct side *s, const struct wgproto_packet *p)
{
	struct world *x = s->world;
	struct datagram *d = &x->flight[x->n_flight++ % FLIGHT_MAX];

	must(p->dst_bytes > 0 && p->dst_bytes <= sizeof d->bytes && p->path.remote.addr.family != 0 && s->is_up && s->key);
	memcpy(d->bytes, p->dst, p->dst_bytes);
	d->n = p->dst_bytes;
	d->tos = p->tos;
	s->last = p->path;
}

static void drain(struct side *s)
{
	static uint8_t out[WGPROTO_DATAGRAM_MAX];
	struct wgproto_packet p = { .dst = out, .dst_space = sizeof out };
	enum wgproto_result result;

	for (int i = 0; i < ROUNDS_MAX; i++) {
		s->in_call = true;
		result = wgproto_next(s->w, s->world->now_ns, &p);
		if (!returned(s, result, result == WGPROTO_END ? WGPROTO_END : WGPROTO_OK) || result == WGPROTO_END)
			return;
		must(p.action == WGPROTO_SEND && p.drop == WGPROTO_DROP_NONE);
		sent(s, &p);
	}
	abort(); /* it never ends */
}

/* From the person whose key the instance has to the person k, with the number of the instance in it. */
static size_t make_packet(const struct side *s, uint8_t *b, unsigned int k, uint8_t size)
{
	size_t n = 24 + size % (SIZE_MAX_PACKET - 24);

	memset(b, size, n);
	memcpy(b, (const uint8_t[24]){ 0x45, 0, (uint8_t)(n >> 8), (uint8_t)n, [8] = 64, 17, [12] = 10, 0, 0, (uint8_t)s->key,
				       10, 0, 0, (uint8_t)k, (uint8_t)(s - s->world->side), size, 'w', 'g' }, 24);
	return n;
}

static void seal(struct side *s, unsigned int k, uint8_t size, uint8_t how)
{
	uint8_t packet[SIZE_MAX_PACKET];
	size_t n = make_packet(s, packet, k, size), count = how % 3 + 1u, need = WGPROTO_SEALED_BYTES(n);
	struct wgproto_packet p[3];
	struct space space[3];

	for (size_t i = 0; i < count; i++) {
		space[i] = space_new(need);
		p[i] = (struct wgproto_packet){ .src = packet, .src_bytes = n, .dst = space[i].b, .dst_space = need };
		if (how & 4) { /* in place */
			memcpy(space[i].b + 16, packet, n);
			p[i].src = space[i].b + 16;
		}
	}
	if (CALL(s, WGPROTO_OK, wgproto_seal(s->w, s->world->now_ns, p, count))) {
		for (size_t i = 0; i < count; i++) {
			must(p[i].action != WGPROTO_DELIVER && (p[i].action == WGPROTO_SEND) == (p[i].dst_bytes > 0));
			if (p[i].action == WGPROTO_SEND)
				sent(s, &p[i]);
		}
		if (CALL(s, WGPROTO_OK, wgproto_control_packets(s->w, s->world->now_ns, p, count)))
			must(p[0].action != WGPROTO_CONTROL);
	}
	for (size_t i = 0; i < count; i++)
		space_free(&space[i], p[i].dst_bytes);
}

/* The one of its peers to which the source address belongs. */
static unsigned int owner_of(struct side *s, const uint8_t *source)
{
	unsigned int owner = 0, longest = 0;

	for (unsigned int k = 1; k < KEYS; k++) {
		struct wgproto_prefix all[16];
		size_t n = 16;

		if (!(s->peers & 1u << k))
			continue;
		must(wgproto_allowed(s->w, keys[k].public, 32, all, &n) == WGPROTO_OK);
		for (size_t i = 0; i < n && i < 16; i++) {
			uint32_t bits = all[i].bits, mask = bits ? UINT32_MAX << (32 - bits) : 0, differing = 0;

			for (size_t j = 0; j < 4; j++)
				differing = differing << 8 | (uint32_t)(all[i].addr.b[j] ^ source[j]);
			if ((differing & mask) == 0 && bits >= longest) {
				owner = k;
				longest = bits;
			}
		}
	}
	return owner;
}

static void check_delivered(struct side *s, const uint8_t *b, size_t n)
{
	struct side *from;
	uint8_t packet[SIZE_MAX_PACKET], owner = (uint8_t)owner_of(s, b + 12);

	must(n >= 24 && b[20] < SIDES && owner);
	from = &s->world->side[b[20]];
	must(s->world->keys_ever[b[20]] & 1u << owner); /* the peer has sealed it */
	must(n == make_packet(from, packet, b[19], b[21]) && memcmp(b + 20, packet + 20, n - 20) == 0);
}

static void receive(struct side *s, const struct datagram *d, uint8_t how)
{
	size_t need = d->n > 16 ? d->n - 16 : 0;
	struct space in = space_new(d->n), out = space_new(need);
	struct wgproto_packet p = { .src = in.b, .src_bytes = d->n, .dst = out.b, .dst_space = need, .tos = d->tos };

	memcpy(in.b, d->bytes, d->n);
	if (how & 4 && d->n > 16) /* in place */
		p.dst = in.b + 16;
	p.path.remote = endpoint_of(how);
	if (how == 9)
		p.path.remote.addr.family = 0;
	else if (how & 8)
		p.path.local = endpoint_of(1).addr;
	if (CALL(s, WGPROTO_OK, wgproto_open(s->w, s->world->now_ns, &p, 1))) {
		must(p.action != WGPROTO_SEND && (p.action == WGPROTO_DELIVER || p.dst_bytes == 0));
		if (p.action == WGPROTO_DELIVER)
			check_delivered(s, p.dst, p.dst_bytes);
		if (CALL(s, WGPROTO_OK, wgproto_control_datagrams(s->w, s->world->now_ns, &p, 1, s->world->under_load)))
			must(p.action != WGPROTO_CONTROL);
	}
	space_free(&out, p.action == WGPROTO_DELIVER ? p.dst_bytes : 0);
	space_free(&in, 0);
}

/* One of those that were sent, or bytes of the input; altered or shortened. */
static void receive_some(struct world *x, struct side *s, uint8_t how)
{
	struct datagram d = { .n = 0 };

	if (how & 0x40) {
		d.n = byte(x);
		for (size_t i = 0; i < d.n; i++)
			d.bytes[i] = byte(x);
	} else if (x->n_flight > 0) {
		d = x->flight[byte(x) % (x->n_flight < FLIGHT_MAX ? x->n_flight : FLIGHT_MAX)];
	}
	if (how & 0x20 && d.n > 0)
		d.bytes[byte(x) % d.n] ^= byte(x);
	if (how & 0x10)
		d.n -= d.n < 16 ? d.n : byte(x) % 16;
	receive(s, &d, how);
}

/* Runs the timers that are due, and passes what is sent to all others, until nothing more is sent. */
static void exchange(struct world *x)
{
	for (size_t i = 0; i < SIDES; i++) {
		struct side *s = &x->side[i];

		if (!s->w)
			continue;
		for (int rounds = 0; wgproto_deadline(s->w) <= x->now_ns; rounds++) {
			must(rounds < ROUNDS_MAX);
			(void)CALL(s, WGPROTO_OK, wgproto_tick(s->w, x->now_ns));
			drain(s);
		}
	}
	for (int rounds = 0; x->next_flight < x->n_flight && rounds < ROUNDS_MAX; rounds++) {
		struct datagram d;

		if (x->n_flight - x->next_flight > FLIGHT_MAX)
			x->next_flight = x->n_flight - FLIGHT_MAX;
		d = x->flight[x->next_flight++ % FLIGHT_MAX];
		for (size_t i = 0; i < SIDES; i++)
			if (x->side[i].w) {
				receive(&x->side[i], &d, 3);
				drain(&x->side[i]);
			}
	}
}

/* ---- the script ---- */

/* Into a new instance, which continues; the old one is freed, and nothing has changed for others. */
static void hand_over(struct world *x, struct side *s, bool shortened)
{
	struct side before = *s;
	enum wgproto_result result;
	struct space state;
	size_t n = 0;

	if (s->closed)
		return;
	(void)CALL(s, WGPROTO_INVALID, wgproto_export(s->w, NULL, &n));
	state = space_new(n);
	must(CALL(s, WGPROTO_OK, wgproto_export(s->w, state.b, &n)) && n == state.n);
	side_free(s);
	side_new(x, s, 0);
	s->in_call = true;
	result = wgproto_import(s->w, x->now_ns, state.b, n - shortened);
	s->in_call = false;
	must(result == WGPROTO_OK || (result == WGPROTO_INVALID && wgproto_up(s->w, 0) == WGPROTO_BROKEN));
	must((result == WGPROTO_OK) != shortened || x->went_back); /* sessions are not from the future */
	s->key = before.key;
	s->peers = before.peers;
	s->is_up = before.is_up;
	s->closed = result != WGPROTO_OK;
	space_free(&state, 0);
}

static void list(struct side *s)
{
	struct wgproto_peer peer;
	const uint8_t *after = NULL;
	unsigned int found = 0;
	uint8_t key[32];

	if (s->closed)
		return;
	for (; wgproto_peer_next(s->w, after, 32, &peer) == WGPROTO_OK; after = key)
		for (unsigned int k = 1; k < KEYS; k++)
			if (memcmp(memcpy(key, peer.public_key, 32), keys[k].public, 32) == 0)
				found |= 1u << k;
	must(found == s->peers);
	must(wgproto_public_key(s->w, key, 32) == (s->key ? WGPROTO_OK : WGPROTO_END));
	must(!s->key || memcmp(key, keys[s->key].public, 32) == 0);
}

static void misuse(struct side *s, unsigned int k)
{
	struct wgproto_packet p = { .src = keys[k].public, .src_bytes = 32 };
	uint8_t small[32];

	if (s->closed)
		return;
	must(wgproto_peer_add(s->w, keys[k].public, 31) == WGPROTO_INVALID && wgproto_peer_add(NULL, NULL, 0) == WGPROTO_INVALID);
	must(wgproto_set_private_key(s->w, NULL, 32) == WGPROTO_INVALID && wgproto_seal(s->w, 0, NULL, 1) == WGPROTO_INVALID);
	must(wgproto_seal(s->w, 0, &p, 1) == WGPROTO_INVALID && wgproto_open(s->w, 0, &p, 1) == WGPROTO_INVALID);
	p.dst = small;
	p.dst_space = sizeof small;
	must(wgproto_seal(s->w, 0, &p, 1) == WGPROTO_INVALID && wgproto_next(s->w, 0, &p) == WGPROTO_INVALID);
	must(wgproto_drops(s->w, (enum wgproto_drop)250) == 0 && wgproto_import(s->w, 0, NULL, 0) == WGPROTO_INVALID);
}

static void configure(struct world *x, struct side *s, unsigned int k, uint8_t what)
{
	const uint8_t *peer = keys[k].public;

	switch (what % 14) {
	case 0: set_key(s, k); break;
	case 1: add_peer(s, k); break;
	case 2: remove_peer(s, k); break;
	case 3: set_endpoint(s, k, byte(x)); break;
	case 4: allow(s, k, byte(x) % 35, true); break;
	case 5: allow(s, k, byte(x) % 35, false); break;
	case 6: (void)CALL(s, needs_peer(s, k), wgproto_disallow_all(s->w, peer, 32)); break;
	case 7: (void)CALL(s, needs_peer(s, k), wgproto_peer_set_psk(s->w, peer, 32, keys[byte(x) % KEYS].private, 32)); break;
	case 8: (void)CALL(s, needs_peer(s, k), wgproto_peer_set_keepalive(s->w, x->now_ns, peer, 32, byte(x))); break;
	case 9: (void)CALL(s, needs_peer(s, k), wgproto_peer_send_keepalive(s->w, peer, 32)); break;
	case 10: (void)CALL(s, WGPROTO_OK, wgproto_set_mtu(s->w, byte(x) * 8u)); break;
	case 11: (void)CALL(s, WGPROTO_OK, wgproto_expire_sessions(s->w)); break;
	case 12: (void)CALL(s, WGPROTO_OK, wgproto_clear_sources(s->w)); break;
	default: (void)CALL(s, needs_peer(s, k), wgproto_peer_flush(s->w, peer, 32)); break;
	}
}

static void operate(struct world *x, struct side *s, unsigned int k, uint8_t what)
{
	switch (what % 13) {
	case 0:
		if (CALL(s, WGPROTO_OK, wgproto_up(s->w, x->now_ns)))
			s->is_up = true;
		break;
	case 1:
		if (CALL(s, WGPROTO_OK, wgproto_down(s->w)))
			s->is_up = false;
		break;
	case 2: side_free(s); break;
	case 3: hand_over(x, s, byte(x) == 1); break;
	case 4: s->no_random = !s->no_random; break;
	case 5: list(s); break;
	case 6: misuse(s, k); break;
	case 7: x->now_ns += byte(x) * ns_per_ms; break;
	case 8: x->now_ns += byte(x) * ns_per_s; break;
	case 9:
		x->now_ns -= byte(x) * ns_per_s;
		x->went_back = true;
		break;
	case 10: x->under_load = !x->under_load; break;
	case 11: (void)CALL(s, WGPROTO_OK, wgproto_send_failed(s->w, &s->last, 1, byte(x))); break;
	default: (void)CALL(s, WGPROTO_OK, wgproto_clear_source(s->w, &s->last)); break;
	}
}

/* One byte: what to do, with which instance; the next one: which peer, and whether all is exchanged afterwards. */
static void step(struct world *x)
{
	uint8_t op = byte(x), more = byte(x);
	struct side *s = &x->side[op / 64 % SIDES];
	unsigned int k = more % KEYS;

	if (k == 0 && (op & 7) != 0)
		k = 1;
	x->next_flight = x->n_flight;
	if (!s->w)
		side_new(x, s, more >> 2);
	switch (op & 7) {
	case 0: set_key(s, k); break;
	case 1: join(s, k); break;
	case 2: seal(s, k, byte(x), op >> 3 & 7); break;
	case 3: receive_some(x, s, byte(x)); break;
	case 4: configure(x, s, k, byte(x)); break;
	default: operate(x, s, k, byte(x)); break;
	}
	if (s->w)
		drain(s);
	if (more & 0x80)
		exchange(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct world *x = calloc(1, sizeof *x);

	must(x != NULL);
	for (unsigned int k = 1; k < KEYS && keys[k].private[0] == 0; k++) {
		memset(keys[k].private, (int)(8 * k), WGPROTO_KEY_BYTES);
		must(wgproto_key_clamp(keys[k].private, 32) == WGPROTO_OK);
		must(wgproto_key_public(keys[k].public, 32, keys[k].private, 32) == WGPROTO_OK);
	}
	x->p = data;
	x->n = n;
	x->now_ns = 1000000 * ns_per_s;
	for (int i = 0; i < STEPS_MAX && x->n > 0; i++)
		step(x);
	for (size_t i = 0; i < SIDES; i++)
		if (x->side[i].w)
			side_free(&x->side[i]);
	free(x);
	return 0;
}
