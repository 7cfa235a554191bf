/* Fuzz target: two tunnels with a session, and a script in bytes of datagrams, alterations, inner
 * packets, time, load and configuration. Everything delivered to a TUN must be a valid packet of the
 * other peer. */
#include <stdlib.h>
#include "crypto/crypto.h"
#include "../lib/tunnel_pair.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct script {
	const uint8_t *p;
	size_t n;
};

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

static void check_delivered(struct pair *p, int side)
{
	const struct pair_queue *q = p->side[side].got;

	for (size_t i = 0; i < q->n; i++) {
		const uint8_t *b = q->packets[i].bytes;
		size_t n = q->packets[i].n;

		if (n < 20 || (b[0] >> 4 != 4 && b[0] >> 4 != 6))
			abort();
		if (b[0] >> 4 == 4 && (load_be16(b + 2) != n || b[15] == side + 1))
			abort();
		if (b[0] >> 4 == 6 && (n < 40 || load_be16(b + 4) + 40u != n || b[23] == side + 1))
			abort();
	}
}

static void configure(struct pair *p, int side, struct script *s)
{
	struct pair_side *x = &p->side[side];
	struct wg_private key = { { 0 } };
	struct ip_prefix prefix;
	struct wg_psk psk = { { 0 } };

	key.b[0] = psk.b[0] = byte(s);
	switch (byte(s) % 9) {
	case 0:
		tunnel_down(x->tunnel);
		break;
	case 1:
		tunnel_up(x->tunnel, p->now_ns);
		break;
	case 2:
		tunnel_set_private_key(x->tunnel, &key);
		break;
	case 3:
		tunnel_set_private_key(x->tunnel, &x->key);
		break;
	case 4:
		tunnel_peer_set_psk(x->tunnel, x->peer, &psk);
		break;
	case 5:
		tunnel_peer_set_keepalive(x->tunnel, p->now_ns, x->peer, byte(s));
		break;
	case 6:
		tunnel_set_mtu(x->tunnel, byte(s) * 8u);
		break;
	case 7:
		tunnel_peer_flush(x->tunnel, x->peer);
		break;
	default:
		must(prefix_make(&prefix, &p->side[!side].address, byte(s) % 33));
		if (byte(s) % 2)
			tunnel_route_remove(x->tunnel, x->peer, &prefix);
		else
			must(tunnel_route_add(x->tunnel, x->peer, &prefix) == 0);
		break;
	}
}

/* Delivers the first datagram in flight with one byte altered. */
static void alter(struct pair *p, int from, struct script *s)
{
	struct pair_queue *q = p->side[from].sent;
	struct pair_packet packet;
	size_t at;

	if (q->n == 0)
		return;
	packet = q->packets[0];
	at = (size_t)(byte(s) << 8 | byte(s)) % packet.n;
	packet.bytes[at] ^= byte(s);
	pair_udp(p, !from, packet.bytes, packet.n, NULL, byte(s));
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
		pair_udp(p, side, b, n, NULL, byte(s));
		break;
	case 1:
		n = bytes(s, &b);
		pair_tun(p, side, b, n);
		break;
	case 2:
		p->now_ns += byte(s) * NS_PER_MS;
		break;
	case 3:
		p->now_ns += byte(s) * NS_PER_S;
		break;
	case 4:
		alter(p, side, s);
		break;
	case 5:
		p->side[side].under_load = byte(s) & 1;
		break;
	case 6:
		configure(p, side, s);
		break;
	default:
		if (byte(s) % 4 == 0)
			pair_clear(p);
		break;
	}
	if (op & 0x40)
		pair_exchange(p);
	else if (p->side[0].sent->n > 200 || p->side[1].sent->n > 200)
		pair_clear(p);
	check_delivered(p, 0);
	check_delivered(p, 1);
	p->side[0].got->n = p->side[1].got->n = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct script s = { data, n };
	struct pair *p = pair_new(byte(&s));
	uint8_t ping[84];

	pair_ipv4(ping, sizeof ping, 0);
	pair_tun(p, 0, ping, sizeof ping);
	pair_exchange(p);
	must(p->side[1].got->n == 1);
	pair_clear(p);
	for (int steps = 0; s.n > 0 && steps < 64; steps++)
		step(p, &s);
	pair_free(p);
	return 0;
}
