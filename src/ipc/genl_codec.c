/* The "wireguard" family's attributes, both ways. Netlink integers are in host order, addresses and
 * ports inside sockaddrs in network order. */
#include "genl_codec.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "genl_abi.h"

/* ---- attributes ---- */

static size_t padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static void attr_header(uint8_t *out, uint16_t type, size_t n)
{
	uint16_t header[2] = { (uint16_t)n, type };

	memcpy(out, header, sizeof header);
}

size_t genl_attr_put(uint8_t *out, uint16_t type, const void *value, size_t n)
{
	size_t whole = padded(ATTR_HEADER_BYTES + n);

	attr_header(out, type, ATTR_HEADER_BYTES + n);
	memcpy(out + ATTR_HEADER_BYTES, value, n);
	memset(out + ATTR_HEADER_BYTES + n, 0, whole - ATTR_HEADER_BYTES - n);
	return whole;
}

bool genl_attr_next(struct genl_attr *a, const uint8_t **p, size_t *n)
{
	uint16_t header[2];
	size_t whole;

	if (*n < ATTR_HEADER_BYTES)
		return false;
	memcpy(header, *p, sizeof header);
	if (header[0] < ATTR_HEADER_BYTES || header[0] > *n)
		return false;
	a->type = header[1] & ATTR_TYPE_MASK;
	a->p = *p + ATTR_HEADER_BYTES;
	a->n = header[0] - ATTR_HEADER_BYTES;
	whole = padded(header[0]) < *n ? padded(header[0]) : *n;
	*p += whole;
	*n -= whole;
	return true;
}

/* ---- out ---- */

/* Where attributes are appended; a nest is an offset whose length is filled in when it ends. */
struct sheet {
	uint8_t *p;
	size_t n, cap;
};

static bool sheet_has(const struct sheet *s, size_t bytes)
{
	return s->cap - s->n >= bytes;
}

static void put(struct sheet *s, uint16_t type, const void *value, size_t n)
{
	s->n += genl_attr_put(s->p + s->n, type, value, n);
}

static void put_u32(struct sheet *s, uint16_t type, uint32_t v)
{
	put(s, type, &v, sizeof v);
}

static void put_u16(struct sheet *s, uint16_t type, uint16_t v)
{
	put(s, type, &v, sizeof v);
}

static size_t nest_begin(struct sheet *s)
{
	size_t at = s->n;

	s->n += ATTR_HEADER_BYTES;
	return at;
}

static void nest_end(struct sheet *s, size_t at, uint16_t type)
{
	attr_header(s->p + at, (uint16_t)(type | ATTR_NESTED), s->n - at);
}

static uint16_t family_number(const struct ip_addr *a)
{
	return a->family == IP_V6 ? AF_INET6 : AF_INET;
}

static void put_endpoint(struct sheet *s, const struct ip_endpoint *e)
{
	uint8_t sa[SOCKADDR_IN6_BYTES] = { 0 };
	uint16_t family = family_number(&e->addr);

	memcpy(sa, &family, sizeof family);
	store_be16(sa + 2, e->port);
	if (family == AF_INET) {
		memcpy(sa + 4, e->addr.b, 4);
		put(s, PEER_ENDPOINT, sa, SOCKADDR_IN_BYTES);
		return;
	}
	memcpy(sa + 8, e->addr.b, 16);
	memcpy(sa + 24, &e->scope, sizeof e->scope);
	put(s, PEER_ENDPOINT, sa, SOCKADDR_IN6_BYTES);
}

enum { ALLOWEDIP_BYTES_MAX = 4 + 8 + 20 + 8 + 8 };

static void put_allowedip(struct sheet *s, const struct wg_allowedip *ip)
{
	size_t nest = nest_begin(s);

	put_u16(s, ALLOWEDIP_FAMILY, family_number(&ip->prefix.addr));
	put(s, ALLOWEDIP_IPADDR, ip->prefix.addr.b, ip_bytes(&ip->prefix.addr));
	put(s, ALLOWEDIP_CIDR_MASK, &ip->prefix.bits, 1);
	if (ip->flags & WG_ALLOWEDIP_REMOVE)
		put_u32(s, ALLOWEDIP_FLAGS, ALLOWEDIP_F_REMOVE_ME);
	nest_end(s, nest, 0);
}

