/* Fuzz target: two instances of libwgproto with a session, and a script in bytes of datagrams, alterations, inner packets,
 * time, load and configuration. Everything delivered must be a valid packet of the other peer, and nothing may break an
 * instance. */
#include <stdlib.h>
#include <string.h>

#include "lib/wgproto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { QUEUE_MAX = 512, PACKET_MAX = 2048 };
static const uint64_t ns_per_s = 1000000000, ns_per_ms = 1000000;

struct datagram {
	size_t n;
	uint8_t tos, bytes[PACKET_MAX];
};

struct side {
	struct wgproto *w;
	uint8_t key[32], pub[32], number;
	uint64_t random;
	const uint64_t *now_ns;
	bool under_load;
	size_t n_sent, n_got;
	struct datagram sent[QUEUE_MAX];
};

struct pair {
	uint64_t now_ns;
	struct side side[2];
};

struct script {
	const uint8_t *p;
	size_t n;
};

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void done(enum wgproto_result result)
{
	must(result == WGPROTO_OK);
}

/* ---- two instances ---- */

static bool env_random(void *ctx, void *p, size_t n)
{
	struct side *s = ctx;

	for (size_t i = 0; i < n; i++) {
		uint64_t x = s->random += 0x9e3779b97f4a7c15ull;

		x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
		x = (x ^ x >> 27) * 0x94d049bb133111ebull;
		((uint8_t *)p)[i] = (uint8_t)(x ^ x >> 31);
	}
	return true;
}

static void env_realtime(void *ctx, uint64_t *unix_s, uint32_t *ns)
{
	const struct side *s = ctx;

	*unix_s = 1700000000 + *s->now_ns / ns_per_s;
	*ns = (uint32_t)(*s->now_ns % ns_per_s);
}

static struct wgproto_endpoint endpoint_of(const struct side *s)
{
	return (struct wgproto_endpoint){ .addr = { .family = 4, .b = { 192, 0, 2, s->number } }, .port = 51820 };
}

static struct wgproto_prefix prefix_of(const struct side *s, uint8_t bits)
{
	return (struct wgproto_prefix){ .addr = { .family = 4, .b = { 10, 0, 0, s->number } }, .bits = bits };
}

static void side_init(struct pair *p, uint8_t number, uint64_t seed)
{
	struct side *s = &p->side[number - 1];
	const struct wgproto_env env = { .size = sizeof env, .ctx = s, .random = env_random, .realtime = env_realtime };

	s->now_ns = &p->now_ns;
	s->number = number;
	s->random = seed * 2 + number - 1;
	done(wgproto_new(&s->w, &env));
	must(env_random(s, s->key, sizeof s->key));
	done(wgproto_key_clamp(s->key, sizeof s->key));
	done(wgproto_key_public(s->pub, sizeof s->pub, s->key, sizeof s->key));
	done(wgproto_set_private_key(s->w, s->key, sizeof s->key));
}

static void side_connect(struct pair *p, int i)
{
	struct side *s = &p->side[i], *other = &p->side[!i];
	struct wgproto_prefix v4 = prefix_of(other, 32), v6 = { .addr = { .family = 6, .b = { 0xfd } }, .bits = 128 };
	struct wgproto_endpoint endpoint = endpoint_of(other);

	v6.addr.b[15] = other->number;
	done(wgproto_peer_add(s->w, other->pub, 32));
	done(wgproto_peer_set_endpoint(s->w, other->pub, 32, &endpoint));
	done(wgproto_allow(s->w, other->pub, 32, &v4));
	done(wgproto_allow(s->w, other->pub, 32, &v6));
	done(wgproto_up(s->w, p->now_ns));
}

static void send_one(struct side *s, const struct wgproto_packet *p)
{
	struct datagram *d = &s->sent[s->n_sent++];

	must(s->n_sent <= QUEUE_MAX && p->dst_bytes <= PACKET_MAX);
	d->n = p->dst_bytes;
	d->tos = p->tos;
	memcpy(d->bytes, p->dst, p->dst_bytes);
}

