/* Names, routes, packets and handshakes. */
#include "probe_peers.h"

#include <errno.h>
#include <stdlib.h>

#include "ipc/resolve.h"
#include "quick/host/netns_place.h"
#include "quick/diagnosis/checks.h"
#include "quick/host/binding.h"
#include "quick/host/clock.h"
#include "quick/host/endpoint_route.h"
#include "quick/host/probe_packet.h"
#include "quick/host/signals.h"

/* ---- names ---- */

/* The host names of endpoints in the file, to be resolved; "KEY HOST:PORT" in the comparison. */
static int names_of(struct wg_device *out, const struct string_list *endpoints)
{
	for (size_t i = 0; i < endpoints->n && out->n_peers < PEERS_PROBED; i++) {
		struct span rest = span_of(endpoints->list[i]), key;
		struct ip_endpoint address;
		struct wg_public public_key;
		struct wg_peer *peer;
		if (!span_next(&key, &rest, ' ') || !key_from_base64(public_key.b, key) || !rest.p ||
		    endpoint_parse(&address, rest, &ipc_scopes))
			continue;
		peer = device_add_peer(out);
		if (!peer)
			return -ENOMEM;
		peer->public_key = public_key;
		peer->flags = WG_PEER_HAS_PUBLIC_KEY | WG_PEER_HAS_HOST;
		peer->host = span_dup(rest);
		if (!peer->host)
			return -ENOMEM;
	}
	return 0;
}

static struct peer_probe *probe_of(struct probes *out, const struct wg_device *d, const struct wg_public *key)
{
	for (size_t i = 0; i < out->n_peers; i++)
		if (memcmp(&d->peers[out->peers[i].peer].public_key, key, sizeof *key) == 0)
			return &out->peers[i];
	return NULL;
}

/* A peer whose name was never resolved has no endpoint, and is probed as well. */
static struct peer_probe *add_probe(struct probes *out, uint32_t peer)
{
	struct peer_probe *p = out->n_peers < PEERS_PROBED ? &out->peers[out->n_peers] : NULL;

	if (p) {
		*p = (struct peer_probe){ .peer = peer };
		out->n_peers++;
	}
	return p;
}

static struct peer_probe *probe_for_name(struct probes *out, const struct wg_device *d, const struct wg_public *key)
{
	struct peer_probe *p = probe_of(out, d, key);

	for (uint32_t i = 0; !p && i < d->n_peers; i++)
		if (memcmp(&d->peers[i].public_key, key, sizeof *key) == 0)
			p = add_probe(out, i);
	return p;
}

static int resolve_names(struct probes *out, const struct observation *o)
{
	struct resolve_options options = { .family = binding_family(&o->c.file.interface.bind.to), .partial = true, .lists = true,
					   .stop = &stop_signal };
	struct wg_device names = { 0 };
	struct diag silent = { 0 };
	struct string_list texts = { 0 };
	int r = names_of(&names, &o->c.endpoints);

	for (uint32_t i = 0; r == 0 && i < names.n_peers; i++)
		r = string_list_add(&texts, span_of(names.peers[i].host)) ? 0 : -ENOMEM;
	if (r == 0 && names.n_peers > 0 && resolve_device(&names, &options, &silent) == -ENOMEM)
		r = -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < names.n_peers; i++) {
		struct peer_probe *p = probe_for_name(out, &o->c.state.device, &names.peers[i].public_key);
		if (!p)
			continue;
		p->resolved = (names.peers[i].flags & WG_PEER_HAS_ENDPOINT) != 0;
		p->address = names.peers[i].endpoint;
		p->host = span_dup(span_of(texts.list[i]));
		r = p->host ? 0 : -ENOMEM;
	}
	string_list_free(&texts);
	device_free(&names);
	return r;
}

/* ---- packets ---- */

static void look_up_route(struct peer_probe *p, const struct comparison *c, struct host *host, uint32_t number)
{
	const struct host_state *s = &c->state;
	const struct wg_device *d = &s->device;
	struct path_lookup l = { .mark = d->fwmark, .port = d->listen_port };
	struct endpoint_route route;

	p->has_route = true;
	netns_outside_begin();
	l.device = binding_device_index(netns_outer(host), &c->file.interface.bind.to);
	p->route_error = endpoint_route(&route, netns_outer(host), &l, &d->peers[p->peer].endpoint, number);
	netns_outside_end();
	p->route_link = p->route_error < 0 ? 0 : route.link;
	p->route_prefix = route.prefix;
	p->is_captured = p->route_link == s->link.index && !netns_is_inside(); /* else the index is that of another interface */
}

