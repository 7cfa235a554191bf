/* Applying a patch of the model to the tunnel, and reading its state back. */
#include "config.h"

#include <errno.h>
#include <net/if.h>
#include "base/mem.h"
#include "daemon/process/clock.h"
#include "daemon/process/log.h"
#include "interface.h"
#include "state.h"

static bool scope_index(uint32_t *index, struct span name)
{
	char text[IF_NAMESIZE];
	uint64_t n;

	if (span_to_u64(&n, name, UINT32_MAX)) {
		*index = (uint32_t)n;
		return true;
	}
	if (name.n == 0 || name.n >= sizeof text)
		return false;
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	*index = if_nametoindex(text);
	return *index != 0;
}

static bool scope_name(char name[16], uint32_t index)
{
	return if_indextoname(index, name) != NULL;
}

const struct ip_scopes config_scopes = { scope_index, scope_name };

/* ---- set ---- */

enum { CHANGES_PER_PUBLICATION = 256 };

/* Many changes form one publication, which is limited, so that data does not wait longer than for a few
 * batches. */
static void limit_publication(struct control *c)
{
	if (++c->n_changes % CHANGES_PER_PUBLICATION != 0)
		return;
	threads_publish_end(&c->threads);
	threads_publish_begin(&c->threads);
}

static int apply_allowedip(struct control *c, struct wg_tunnel_peer *p, const struct wg_allowedip *a)
{
	limit_publication(c);
	if (!(a->flags & WG_ALLOWEDIP_REMOVE))
		return tunnel_route_add(c->tunnel, p, &a->prefix);
	tunnel_route_remove(c->tunnel, p, &a->prefix);
	return 0;
}

static int apply_to_peer(struct control *c, uint64_t now_ns, struct wg_tunnel_peer *p,
			 const struct wg_peer *x)
{
	int error = 0;

	if (x->flags & WG_PEER_HAS_PSK)
		tunnel_peer_set_psk(c->tunnel, p, &x->psk);
	if (x->flags & WG_PEER_HAS_ENDPOINT)
		tunnel_peer_set_endpoint(c->tunnel, p, &x->endpoint);
	if (x->flags & WG_PEER_REPLACE_ALLOWEDIPS)
		tunnel_route_clear(c->tunnel, p);
	for (uint32_t i = 0; i < x->n_allowedips && !error; i++)
		error = apply_allowedip(c, p, &x->allowedips[i]);
	if (x->flags & WG_PEER_HAS_KEEPALIVE)
		tunnel_peer_set_keepalive(c->tunnel, now_ns, p, x->keepalive_s);
	if (c->up)
		tunnel_peer_flush(c->tunnel, p);
	return error;
}

static int apply_peer(struct control *c, uint64_t now_ns, const struct wg_peer *x)
{
	struct wg_tunnel_peer *p = tunnel_peer_find(c->tunnel, &x->public_key);
	int error;

	limit_publication(c);
	if (x->flags & WG_PEER_REMOVE) {
		if (p)
			tunnel_peer_remove(c->tunnel, p);
		return 0;
	}
	if (!p && (x->flags & WG_PEER_UPDATE_ONLY))
		return 0;
	if (!p) {
		error = tunnel_peer_add(&p, c->tunnel, &x->public_key);
		if (error)
			return error == -EADDRINUSE ? 0 : error; /* the interface's own key: ignored */
	}
	return apply_to_peer(c, now_ns, p, x);
}

static void remove_all_peers(struct control *c)
{
	struct wg_tunnel_peer *p;

	while ((p = tunnel_peer_next(c->tunnel, NULL))) {
		limit_publication(c);
		tunnel_peer_remove(c->tunnel, p);
	}
}

/* While the link is down, the sockets are closed; that another program has the port is reported all the same. */
static int probe_port(struct control *c, uint16_t port)
{
	struct udp probe;
	int error = interface_open_sockets(c, &probe, port, 0);

	if (!error)
		udp_close(&probe);
	return error;
}

/* The part that the kernel can refuse, before anything else changes: sockets on another port, and the mark. *fresh: new
 * sockets (port 0: none). */
static int apply_sockets(struct control *c, const struct wg_device *patch, struct udp *fresh)
{
	bool port = (patch->flags & WG_DEVICE_HAS_LISTEN_PORT) && patch->listen_port != c->listen_port;
	bool mark = (patch->flags & WG_DEVICE_HAS_FWMARK) && patch->fwmark != c->fwmark;
	int error = 0;

	if (!c->up)
		return port && patch->listen_port ? probe_port(c, patch->listen_port) : 0;
	if (port) {
		error = interface_open_sockets(c, fresh, patch->listen_port, mark ? patch->fwmark : c->fwmark);
	} else if (mark) {
		error = udp_set_mark(&c->udp, patch->fwmark);
		if (error && udp_set_mark(&c->udp, c->fwmark) != 0)
			log_error("cannot restore the mark of a socket");
	}
	return error;
}