/* False when the message is full before the last one. */
static bool put_allowedips(struct sheet *s, struct genl_encoder *e, const struct wg_peer *peer)
{
	size_t nest;

	if (e->allowedip == peer->n_allowedips)
		return true;
	if (!sheet_has(s, ATTR_HEADER_BYTES + ALLOWEDIP_BYTES_MAX))
		return false;
	nest = nest_begin(s);
	for (; e->allowedip < peer->n_allowedips; e->allowedip++) {
		if (!sheet_has(s, ALLOWEDIP_BYTES_MAX))
			break;
		if (ip_bytes(&peer->allowedips[e->allowedip].prefix.addr) == 0) {
			e->failed = true;
			break;
		}
		put_allowedip(s, &peer->allowedips[e->allowedip]);
	}
	nest_end(s, nest, PEER_ALLOWEDIPS);
	return e->allowedip == peer->n_allowedips;
}

static uint32_t peer_flags(const struct wg_peer *peer)
{
	return (peer->flags & WG_PEER_REMOVE ? PEER_F_REMOVE_ME : 0) |
	       (peer->flags & WG_PEER_UPDATE_ONLY ? PEER_F_UPDATE_ONLY : 0) |
	       (peer->flags & WG_PEER_REPLACE_ALLOWEDIPS ? PEER_F_REPLACE_ALLOWEDIPS : 0);
}

enum { PEER_BYTES_MAX = 4 + 36 + 36 + 8 + 32 + 8 }; /* all but allowed-ips, with the nest's header */

static void put_peer_settings(struct sheet *s, const struct wg_peer *peer)
{
	uint32_t flags = peer_flags(peer);

	if (flags)
		put_u32(s, PEER_FLAGS, flags);
	if (peer->flags & WG_PEER_REMOVE)
		return;
	if (peer->flags & WG_PEER_HAS_PSK)
		put(s, PEER_PRESHARED_KEY, peer->psk.b, KEY_BYTES);
	if (peer->flags & WG_PEER_HAS_ENDPOINT)
		put_endpoint(s, &peer->endpoint);
	if (peer->flags & WG_PEER_HAS_KEEPALIVE)
		put_u16(s, PEER_KEEPALIVE, peer->keepalive_s);
}

/* A peer's first piece, or the next one. False when the message is full before its end. */
static bool put_peer(struct sheet *s, struct genl_encoder *e)
{
	const struct wg_peer *peer = &e->patch->peers[e->peer];
	bool whole = true;
	size_t nest;

	if (!sheet_has(s, PEER_BYTES_MAX + (e->peer_begun ? ALLOWEDIP_BYTES_MAX : 0)))
		return false;
	nest = nest_begin(s);
	put(s, PEER_PUBLIC_KEY, peer->public_key.b, KEY_BYTES);
	if (!e->peer_begun)
		put_peer_settings(s, peer);
	else if (peer->flags & WG_PEER_UPDATE_ONLY)
		put_u32(s, PEER_FLAGS, PEER_F_UPDATE_ONLY); /* or the rest would create it */
	e->peer_begun = true;
	if (!(peer->flags & WG_PEER_REMOVE))
		whole = put_allowedips(s, e, peer);
	nest_end(s, nest, 0);
	if (!whole)
		return false;
	e->peer++;
	e->allowedip = 0;
	e->peer_begun = false;
	return true;
}

static void put_device_settings(struct sheet *s, const struct wg_device *d)
{
	if (d->flags & WG_DEVICE_HAS_PRIVATE_KEY)
		put(s, DEVICE_PRIVATE_KEY, d->private_key.b, KEY_BYTES);
	if (d->flags & WG_DEVICE_HAS_LISTEN_PORT)
		put_u16(s, DEVICE_LISTEN_PORT, d->listen_port);
	if (d->flags & WG_DEVICE_HAS_FWMARK)
		put_u32(s, DEVICE_FWMARK, d->fwmark);
	if (d->flags & WG_DEVICE_REPLACE_PEERS)
		put_u32(s, DEVICE_FLAGS, DEVICE_F_REPLACE_PEERS);
}

