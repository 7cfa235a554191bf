/* The reference model of a device. */
#include "slow_device.h"

#include <stdlib.h>

static struct wg_peer *find(const struct wg_device *d, const struct wg_public *key)
{
	for (uint32_t i = 0; i < d->n_peers; i++)
		if (memcmp(&d->peers[i].public_key, key, sizeof *key) == 0)
			return &d->peers[i];
	return NULL;
}

static struct wg_peer *add_peer(struct wg_device *d)
{
	struct wg_peer *p = device_add_peer(d);

	if (!p)
		abort();
	return p;
}

static void remove_peer(struct wg_device *d, struct wg_peer *p)
{
	struct wg_peer *last = &d->peers[d->n_peers - 1];

	peer_free(p);
	for (; p < last; p++)
		*p = p[1];
	memset(last, 0, sizeof *last);
	d->n_peers--;
}

static void remove_prefix(struct wg_peer *p, const struct ip_prefix *prefix)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->n_allowedips; i++)
		if (!prefix_equal(&p->allowedips[i].prefix, prefix))
			p->allowedips[n++] = p->allowedips[i];
	p->n_allowedips = n;
}

static void add_prefix(struct wg_device *d, struct wg_peer *p, const struct ip_prefix *prefix)
{
	struct wg_allowedip *a;

	for (uint32_t i = 0; i < d->n_peers; i++)
		remove_prefix(&d->peers[i], prefix);
	a = peer_add_allowedip(p);
	if (!a)
		abort();
	a->prefix = *prefix;
}

static void apply_peer(struct wg_device *d, const struct wg_peer *patch)
{
	struct wg_peer *p = find(d, &patch->public_key);

	if (patch->flags & WG_PEER_REMOVE) {
		if (p)
			remove_peer(d, p);
		return;
	}
	if (!p && (patch->flags & WG_PEER_UPDATE_ONLY))
		return;
	if (!p) {
		p = add_peer(d);
		p->flags = WG_PEER_HAS_PUBLIC_KEY;
		p->public_key = patch->public_key;
	}
	if (patch->flags & WG_PEER_HAS_PSK) {
		p->psk = patch->psk;
		p->flags |= WG_PEER_HAS_PSK;
	}
	if (patch->flags & WG_PEER_HAS_ENDPOINT) {
		p->endpoint = patch->endpoint;
		p->flags |= WG_PEER_HAS_ENDPOINT;
	}
	if (patch->flags & WG_PEER_HAS_KEEPALIVE)
		p->keepalive_s = patch->keepalive_s;
	if (patch->flags & WG_PEER_REPLACE_ALLOWEDIPS)
		p->n_allowedips = 0;
	for (uint32_t i = 0; i < patch->n_allowedips; i++) {
		if (patch->allowedips[i].flags & WG_ALLOWEDIP_REMOVE)
			remove_prefix(p, &patch->allowedips[i].prefix);
		else
			add_prefix(d, p, &patch->allowedips[i].prefix);
	}
}

void slow_apply(struct wg_device *state, const struct wg_device *patch)
{
	if (patch->flags & WG_DEVICE_HAS_PRIVATE_KEY)
		state->private_key = patch->private_key;
	if (patch->flags & WG_DEVICE_HAS_LISTEN_PORT)
		state->listen_port = patch->listen_port;
	if (patch->flags & WG_DEVICE_HAS_FWMARK)
		state->fwmark = patch->fwmark;
	while ((patch->flags & WG_DEVICE_REPLACE_PEERS) && state->n_peers > 0)
		remove_peer(state, &state->peers[0]);
	for (uint32_t i = 0; i < patch->n_peers; i++)
		apply_peer(state, &patch->peers[i]);
}

static bool has_prefix(const struct wg_peer *p, const struct ip_prefix *prefix)
{
	for (uint32_t i = 0; i < p->n_allowedips; i++)
		if (prefix_equal(&p->allowedips[i].prefix, prefix))
			return true;
	return false;
}

static bool peer_equal(const struct wg_peer *a, const struct wg_peer *b)
{
	bool same = a->n_allowedips == b->n_allowedips && a->keepalive_s == b->keepalive_s &&
		    memcmp(&a->psk, &b->psk, sizeof a->psk) == 0 &&
		    (a->flags & WG_PEER_HAS_ENDPOINT) == (b->flags & WG_PEER_HAS_ENDPOINT) &&
		    endpoint_equal(&a->endpoint, &b->endpoint);

	for (uint32_t i = 0; same && i < a->n_allowedips; i++)
		same = has_prefix(b, &a->allowedips[i].prefix);
	return same;
}

bool slow_equal(const struct wg_device *a, const struct wg_device *b)
{
	bool same = a->n_peers == b->n_peers && a->listen_port == b->listen_port &&
		    a->fwmark == b->fwmark &&
		    memcmp(&a->private_key, &b->private_key, sizeof a->private_key) == 0;

	for (uint32_t i = 0; same && i < a->n_peers; i++) {
		const struct wg_peer *p = find(b, &a->peers[i].public_key);
		same = p && peer_equal(&a->peers[i], p);
	}
	return same;
}

