/* Netlink integers are in host byte order; addresses and ports in sockaddrs are in network byte order. */
#include "genl_codec.h"

#include <assert.h>
#include <errno.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#if __has_include(<linux/wireguard.h>) /* not in kernel headers before 5.6 */
#include <linux/wireguard.h>
#endif

#include "base/mem.h"
#include "genl_abi.h"

/* ---- the layout of attributes and addresses, as the kernel defines it ---- */

static_assert(sizeof(struct nlattr) == ATTR_HEADER_BYTES, "an attribute starts with 4 bytes");
static_assert(offsetof(struct nlattr, nla_len) == 0 && offsetof(struct nlattr, nla_type) == 2,
	      "an attribute starts with length and type");
static_assert(NLA_F_NESTED == ATTR_NESTED && (uint16_t)NLA_TYPE_MASK == ATTR_TYPE_MASK, "flags of attribute types");
static_assert(NLA_ALIGNTO == 4, "attributes are padded to 4 bytes");

enum { /* of struct sockaddr_in and sockaddr_in6 */
	SOCKADDR_PORT = 2,
	SOCKADDR_IN_ADDR = 4,
	SOCKADDR_IN6_ADDR = 8,
	SOCKADDR_IN6_SCOPE = 24,
};
static_assert(sizeof(struct sockaddr_in) == SOCKADDR_IN_BYTES && sizeof(struct sockaddr_in6) == SOCKADDR_IN6_BYTES,
	      "sizes of socket addresses");
static_assert(offsetof(struct sockaddr_in, sin_family) == 0 && offsetof(struct sockaddr_in6, sin6_family) == 0 &&
	      sizeof(sa_family_t) == sizeof(uint16_t), "socket addresses start with the family");
static_assert(offsetof(struct sockaddr_in, sin_port) == SOCKADDR_PORT &&
	      offsetof(struct sockaddr_in6, sin6_port) == SOCKADDR_PORT, "the port follows");
static_assert(offsetof(struct sockaddr_in, sin_addr) == SOCKADDR_IN_ADDR &&
	      offsetof(struct sockaddr_in6, sin6_addr) == SOCKADDR_IN6_ADDR &&
	      offsetof(struct sockaddr_in6, sin6_scope_id) == SOCKADDR_IN6_SCOPE, "addresses and scope");

#if __has_include(<linux/wireguard.h>)
static_assert((int)WG_CMD_SET_DEVICE == GENL_SET_DEVICE, "commands");
static_assert((int)WGDEVICE_A_PEERS == DEVICE_PEERS, "device attributes");
static_assert((int)WGPEER_A_PROTOCOL_VERSION == PEER_PROTOCOL_VERSION, "peer attributes");
static_assert((int)WGALLOWEDIP_A_CIDR_MASK == ALLOWEDIP_CIDR_MASK, "allowed IP attributes");
#endif

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

/* ---- encoding ---- */

/* The message being written. A nest is the offset of its header, which is filled in when the nest ends. */
struct message {
	uint8_t *p;
	size_t n, cap;
};

static bool has_space(const struct message *m, size_t bytes)
{
	assert(m->n <= m->cap);
	return m->cap - m->n >= bytes;
}

static void put(struct message *m, uint16_t type, const void *value, size_t n)
{
	m->n += genl_attr_put(m->p + m->n, type, value, n);
}

static void put_u32(struct message *m, uint16_t type, uint32_t v)
{
	put(m, type, &v, sizeof v);
}

static void put_u16(struct message *m, uint16_t type, uint16_t v)
{
	put(m, type, &v, sizeof v);
}

static size_t nest_begin(struct message *m)
{
	size_t at = m->n;

	m->n += ATTR_HEADER_BYTES;
	return at;
}

static void nest_end(struct message *m, size_t at, uint16_t type)
{
	assert(m->n - at <= ATTR_BYTES_MAX); /* the length has 16 bits: GENL_PAYLOAD_MAX ensures it */
	attr_header(m->p + at, (uint16_t)(type | ATTR_NESTED), m->n - at);
}