static void drain(struct pair *p, struct side *s)
{
	static uint8_t space[WGPROTO_DATAGRAM_MAX];
	struct wgproto_packet out = { .dst = space, .dst_space = sizeof space };
	enum wgproto_result result;

	while ((result = wgproto_next(s->w, p->now_ns, &out)) == WGPROTO_OK)
		send_one(s, &out);
	must(result == WGPROTO_END);
}

static void check_delivered(const struct side *s, const uint8_t *b, size_t n)
{
	must(n >= 20 && (b[0] >> 4 == 4 || b[0] >> 4 == 6));
	must(b[0] >> 4 != 4 || ((size_t)(b[2] << 8 | b[3]) == n && b[15] != s->number));
	must(b[0] >> 4 != 6 || (n >= 40 && (size_t)(b[4] << 8 | b[5]) + 40 == n && b[23] != s->number));
}

/* Blocks of exactly the size that the library asks for, so that a sanitizer sees overruns. */
static void from_tun(struct pair *p, int i, const uint8_t *bytes, size_t n)
{
	struct side *s = &p->side[i];
	uint8_t *in = malloc(n + 1), *dst = malloc(WGPROTO_SEALED_BYTES(n));
	struct wgproto_packet packet = { .src = in, .src_bytes = n, .dst = dst, .dst_space = WGPROTO_SEALED_BYTES(n) };

	must(in && dst);
	memcpy(in, bytes, n);
	done(wgproto_seal(s->w, p->now_ns, &packet, 1));
	if (packet.action == WGPROTO_SEND)
		send_one(s, &packet);
	done(wgproto_control_packets(s->w, p->now_ns, &packet, 1));
	must(packet.action != WGPROTO_CONTROL);
	drain(p, s);
	free(in);
	free(dst);
}

static void from_udp(struct pair *p, int i, const uint8_t *bytes, size_t n, uint8_t tos)
{
	struct side *s = &p->side[i];
	size_t space = n > 16 ? n - 16 : 0;
	uint8_t *in = malloc(n + 1), *dst = malloc(space + 1);
	struct wgproto_packet packet = { .src = in, .src_bytes = n, .dst = dst, .dst_space = space, .tos = tos };

	must(in && dst);
	memcpy(in, bytes, n);
	packet.path.remote = endpoint_of(&p->side[!i]);
	done(wgproto_open(s->w, p->now_ns, &packet, 1));
	if (packet.action == WGPROTO_DELIVER) {
		check_delivered(s, packet.dst, packet.dst_bytes);
		s->n_got++;
	}
	done(wgproto_control_datagrams(s->w, p->now_ns, &packet, 1, s->under_load));
	must(packet.action != WGPROTO_CONTROL);
	drain(p, s);
	free(in);
	free(dst);
}

static bool carry(struct pair *p, int from)
{
	struct side *s = &p->side[from];
	struct datagram d;

	if (s->n_sent == 0)
		return false;
	d = s->sent[0];
	memmove(s->sent, s->sent + 1, --s->n_sent * sizeof *s->sent);
	from_udp(p, !from, d.bytes, d.n, d.tos);
	return true;
}

/* Runs the timers that are due, and delivers datagrams until neither side sends more. */
static void exchange(struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		drain(p, &p->side[i]);
		while (wgproto_deadline(p->side[i].w) <= p->now_ns) {
			done(wgproto_tick(p->side[i].w, p->now_ns));
			drain(p, &p->side[i]);
		}
	}
	while (carry(p, 0) || carry(p, 1))
		continue;
}

static void clear(struct pair *p)
{
	p->side[0].n_sent = p->side[1].n_sent = 0;
}

/* ---- the script ---- */

