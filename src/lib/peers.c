/* Peers and their allowed IPs. */
#include <errno.h>

#include "base/mem.h"
#include "instance.h"

/* As WITHIN, if there is a peer with this public key. */
#define WITHIN_PEER(call, w, key, key_bytes, valid, peer)                            \
	WITHIN(call, guard_of(w), (key) && (key_bytes) == KEY_BYTES && (valid))      \
		if (((peer) = find_peer(call, (w)->tunnel, key)) != NULL)

static struct wg_tunnel_peer *find_peer(struct call *call, struct wg_tunnel *t, const void *key)
{
	struct wg_tunnel_peer *peer;
	struct wg_public public;

	memcpy(&public, key, sizeof public);
	peer = tunnel_peer_find(t, &public);
	if (!peer)
		call->result = WGPROTO_NO_PEER;
	return peer;
}

static enum wgproto_result result_of(int error)
{
	switch (error) {
	case 0: return WGPROTO_OK;
	case -EEXIST: return WGPROTO_EXISTS;
	case -EADDRINUSE: return WGPROTO_OWN_KEY;
	}
	return WGPROTO_NO_MEMORY;
}

enum wgproto_result wgproto_peer_add(struct wgproto *w, const void *public_key, size_t key_bytes)
{
	struct call call;

	WITHIN(&call, guard_of(w), public_key && key_bytes == KEY_BYTES) {
		struct wg_tunnel_peer *peer;
		struct wg_public key;

		memcpy(&key, public_key, sizeof key);
		call.result = result_of(tunnel_peer_add(&peer, w->tunnel, &key));
	}
	return call_end(&call);
}

enum wgproto_result wgproto_peer_remove(struct wgproto *w, const void *public_key, size_t key_bytes)
{
	struct wg_tunnel_peer *peer;
	struct call call;

	WITHIN_PEER(&call, w, public_key, key_bytes, true, peer)
		tunnel_peer_remove(w->tunnel, peer);
	return call_end(&call);
}

enum wgproto_result wgproto_peer_set_psk(struct wgproto *w, const void *public_key, size_t key_bytes, const void *psk,
					 size_t psk_bytes)
{
	struct wg_tunnel_peer *peer;
	struct wg_psk key;
	struct call call;

	WITHIN_PEER(&call, w, public_key, key_bytes, psk && psk_bytes == KEY_BYTES, peer) {
		memcpy(&key, psk, sizeof key);
		tunnel_peer_set_psk(w->tunnel, peer, &key);
	}
	mem_wipe(&key, sizeof key);
	return call_end(&call);
}

enum wgproto_result wgproto_peer_set_endpoint(struct wgproto *w, const void *public_key, size_t key_bytes,
					      const struct wgproto_endpoint *endpoint)
{
	struct wg_tunnel_peer *peer;
	struct call call;

	WITHIN_PEER(&call, w, public_key, key_bytes, endpoint && addr_is_valid(&endpoint->addr), peer) {
		struct ip_endpoint to = endpoint_in(endpoint);

		tunnel_peer_set_endpoint(w->tunnel, peer, &to);
	}
	return call_end(&call);
}

enum wgproto_result wgproto_peer_set_keepalive(struct wgproto *w, uint64_t now_ns, const void *public_key,
					       size_t key_bytes, uint16_t seconds)
{
	struct wg_tunnel_peer *peer;
	struct call call;

	WITHIN_PEER(&call, w, public_key, key_bytes, true, peer)
		tunnel_peer_set_keepalive(w->tunnel, now_ns, peer, seconds);
	return call_end(&call);
}

enum wgproto_result wgproto_peer_send_keepalive(struct wgproto *w, const void *public_key, size_t key_bytes)
{
	struct wg_tunnel_peer *peer;
	struct call call;

	WITHIN_PEER(&call, w, public_key, key_bytes, true, peer)
		tunnel_peer_send_keepalive(w->tunnel, peer);
	return call_end(&call);
}

enum wgproto_result wgproto_peer_flush(struct wgproto *w, const void *public_key, size_t key_bytes)
{
	struct wg_tunnel_peer *peer;
	struct call call;