static uint16_t family_number(const struct ip_addr *a)
{
	return a->family == IP_V6 ? AF_INET6 : AF_INET;
}

static void put_endpoint(struct message *m, const struct ip_endpoint *e)
{
	uint8_t sa[SOCKADDR_IN6_BYTES] = { 0 };
	uint16_t family = family_number(&e->addr);

	memcpy(sa, &family, sizeof family);
	store_be16(sa + SOCKADDR_PORT, e->port);
	if (family == AF_INET) {
		memcpy(sa + SOCKADDR_IN_ADDR, e->addr.b, 4);
		put(m, PEER_ENDPOINT, sa, SOCKADDR_IN_BYTES);
		return;
	}
	memcpy(sa + SOCKADDR_IN6_ADDR, e->addr.b, 16);
	memcpy(sa + SOCKADDR_IN6_SCOPE, &e->scope, sizeof e->scope);
	put(m, PEER_ENDPOINT, sa, SOCKADDR_IN6_BYTES);
}

enum { ALLOWEDIP_BYTES_MAX = 4 + 8 + 20 + 8 + 8 };

static void put_allowedip(struct message *m, const struct wg_allowedip *ip)
{
	size_t nest = nest_begin(m);

	put_u16(m, ALLOWEDIP_FAMILY, family_number(&ip->prefix.addr));
	put(m, ALLOWEDIP_IPADDR, ip->prefix.addr.b, ip_bytes(&ip->prefix.addr));
	put(m, ALLOWEDIP_CIDR_MASK, &ip->prefix.bits, 1);
	if (ip->flags & WG_ALLOWEDIP_REMOVE)
		put_u32(m, ALLOWEDIP_FLAGS, ALLOWEDIP_F_REMOVE_ME);
	nest_end(m, nest, 0);
}

/* False: the message is full, and some are left. */
static bool put_allowedips(struct message *m, struct genl_encoder *e, const struct wg_peer *peer)
{
	size_t nest;

	if (e->allowedip == peer->n_allowedips)
		return true;
	if (!has_space(m, ATTR_HEADER_BYTES + ALLOWEDIP_BYTES_MAX))
		return false;
	nest = nest_begin(m);
	for (; e->allowedip < peer->n_allowedips; e->allowedip++) {
		if (!has_space(m, ALLOWEDIP_BYTES_MAX))
			break;
		if (ip_bytes(&peer->allowedips[e->allowedip].prefix.addr) == 0) {
			e->failed = true;
			break;
		}
		put_allowedip(m, &peer->allowedips[e->allowedip]);
	}
	nest_end(m, nest, PEER_ALLOWEDIPS);
	return e->allowedip == peer->n_allowedips;
}

static uint32_t peer_flags(const struct wg_peer *peer)
{
	return (peer->flags & WG_PEER_REMOVE ? PEER_F_REMOVE_ME : 0) |
	       (peer->flags & WG_PEER_UPDATE_ONLY ? PEER_F_UPDATE_ONLY : 0) |
	       (peer->flags & WG_PEER_REPLACE_ALLOWEDIPS ? PEER_F_REPLACE_ALLOWEDIPS : 0);
}

enum { PEER_BYTES_MAX = 4 + 36 + 36 + 8 + 32 + 8 }; /* all but the allowed IPs, with the header of the nest */

static void put_peer_settings(struct message *m, const struct wg_peer *peer)
{
	uint32_t flags = peer_flags(peer);

	if (flags)
		put_u32(m, PEER_FLAGS, flags);
	if (peer->flags & WG_PEER_REMOVE)
		return;
	if (peer->flags & WG_PEER_HAS_PSK)
		put(m, PEER_PRESHARED_KEY, peer->psk.b, KEY_BYTES);
	if (peer->flags & WG_PEER_HAS_ENDPOINT)
		put_endpoint(m, &peer->endpoint);
	if (peer->flags & WG_PEER_HAS_KEEPALIVE)
		put_u16(m, PEER_KEEPALIVE, peer->keepalive_s);
}