static uint8_t byte(struct script *s)
{
	if (s->n == 0)
		return 0;
	s->n--;
	return *s->p++;
}

/* Up to 2000 bytes: reads a length, and as many bytes as are left of it. */
static size_t bytes(struct script *s, const uint8_t **out)
{
	size_t n = byte(s);

	n = (n << 8 | byte(s)) % 2000;
	if (n > s->n)
		n = s->n;
	*out = s->p;
	s->p += n;
	s->n -= n;
	return n;
}

static void configure(struct pair *p, int side, struct script *s)
{
	struct side *x = &p->side[side];
	const uint8_t *peer = p->side[!side].pub;
	uint8_t key[32] = { byte(s) };
	struct wgproto_prefix prefix;

	switch (byte(s) % 9) {
	case 0: done(wgproto_down(x->w)); break;
	case 1: done(wgproto_up(x->w, p->now_ns)); break;
	case 2: done(wgproto_set_private_key(x->w, key, 32)); break;
	case 3: done(wgproto_set_private_key(x->w, x->key, 32)); break;
	case 4: done(wgproto_peer_set_psk(x->w, peer, 32, key, 32)); break;
	case 5: done(wgproto_peer_set_keepalive(x->w, p->now_ns, peer, 32, byte(s))); break;
	case 6: done(wgproto_set_mtu(x->w, byte(s) * 8u)); break;
	case 7: done(wgproto_peer_flush(x->w, peer, 32)); break;
	default:
		prefix = prefix_of(&p->side[!side], byte(s) % 33);
		done(byte(s) % 2 ? wgproto_disallow(x->w, peer, 32, &prefix) : wgproto_allow(x->w, peer, 32, &prefix));
		break;
	}
}

/* Delivers the first datagram in flight with one byte altered. */
static void alter(struct pair *p, int from, struct script *s)
{
	struct datagram d;
	size_t at;

	if (p->side[from].n_sent == 0)
		return;
	d = p->side[from].sent[0];
	at = (size_t)(byte(s) << 8 | byte(s)) % d.n;
	d.bytes[at] ^= byte(s);
	from_udp(p, !from, d.bytes, d.n, byte(s));
}

static void step(struct pair *p, struct script *s)
{
	uint8_t op = byte(s);
	int side = op >> 7;
	const uint8_t *b;
	size_t n;

	switch (op & 0x7) {
	case 0:
		n = bytes(s, &b);
		from_udp(p, side, b, n, byte(s));
		break;
	case 1:
		n = bytes(s, &b);
		from_tun(p, side, b, n);
		break;
	case 2: p->now_ns += byte(s) * ns_per_ms; break;
	case 3: p->now_ns += byte(s) * ns_per_s; break;
	case 4: alter(p, side, s); break;
	case 5: p->side[side].under_load = byte(s) & 1; break;
	case 6: configure(p, side, s); break;
	default:
		if (byte(s) % 4 == 0)
			clear(p);
		break;
	}
	if (op & 0x40)
		exchange(p);
	else if (p->side[0].n_sent > 200 || p->side[1].n_sent > 200)
		clear(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint8_t ping[84] = { 0x45, 0, 0, 84, [8] = 64, 17, [12] = 10, 0, 0, 1, 10, 0, 0, 2 };
	struct script s = { data, n };
	struct pair *p = calloc(1, sizeof *p);
	uint8_t seed = byte(&s);

	must(p != NULL);
	p->now_ns = 1000 * ns_per_s;
	side_init(p, 1, seed);
	side_init(p, 2, seed);
	side_connect(p, 0);
	side_connect(p, 1);
	from_tun(p, 0, ping, sizeof ping);
	exchange(p);
	must(p->side[1].n_got == 1);
	clear(p);
	for (int steps = 0; s.n > 0 && steps < 64; steps++)
		step(p, &s);
	wgproto_free(p->side[0].w);
	wgproto_free(p->side[1].w);
	free(p);
	return 0;
}