static int reserve_for(struct control *c, const struct wg_device *patch)
{
	size_t n_routes = 0;

	for (uint32_t i = 0; i < patch->n_peers; i++)
		n_routes += patch->peers[i].n_allowedips;
	return tunnel_reserve(c->tunnel, patch->n_peers, n_routes);
}

int config_set(void *control, const struct wg_device *patch)
{
	struct control *c = control;
	struct udp fresh;
	uint64_t now_ns = clock_boot_ns();
	uint32_t mark = c->fwmark;
	uint16_t port;
	int error;

	udp_init(&fresh);
	interface_refresh(c);
	port = c->listen_port;
	error = reserve_for(c, patch);
	if (!error)
		error = apply_sockets(c, patch, &fresh);
	if (!error && fresh.port) {
		error = interface_replace_sockets(c, &fresh);
		if (error)
			udp_close(&fresh);
	}
	if (error)
		return error;
	if (patch->flags & WG_DEVICE_HAS_FWMARK)
		c->fwmark = patch->fwmark;
	if (patch->flags & WG_DEVICE_HAS_LISTEN_PORT)
		c->listen_port = fresh.port ? fresh.port : patch->listen_port;
	if (c->fwmark != mark || c->listen_port != port) /* a file that is loaded again often has both */
		tunnel_clear_sources(c->tunnel);
	if ((patch->flags & WG_DEVICE_HAS_LISTEN_PORT) && !c->up) {
		c->retry_ns = NEVER; /* the old port may be in use, the new one is tried at once */
		interface_refresh(c);
	}
	if (patch->flags & WG_DEVICE_HAS_PRIVATE_KEY)
		tunnel_set_private_key(c->tunnel, &patch->private_key);
	/* One publication, so that peers replaced by themselves are not missing in between, unless there are more changes
	 * than limit_publication() allows. The private key, which needs Diffie-Hellman computations, was set before. */
	threads_publish_begin(&c->threads);
	if (patch->flags & WG_DEVICE_REPLACE_PEERS)
		remove_all_peers(c);
	for (uint32_t i = 0; i < patch->n_peers && !error; i++)
		error = apply_peer(c, now_ns, &patch->peers[i]);
	threads_publish_end(&c->threads);
	return error;
}

/* ---- get ---- */

static bool get_peer(const struct control *c, const struct wg_tunnel_peer *p, struct wg_peer *out)
{
	struct wg_peer_state s;
	const void *cursor = NULL;
	struct ip_prefix prefix;

	tunnel_peer_state(c->tunnel, p, &s);
	out->flags = WG_PEER_HAS_PUBLIC_KEY | WG_PEER_HAS_PSK | WG_PEER_HAS_KEEPALIVE;
	if (s.endpoint.addr.family != IP_NONE)
		out->flags |= WG_PEER_HAS_ENDPOINT;
	out->public_key = s.public_key;
	out->psk = s.psk;
	out->endpoint = s.endpoint;
	out->keepalive_s = s.keepalive_s;
	out->handshake_s = s.handshake_s;
	/* Clients read zero nanoseconds as "never". */
	out->handshake_ns = s.handshake_s && !s.handshake_ns ? 1 : s.handshake_ns;
	out->rx_bytes = s.rx_bytes;
	out->tx_bytes = s.tx_bytes;
	mem_wipe(&s, sizeof s);
	while (tunnel_peer_route_next(c->tunnel, p, &cursor, &prefix)) {
		struct wg_allowedip *a = peer_add_allowedip(out);
		if (!a)
			return false;
		a->prefix = prefix;
	}
	return true;
}

int config_read(const struct control *c, struct wg_device *state)
{
	memset(state, 0, sizeof *state);
	memcpy(state->name, c->link.now.name, sizeof state->name);
	tunnel_private_key(c->tunnel, &state->private_key);
	state->flags = WG_DEVICE_HAS_LISTEN_PORT;
	if (!mem_is_zero_ct(&state->private_key, sizeof state->private_key))
		state->flags |= WG_DEVICE_HAS_PRIVATE_KEY;
	if (c->fwmark)
		state->flags |= WG_DEVICE_HAS_FWMARK;
	state->listen_port = c->listen_port;
	state->fwmark = c->fwmark;
	for (struct wg_tunnel_peer *p = NULL; (p = tunnel_peer_next(c->tunnel, p));) {
		struct wg_peer *out = device_add_peer(state);
		if (!out || !get_peer(c, p, out)) {
			device_free(state);
			return -ENOMEM;
		}
	}
	return 0;
}

int config_get(void *control, struct wg_device *state)
{
	struct control *c = control;

	interface_refresh(c);
	worker_run_control(c->worker); /* includes what the data threads have received */
	return config_read(c, state);
}