void genl_encoder_init(struct genl_encoder *e, const struct wg_device *patch)
{
	*e = (struct genl_encoder){ .patch = patch };
}

size_t genl_encode(struct genl_encoder *e, uint8_t *out, size_t cap)
{
	struct sheet s = { .p = out, .cap = cap };
	size_t nest;

	if (e->failed || (e->device_done && e->peer == e->patch->n_peers))
		return 0;
	s.n += genl_encode_get(out, e->patch->name);
	if (!e->device_done)
		put_device_settings(&s, e->patch);
	e->device_done = true;
	if (e->peer < e->patch->n_peers) {
		nest = nest_begin(&s);
		while (e->peer < e->patch->n_peers && !e->failed && put_peer(&s, e))
			;
		nest_end(&s, nest, DEVICE_PEERS);
	}
	return e->failed ? 0 : s.n;
}

size_t genl_encode_get(uint8_t *out, const char *name)
{
	return genl_attr_put(out, DEVICE_IFNAME, name, strnlen(name, WG_NAME_MAX - 1) + 1);
}

/* ---- in ---- */

/* The value of an attribute of exactly this size. */
static bool value(void *out, const struct genl_attr *a, size_t bytes)
{
	if (a->n != bytes)
		return false;
	memcpy(out, a->p, bytes);
	return true;
}

static void decode_endpoint(struct wg_peer *peer, const struct genl_attr *a)
{
	struct ip_endpoint e = { 0 };
	uint16_t family;

	if (a->n < sizeof family)
		return;
	memcpy(&family, a->p, sizeof family);
	if (family == AF_INET && a->n == SOCKADDR_IN_BYTES) {
		e.addr = ip_v4(a->p + 4);
	} else if (family == AF_INET6 && a->n == SOCKADDR_IN6_BYTES) {
		e.addr = ip_v6(a->p + 8);
		memcpy(&e.scope, a->p + 24, sizeof e.scope);
	} else {
		return;
	}
	e.port = load_be16(a->p + 2);
	peer->endpoint = e;
	peer->flags |= WG_PEER_HAS_ENDPOINT;
}

static int decode_allowedip(struct wg_peer *peer, const uint8_t *p, size_t n)
{
	struct genl_attr a, addr = { 0 };
	struct wg_allowedip *ip;
	struct ip_prefix prefix;
	struct ip_addr address = { 0 };
	uint16_t family = 0;
	uint8_t bits = UINT8_MAX;

	while (genl_attr_next(&a, &p, &n)) {
		switch (a.type) {
		case ALLOWEDIP_FAMILY: (void)value(&family, &a, sizeof family); break;
		case ALLOWEDIP_IPADDR: addr = a; break;
		case ALLOWEDIP_CIDR_MASK: (void)value(&bits, &a, sizeof bits); break;
		}
	}
	if (family == AF_INET && addr.n == 4)
		address = ip_v4(addr.p);
	else if (family == AF_INET6 && addr.n == 16)
		address = ip_v6(addr.p);
	if (!prefix_make(&prefix, &address, bits))
		return -EPROTO;
	ip = peer_add_allowedip(peer);
	if (!ip)
		return -ENOMEM;
	ip->prefix = prefix;
	return 0;
}

static int decode_allowedips(struct wg_peer *peer, const uint8_t *p, size_t n)
{
	struct genl_attr a;
	int rc = 0;

	while (rc == 0 && genl_attr_next(&a, &p, &n))
		rc = decode_allowedip(peer, a.p, a.n);
	return rc ? rc : n ? -EPROTO : 0;
}

static void decode_handshake(struct wg_peer *peer, const struct genl_attr *a)
{
	int64_t time[2];

	if (!value(time, a, sizeof time) || time[0] < 0 || time[1] < 0 || time[1] > 999999999)
		return;
	peer->handshake_s = (uint64_t)time[0];
	peer->handshake_ns = (uint32_t)time[1];
}