bool probe_target(struct ip_addr *out, const struct wg_peer *peer)
{
	static const uint8_t documentation[4] = { 192, 0, 2, 1 };

	for (uint32_t i = 0; i < peer->n_allowedips; i++) {
		const struct ip_prefix *p = &peer->allowedips[i].prefix;
		if (p->bits == 0 && p->addr.family == IP_V6)
			continue;
		*out = p->bits == 0 ? ip_v4(documentation) : p->addr;
		if (p->bits > 0 && p->bits < ip_bits(&p->addr))
			out->b[ip_bytes(&p->addr) - 1] = (uint8_t)(out->b[ip_bytes(&p->addr) - 1] | 1);
		return true;
	}
	return false;
}

static void send_packets(struct peer_probe *p, const struct observation *o)
{
	const struct wg_device *d = &o->c.state.device;
	const struct wg_peer *peer = &d->peers[p->peer];
	struct ip_addr target;

	p->send_error = probe_endpoint(&p->source, &peer->endpoint, d->fwmark);
	p->sent = true;
	p->rx_before = peer->rx_bytes;
	p->tx_before = peer->tx_bytes;
	p->handshake_after_s = peer->handshake_s;
	p->had_session = peer->handshake_s && peer->handshake_s + HANDSHAKE_OLD_S >= o->facts.now_s;
	if (!p->had_session && probe_target(&target, peer)) {
		p->provoke_error = probe_into_tunnel(o->facts.name, &target);
		p->provoked = true;
	}
}

/* ---- answers ---- */

static void note_counters(struct probes *out, struct wg_device *d, const struct wg_device *later)
{
	struct peer_index x = { 0 };

	if (!peer_index_build(&x, later))
		return;
	for (uint32_t i = 0; i < d->n_peers; i++) {
		const struct wg_peer *now = peer_index_find(&x, later, &d->peers[i].public_key);
		struct peer_probe *p = now ? probe_of(out, d, &now->public_key) : NULL;
		if (!now)
			continue;
		d->peers[i].handshake_s = now->handshake_s;
		if (p) {
			p->handshake_after_s = now->handshake_s;
			p->rx_after = now->rx_bytes;
			p->tx_after = now->tx_bytes;
		}
	}
	peer_index_free(&x);
}

/* Nothing more is to be expected of a peer whose packets do not leave, or whose host refuses them. */
static bool is_awaited(const struct peer_probe *p, uint64_t now_s)
{
	return p->provoked && p->send_error == 0 && p->route_error == 0 && !p->is_captured && p->handshake_after_s + HANDSHAKE_OLD_S < now_s;
}

static bool all_answered(const struct probes *out, uint64_t now_s)
{
	for (size_t i = 0; i < out->n_peers; i++)
		if (is_awaited(&out->peers[i], now_s))
			return false;
	return true;
}

/* Where an initiation was sent a moment before, the next one follows up to five seconds later. */
static bool all_asked(const struct probes *out, uint64_t now_s)
{
	for (size_t i = 0; i < out->n_peers; i++)
		if (is_awaited(&out->peers[i], now_s) && out->peers[i].tx_after == out->peers[i].tx_before)
			return false;
	return true;
}

void probe_read_counters(struct probes *out, struct observation *o, struct host *host)
{
	struct wg_device later = { 0 };

	if (ipc_get(&host->ipc, &later, o->facts.name) == 0)
		note_counters(out, &o->c.state.device, &later);
	device_free(&later);
}

static void await_answers(struct probes *out, struct observation *o, struct host *host)
{
	enum { INITIATION_MS = 6000 /* REKEY_TIMEOUT and its jitter */, ANSWER_MS = 1000, FIRST_MS = 20 };
	uint64_t end_ms = clock_boot_ms() + INITIATION_MS;
	unsigned int wait_ms = FIRST_MS;
	bool asked = false;

	for (;;) {
		probe_read_counters(out, o, host);
		if (!asked && all_asked(out, o->facts.now_s)) {
			asked = true;
			end_ms = clock_boot_ms() + ANSWER_MS;
		}
		if (all_answered(out, o->facts.now_s) || clock_boot_ms() >= end_ms || stop_signal)
			return;
		clock_wait_ms(wait_ms);
		wait_ms += wait_ms / 4;
	}
}

int probe_peers(struct probes *out, struct observation *o, struct host *host)
{
	const struct wg_device *d = &o->c.state.device;
	int r;

	out->peers = calloc(PEERS_PROBED, sizeof *out->peers);
	if (!out->peers)
		return -ENOMEM;
	for (uint32_t i = 0; i < d->n_peers; i++)
		if (d->peers[i].endpoint.addr.family != IP_NONE && !add_probe(out, i))
			break;
	r = resolve_names(out, o);
	for (size_t i = 0; r == 0 && i < out->n_peers && !stop_signal; i++) {
		struct peer_probe *p = &out->peers[i];
		if (d->peers[p->peer].endpoint.addr.family == IP_NONE)
			continue;
		look_up_route(p, &o->c, host, 3000 + (uint32_t)i);
		send_packets(p, o);
	}
	if (r == 0 && o->c.state.link.up)
		await_answers(out, o, host);
	return r;
}