	WITHIN_PEER(&call, w, public_key, key_bytes, true, peer)
		tunnel_peer_flush(w->tunnel, peer);
	return call_end(&call);
}

/* ---- allowed IPs ---- */

enum wgproto_result wgproto_allow(struct wgproto *w, const void *public_key, size_t key_bytes,
				  const struct wgproto_prefix *prefix)
{
	struct wg_tunnel_peer *peer;
	struct ip_prefix route;
	struct call call;

	WITHIN_PEER(&call, w, public_key, key_bytes, prefix_in(&route, prefix), peer)
		call.result = result_of(tunnel_route_add(w->tunnel, peer, &route));
	return call_end(&call);
}

enum wgproto_result wgproto_disallow(struct wgproto *w, const void *public_key, size_t key_bytes,
				     const struct wgproto_prefix *prefix)
{
	struct wg_tunnel_peer *peer;
	struct ip_prefix route;
	struct call call;

	WITHIN_PEER(&call, w, public_key, key_bytes, prefix_in(&route, prefix), peer)
		tunnel_route_remove(w->tunnel, peer, &route);
	return call_end(&call);
}

enum wgproto_result wgproto_disallow_all(struct wgproto *w, const void *public_key, size_t key_bytes)
{
	struct wg_tunnel_peer *peer;
	struct call call;

	WITHIN_PEER(&call, w, public_key, key_bytes, true, peer)
		tunnel_route_clear(w->tunnel, peer);
	return call_end(&call);
}

/* Stores up to `space` of them; returns how many there are. */
static size_t list_routes(const struct wg_tunnel *t, const struct wg_tunnel_peer *p, struct wgproto_prefix *out,
			  size_t space)
{
	const void *cursor = NULL;
	struct ip_prefix route;
	size_t n = 0;

	for (; tunnel_peer_route_next(t, p, &cursor, &route); n++)
		if (n < space)
			out[n] = (struct wgproto_prefix){ .addr = addr_out(&route.addr), .bits = route.bits };
	return n;
}

enum wgproto_result wgproto_allowed(const struct wgproto *w, const void *public_key, size_t key_bytes,
				    struct wgproto_prefix *out, size_t *n)
{
	struct wg_tunnel_peer *peer;
	struct call call;

	WITHIN_PEER(&call, w, public_key, key_bytes, n && (out || *n == 0), peer)
		*n = list_routes(w->tunnel, peer, out, *n);
	return call_end(&call);
}

/* ---- state ---- */

static void peer_out(struct wgproto_peer *out, const struct wg_tunnel *t, const struct wg_tunnel_peer *p)
{
	struct wg_peer_state state;

	tunnel_peer_state(t, p, &state);
	*out = (struct wgproto_peer){
		.endpoint = endpoint_out(&state.endpoint),
		.keepalive_s = state.keepalive_s,
		.handshake_s = state.handshake_s,
		.handshake_ns = state.handshake_ns,
		.rx_bytes = state.rx_bytes,
		.tx_bytes = state.tx_bytes,
	};
	memcpy(out->public_key, &state.public_key, sizeof out->public_key);
	memcpy(out->psk, &state.psk, sizeof out->psk);
	mem_wipe(&state, sizeof state);
}

enum wgproto_result wgproto_peer_get(const struct wgproto *w, const void *public_key, size_t key_bytes,
				     struct wgproto_peer *out)
{
	struct wg_tunnel_peer *peer;
	struct call call;

	WITHIN_PEER(&call, w, public_key, key_bytes, out != NULL, peer)
		peer_out(out, w->tunnel, peer);
	return call_end(&call);
}

enum wgproto_result wgproto_peer_next(const struct wgproto *w, const void *public_key, size_t key_bytes,
				      struct wgproto_peer *out)
{
	struct call call;

	WITHIN(&call, guard_of(w), out && (!public_key || key_bytes == KEY_BYTES)) {
		struct wg_tunnel_peer *peer = public_key ? find_peer(&call, w->tunnel, public_key) : NULL;

		if (!public_key || peer) {
			peer = tunnel_peer_next(w->tunnel, peer);
			if (peer)
				peer_out(out, w->tunnel, peer);
			else
				call.result = WGPROTO_END;
		}
	}
	return call_end(&call);
}