static int decode_peer_attribute(struct wg_peer *peer, const struct genl_attr *a)
{
	switch (a->type) {
	case PEER_PRESHARED_KEY:
		if (value(peer->psk.b, a, KEY_BYTES) && !mem_is_zero_ct(peer->psk.b, KEY_BYTES))
			peer->flags |= WG_PEER_HAS_PSK;
		break;
	case PEER_ENDPOINT: decode_endpoint(peer, a); break;
	case PEER_KEEPALIVE:
		if (value(&peer->keepalive_s, a, sizeof peer->keepalive_s))
			peer->flags |= WG_PEER_HAS_KEEPALIVE;
		break;
	case PEER_LAST_HANDSHAKE: decode_handshake(peer, a); break;
	case PEER_RX_BYTES: (void)value(&peer->rx_bytes, a, sizeof peer->rx_bytes); break;
	case PEER_TX_BYTES: (void)value(&peer->tx_bytes, a, sizeof peer->tx_bytes); break;
	case PEER_ALLOWEDIPS: return decode_allowedips(peer, a->p, a->n);
	}
	return 0;
}

static bool find_key(struct wg_public *key, const uint8_t *p, size_t n)
{
	struct genl_attr a;

	while (genl_attr_next(&a, &p, &n))
		if (a.type == PEER_PUBLIC_KEY && value(key->b, &a, KEY_BYTES))
			return true;
	return false;
}

static int decode_peer(struct wg_device *state, bool may_go_on, const uint8_t *p, size_t n)
{
	struct wg_peer *last = state->n_peers ? &state->peers[state->n_peers - 1] : NULL;
	struct wg_peer *peer = last;
	struct wg_public key;
	struct genl_attr a;
	int rc = 0;

	if (!find_key(&key, p, n))
		return -EPROTO;
	if (!may_go_on || !last || memcmp(last->public_key.b, key.b, KEY_BYTES) != 0) {
		peer = device_add_peer(state);
		if (!peer)
			return -ENOMEM;
		peer->public_key = key;
		peer->flags |= WG_PEER_HAS_PUBLIC_KEY;
	}
	while (rc == 0 && genl_attr_next(&a, &p, &n))
		rc = decode_peer_attribute(peer, &a);
	return rc ? rc : n ? -EPROTO : 0;
}

static int decode_peers(struct wg_device *state, const uint8_t *p, size_t n)
{
	struct genl_attr a;
	bool first = true;
	int rc = 0;

	for (; rc == 0 && genl_attr_next(&a, &p, &n); first = false)
		rc = decode_peer(state, first, a.p, a.n);
	return rc ? rc : n ? -EPROTO : 0;
}

static void decode_name(struct wg_device *state, const struct genl_attr *a)
{
	size_t n = strnlen((const char *)a->p, a->n);

	if (n == a->n || n >= WG_NAME_MAX)
		return;
	memset(state->name, 0, sizeof state->name);
	memcpy(state->name, a->p, n);
}

int genl_decode(struct wg_device *state, const uint8_t *p, size_t n)
{
	struct genl_attr a;
	int rc = 0;

	while (rc == 0 && genl_attr_next(&a, &p, &n)) {
		switch (a.type) {
		case DEVICE_IFINDEX: (void)value(&state->ifindex, &a, sizeof state->ifindex); break;
		case DEVICE_IFNAME: decode_name(state, &a); break;
		case DEVICE_PRIVATE_KEY:
			if (value(state->private_key.b, &a, KEY_BYTES) &&
			    !mem_is_zero_ct(state->private_key.b, KEY_BYTES))
				state->flags |= WG_DEVICE_HAS_PRIVATE_KEY;
			break;
		case DEVICE_PUBLIC_KEY:
			if (value(state->public_key.b, &a, KEY_BYTES))
				state->flags |= WG_DEVICE_HAS_PUBLIC_KEY;
			break;
		case DEVICE_LISTEN_PORT:
			if (value(&state->listen_port, &a, sizeof state->listen_port))
				state->flags |= WG_DEVICE_HAS_LISTEN_PORT;
			break;
		case DEVICE_FWMARK:
			if (value(&state->fwmark, &a, sizeof state->fwmark))
				state->flags |= WG_DEVICE_HAS_FWMARK;
			break;
		case DEVICE_PEERS: rc = decode_peers(state, a.p, a.n); break;
		}
	}
	return rc ? rc : n ? -EPROTO : 0;
}
