/* Two tunnels that are each other's peer. */
#include "tunnel_pair.h"

#include <stdlib.h>

#include "crypto/crypto.h"

static uint64_t next_random(struct pair_side *s)
{
	uint64_t x = s->random += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

static void env_random(void *ctx, void *out, size_t n)
{
	struct pair_side *s = ctx;
	uint8_t *p = out;

	for (; n > 0 && s->script_n > 0; n--, s->script_n--)
		*p++ = *s->script++;
	for (; n > 0; n--)
		*p++ = (uint8_t)next_random(s);
}

static void env_realtime(void *ctx, uint64_t *unix_s, uint32_t *ns)
{
	struct pair_side *s = ctx;
	uint64_t now_ns = s->wall_stopped ? 0 : *s->now_ns;

	*unix_s = s->wall_s + now_ns / NS_PER_S;
	*ns = s->wall_stopped ? s->wall_ns : (uint32_t)(now_ns % NS_PER_S);
}

static void env_begin(void *ctx)
{
	struct pair_side *s = ctx;

	if (s->publishing++ != 0)
		abort(); /* a mutex would deadlock */
}

static void env_end(void *ctx)
{
	struct pair_side *s = ctx;

	if (--s->publishing != 0)
		abort();
}

static void must(bool ok)
{
	if (!ok)
		abort();
}

static struct ip_addr inner_v6(int side)
{
	uint8_t b[16] = { 0xfd };

	b[15] = (uint8_t)(side + 1);
	return ip_v6(b);
}

static void side_init(struct pair *p, int i, uint64_t seed)
{
	struct pair_side *s = &p->side[i];
	struct wg_env env = { .ctx = s, .random = env_random, .realtime = env_realtime,
			      .publish_begin = env_begin, .publish_end = env_end };

	s->random = seed * 2 + (uint64_t)i;
	s->now_ns = &p->now_ns;
	s->wall_s = 1700000000;
	s->sent = calloc(1, sizeof *s->sent);
	s->got = calloc(1, sizeof *s->got);
	s->tunnel = tunnel_new(&env);
	must(s->sent && s->got && s->tunnel);
	env_random(s, &s->key, sizeof s->key);
	x25519_clamp(&s->key);
	x25519_public(&s->pub, &s->key);
	tunnel_set_private_key(s->tunnel, &s->key);
	s->address = ip_v4((const uint8_t[4]){ 10, 0, 0, (uint8_t)(i + 1) });
}

static void side_connect(struct pair *p, int i)
{
	struct pair_side *s = &p->side[i], *other = &p->side[!i];
	struct ip_addr v6 = inner_v6(!i);
	struct ip_prefix prefix;

	s->path.remote.addr = ip_v4((const uint8_t[4]){ 192, 0, 2, (uint8_t)(!i + 1) });
	s->path.remote.port = (uint16_t)(51820 + !i);
	must(tunnel_peer_add(&s->peer, s->tunnel, &other->pub) == 0);
	tunnel_peer_set_endpoint(s->tunnel, s->peer, &s->path.remote);
	must(prefix_make(&prefix, &other->address, 32));
	must(tunnel_route_add(s->tunnel, s->peer, &prefix) == 0);
	must(prefix_make(&prefix, &v6, 128));
	must(tunnel_route_add(s->tunnel, s->peer, &prefix) == 0);
	tunnel_up(s->tunnel, p->now_ns);
}

struct pair *pair_new(uint64_t seed)
{
	struct pair *p = calloc(1, sizeof *p);

	must(p != NULL);
	p->now_ns = 1000 * NS_PER_S;
	side_init(p, 0, seed);
	side_init(p, 1, seed);
	side_connect(p, 0);
	side_connect(p, 1);
	return p;
}

void pair_free(struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		tunnel_free(p->side[i].tunnel);
		free(p->side[i].sent);
		free(p->side[i].got);
	}
	free(p);
}

static void queue_add(struct pair_queue *q, const struct wg_buf *buf, const struct wg_path *path)
{
	struct pair_packet *packet = &q->packets[q->n++];

	must(q->n <= PAIR_QUEUE_MAX && buf->out_n <= PAIR_PACKET_MAX);
	packet->n = buf->out_n;
	packet->tos = buf->tos;
	packet->drop = buf->drop;
	packet->verdict = buf->verdict;
	if (path)
		packet->path = *path;
	memcpy(packet->bytes, buf->dst, buf->out_n);
}

static void drain(struct pair *p, int i)
{
	static uint8_t datagram[WG_DATAGRAM_MAX + 64];
	struct pair_side *s = &p->side[i];
	struct wg_buf out = { .dst = datagram };
	struct wg_path to;

	while (tunnel_control_next(s->tunnel, p->now_ns, &out, &to))
		queue_add(s->sent, &out, &to);
}