/* The endpoint is kept unless the device has none or the file's has changed. */
static void keep_endpoint(struct wg_peer *p, const struct wg_peer *was, const struct wg_device *before)
{
	const struct wg_peer *configured = before ? find(before, &p->public_key) : NULL;
	bool changed = before && (p->flags & WG_PEER_HAS_ENDPOINT) &&
		       (!configured || !(configured->flags & WG_PEER_HAS_ENDPOINT) ||
			!endpoint_equal(&configured->endpoint, &p->endpoint));

	if (changed || !was || !(was->flags & WG_PEER_HAS_ENDPOINT))
		return;
	p->endpoint = was->endpoint;
	p->flags |= WG_PEER_HAS_ENDPOINT;
}

void slow_sync(struct wg_device *out, const struct wg_device *now, const struct wg_device *wanted,
	       const struct sync_options *o)
{
	if (!device_copy(out, now))
		abort();
	if (!o->keep_private_key)
		memset(&out->private_key, 0, sizeof out->private_key);
	if (!o->keep_listen_port)
		out->listen_port = 0;
	if (!o->keep_fwmark)
		out->fwmark = 0;
	for (uint32_t i = out->n_peers; i > 0; i--) {
		struct wg_peer *p = &out->peers[i - 1];
		if (!find(wanted, &p->public_key)) {
			remove_peer(out, p);
			continue;
		}
		memset(&p->psk, 0, sizeof p->psk);
		p->keepalive_s = 0;
	}
	slow_apply(out, wanted);
	for (uint32_t i = 0; i < out->n_peers; i++)
		keep_endpoint(&out->peers[i], find(now, &out->peers[i].public_key), o->last_request);
}

/* ---- devices from bytes ---- */

static uint8_t next(struct slow_bytes *b)
{
	if (b->n == 0)
		return 0;
	b->n--;
	return *b->p++;
}

static struct ip_prefix some_prefix(uint8_t choice)
{
	uint8_t v4[4] = { 10, (uint8_t)(choice >> 2 & 3) }, v6[16] = { 0xfd, (uint8_t)(choice >> 2 & 3) };
	struct ip_addr a = choice & 1 ? ip_v6(v6) : ip_v4(v4);
	struct ip_prefix p;

	if (!prefix_make(&p, &a, choice & 2 ? 16 : 24))
		abort();
	return p;
}

static void some_endpoint(struct wg_peer *p, uint8_t choice)
{
	const uint8_t v4[4] = { 192, 0, 2, 1 };

	p->flags |= WG_PEER_HAS_ENDPOINT;
	p->endpoint = (struct ip_endpoint){ .addr = ip_v4(v4), .port = choice };
}

static void some_peer(struct wg_peer *p, struct slow_bytes *b, bool of_file)
{
	uint8_t what = next(b), choice = next(b);

	p->public_key.b[0] = (uint8_t)(1 + choice % 6);
	p->flags = WG_PEER_HAS_PUBLIC_KEY;
	if (what & 1) {
		p->flags |= WG_PEER_HAS_PSK;
		p->psk.b[0] = choice >> 6;
	}
	if (what & 2) {
		p->flags |= WG_PEER_HAS_KEEPALIVE;
		p->keepalive_s = choice >> 6;
	}
	if (what & 4)
		some_endpoint(p, choice >> 6);
	if ((what & 0x38) != 0x38)
		p->flags |= WG_PEER_REPLACE_ALLOWEDIPS;
	for (unsigned int n = what >> 6; n > 0; n--) {
		struct wg_allowedip *a = peer_add_allowedip(p);
		if (!a)
			abort();
		choice = next(b);
		a->prefix = some_prefix(choice);
		if (of_file && choice >= 0xe0)
			a->flags = WG_ALLOWEDIP_REMOVE;
	}
}

static void some_device(struct wg_device *out, struct slow_bytes *b, bool of_file)
{
	uint8_t what = next(b), choice = next(b);

	memset(out, 0, sizeof *out);
	if (what & 1) {
		out->flags |= WG_DEVICE_HAS_PRIVATE_KEY;
		out->private_key.b[1] = choice & 3;
		out->private_key.b[31] = 64; /* clamped, as in a device */
	}
	if (what & 2) {
		out->flags |= WG_DEVICE_HAS_LISTEN_PORT;
		out->listen_port = choice >> 2 & 3;
	}
	if (what & 4) {
		out->flags |= WG_DEVICE_HAS_FWMARK;
		out->fwmark = choice >> 4 & 3;
	}
	for (unsigned int n = what >> 5; n > 0; n--)
		some_peer(add_peer(out), b, of_file);
}

void slow_file(struct wg_device *out, struct slow_bytes *bytes)
{
	some_device(out, bytes, true);
}

void slow_state(struct wg_device *out, struct slow_bytes *bytes)
{
	struct wg_device patch;

	some_device(&patch, bytes, false);
	memset(out, 0, sizeof *out);
	slow_apply(out, &patch);
	device_free(&patch);
}