/* Begins or continues a peer. False: the message is full before its end. */
static bool put_peer(struct message *m, struct genl_encoder *e)
{
	const struct wg_peer *peer = &e->patch->peers[e->peer];
	bool complete = true;
	size_t nest;

	if (!has_space(m, PEER_BYTES_MAX + (e->peer_begun ? ALLOWEDIP_BYTES_MAX : 0)))
		return false;
	nest = nest_begin(m);
	put(m, PEER_PUBLIC_KEY, peer->public_key.b, KEY_BYTES);
	if (!e->peer_begun)
		put_peer_settings(m, peer);
	else if (peer->flags & WG_PEER_UPDATE_ONLY)
		put_u32(m, PEER_FLAGS, PEER_F_UPDATE_ONLY); /* otherwise this message would create it */
	e->peer_begun = true;
	if (!(peer->flags & WG_PEER_REMOVE))
		complete = put_allowedips(m, e, peer);
	nest_end(m, nest, 0);
	if (!complete)
		return false;
	e->peer++;
	e->allowedip = 0;
	e->peer_begun = false;
	return true;
}

static void put_device_settings(struct message *m, const struct wg_device *d)
{
	if (d->flags & WG_DEVICE_HAS_PRIVATE_KEY)
		put(m, DEVICE_PRIVATE_KEY, d->private_key.b, KEY_BYTES);
	if (d->flags & WG_DEVICE_HAS_LISTEN_PORT)
		put_u16(m, DEVICE_LISTEN_PORT, d->listen_port);
	if (d->flags & WG_DEVICE_HAS_FWMARK)
		put_u32(m, DEVICE_FWMARK, d->fwmark);
	if (d->flags & WG_DEVICE_REPLACE_PEERS)
		put_u32(m, DEVICE_FLAGS, DEVICE_F_REPLACE_PEERS);
}

void genl_encoder_init(struct genl_encoder *e, const struct wg_device *patch)
{
	*e = (struct genl_encoder){ .patch = patch };
}

size_t genl_encode(struct genl_encoder *e, uint8_t *out, size_t cap)
{
	struct message m = { .p = out, .cap = cap };
	size_t nest;

	if (e->failed || (e->device_done && e->peer == e->patch->n_peers))
		return 0;
	m.n += genl_encode_get(out, e->patch->name);
	if (!e->device_done)
		put_device_settings(&m, e->patch);
	e->device_done = true;
	if (e->peer < e->patch->n_peers) {
		nest = nest_begin(&m);
		while (e->peer < e->patch->n_peers && !e->failed && put_peer(&m, e))
			;
		nest_end(&m, nest, DEVICE_PEERS);
	}
	assert(m.n <= cap);
	return e->failed ? 0 : m.n;
}

size_t genl_encode_get(uint8_t *out, const char *name)
{
	return genl_attr_put(out, DEVICE_IFNAME, name, strnlen(name, WG_NAME_MAX - 1) + 1);
}

/* ---- decoding ---- */

/* Copies the value of an attribute of exactly this size. */
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
		e.addr = ip_v4(a->p + SOCKADDR_IN_ADDR);
	} else if (family == AF_INET6 && a->n == SOCKADDR_IN6_BYTES) {
		e.addr = ip_v6(a->p + SOCKADDR_IN6_ADDR);
		memcpy(&e.scope, a->p + SOCKADDR_IN6_SCOPE, sizeof e.scope);
	} else {
		return;
	}
	e.port = load_be16(a->p + SOCKADDR_PORT);
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

static int decode_peer(struct wg_device *state, bool may_continue, const uint8_t *p, size_t n)
{
	struct wg_peer *last = state->n_peers ? &state->peers[state->n_peers - 1] : NULL;
	struct wg_peer *peer = last;
	struct wg_public key;
	struct genl_attr a;
	int rc = 0;

	if (!find_key(&key, p, n))
		return -EPROTO;
	if (!may_continue || !last || memcmp(last->public_key.b, key.b, KEY_BYTES) != 0) {
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