struct pair_packet pair_tun(struct pair *p, int i, const uint8_t *bytes, size_t n)
{
	struct pair_side *s = &p->side[i];
	uint8_t *in = malloc(n), *dst = malloc(n + 15 + WG_OVERHEAD); /* exact, for ASan */
	struct wg_buf buf = { .src = in, .dst = dst, .n = (uint32_t)n };
	struct pair_packet result = { 0 };
	struct wg_path path;
	struct wg_batch b = { &buf, 1, &path, 0 };

	must(in && dst);
	memcpy(in, bytes, n);
	tunnel_seal(s->tunnel, p->now_ns, &b);
	result.verdict = buf.verdict;
	if (buf.verdict == WG_TO_UDP)
		queue_add(s->sent, &buf, &b.paths[buf.path]);
	tunnel_control_tun(s->tunnel, p->now_ns, &b);
	result.drop = buf.drop;
	drain(p, i);
	free(in);
	free(dst);
	return result;
}

struct pair_packet pair_udp(struct pair *p, int i, const uint8_t *bytes, size_t n,
			    const struct wg_path *path, uint8_t tos)
{
	struct pair_side *s = &p->side[i];
	uint8_t *in = malloc(n), *dst = malloc(n > 16 ? n - 16 : 1);
	struct wg_buf buf = { .src = in, .dst = dst, .n = (uint32_t)n, .tos = tos };
	struct wg_path from = path ? *path : s->path;
	struct wg_batch b = { &buf, 1, &from, 1 };
	struct pair_packet result = { 0 };

	must(in && dst);
	memcpy(in, bytes, n);
	tunnel_open(s->tunnel, p->now_ns, &b);
	result.verdict = buf.verdict;
	if (buf.verdict == WG_TO_TUN)
		queue_add(s->got, &buf, NULL);
	tunnel_control_udp(s->tunnel, p->now_ns, &b, s->under_load);
	result.drop = buf.drop;
	drain(p, i);
	free(in);
	free(dst);
	return result;
}

void pair_collect(struct pair *p, int i)
{
	struct wg_tunnel *t = p->side[i].tunnel;

	drain(p, i);
	while (tunnel_deadline(t) <= p->now_ns) {
		tunnel_tick(t, p->now_ns);
		drain(p, i);
	}
}

static bool carry(struct pair *p, int from)
{
	struct pair_queue *q = p->side[from].sent;
	struct pair_packet packet;

	if (q->n == 0)
		return false;
	packet = q->packets[0];
	memmove(q->packets, q->packets + 1, --q->n * sizeof *q->packets);
	pair_udp(p, !from, packet.bytes, packet.n, NULL, packet.tos);
	return true;
}

void pair_exchange(struct pair *p)
{
	pair_collect(p, 0);
	pair_collect(p, 1);
	while (carry(p, 0) || carry(p, 1))
		continue;
}

void pair_run(struct pair *p, uint64_t until_ns, bool cut)
{
	for (;;) {
		uint64_t next_ns = NEVER;

		pair_collect(p, 0);
		pair_collect(p, 1);
		if (!cut)
			pair_exchange(p);
		for (int i = 0; i < 2; i++) {
			uint64_t at_ns = tunnel_deadline(p->side[i].tunnel);
			next_ns = at_ns < next_ns ? at_ns : next_ns;
		}
		if (next_ns > until_ns)
			break;
		p->now_ns = next_ns > p->now_ns ? next_ns : p->now_ns;
	}
	p->now_ns = until_ns;
}

void pair_clear(struct pair *p)
{
	for (int i = 0; i < 2; i++)
		p->side[i].sent->n = p->side[i].got->n = 0;
}

void pair_ipv4(uint8_t *out, size_t n, int from)
{
	uint32_t sum = 0;

	memset(out, 0, n);
	out[0] = 0x45;
	store_be16(out + 2, (uint16_t)n);
	out[8] = 64;
	out[9] = 17;
	memcpy(out + 12, (const uint8_t[4]){ 10, 0, 0, (uint8_t)(from + 1) }, 4);
	memcpy(out + 16, (const uint8_t[4]){ 10, 0, 0, (uint8_t)(!from + 1) }, 4);
	for (size_t i = 0; i < 20; i += 2)
		sum += load_be16(out + i);
	sum = (sum & 0xffff) + (sum >> 16);
	store_be16(out + 10, (uint16_t) ~((sum & 0xffff) + (sum >> 16)));
	for (size_t i = 20; i < n; i++)
		out[i] = (uint8_t)(i * 7);
}

void pair_ipv6(uint8_t *out, size_t n, int from)
{
	struct ip_addr source = inner_v6(from), destination = inner_v6(!from);

	memset(out, 0, n);
	out[0] = 0x60;
	store_be16(out + 4, (uint16_t)(n - 40));
	out[6] = 17;
	out[7] = 64;
	memcpy(out + 8, source.b, 16);
	memcpy(out + 24, destination.b, 16);
	for (size_t i = 40; i < n; i++)
		out[i] = (uint8_t)(i * 7);
}

struct wg_peer_state pair_state(struct pair *p, int side)
{
	struct wg_peer_state state;

	tunnel_peer_state(p->side[side].tunnel, p->side[side].peer, &state);
	return state;
}
