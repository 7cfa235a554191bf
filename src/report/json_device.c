/* Keys in the order of wg-json. */
#include "json_device.h"

#include "base/mem.h"

static void key_string(struct json *j, const char *name, const uint8_t key[KEY_BYTES])
{
	char base64[KEY_BASE64_CHARS + 1];

	key_to_base64(base64, key);
	json_string(j, name, (struct span){ base64, KEY_BASE64_CHARS });
	mem_wipe(base64, sizeof base64);
}

static void number(struct json *j, const char *name, uint64_t value)
{
	if (value != 0)
		json_u64(j, name, value);
}

static void endpoint(struct json *j, const struct wg_peer *peer, const struct ip_scopes *scopes)
{
	char buffer[IP_ENDPOINT_TEXT_MAX];
	struct text t = text_fixed(buffer, sizeof buffer);

	endpoint_print(&t, &peer->endpoint, scopes);
	json_string(j, "endpoint", text_of(&t));
}

static void allowedips(struct json *j, const struct wg_peer *peer)
{
	json_open_array(j, "allowedIps");
	for (uint32_t i = 0; i < peer->n_allowedips; i++) {
		char buffer[IP_PREFIX_TEXT_MAX];
		struct text t = text_fixed(buffer, sizeof buffer);
		prefix_print(&t, &peer->allowedips[i].prefix);
		json_string(j, NULL, text_of(&t));
	}
	json_close(j);
}

static void peer_object(struct json *j, const struct wg_peer *peer, const struct json_device_options *o)
{
	const char *name = o->names ? names_of(o->names, &peer->public_key) : NULL;
	char base64[KEY_BASE64_CHARS + 1];

	key_to_base64(base64, peer->public_key.b);
	json_open_object(j, base64);
	if (name)
		json_string(j, "name", span_of(name));
	if (o->show_secrets && (peer->flags & WG_PEER_HAS_PSK))
		key_string(j, "presharedKey", peer->psk.b);
	if (peer->flags & WG_PEER_HAS_ENDPOINT)
		endpoint(j, peer, o->scopes);
	number(j, "latestHandshake", peer->handshake_s);
	number(j, "transferRx", peer->rx_bytes);
	number(j, "transferTx", peer->tx_bytes);
	number(j, "persistentKeepalive", peer->keepalive_s);
	allowedips(j, peer);
	json_close(j);
}

static void device_values(struct json *j, const struct wg_device *d, const struct json_device_options *o)
{
	const char *backend = d->ifindex ? "kernel" : "userspace";

	json_string(j, "backend", span_of(backend));
	number(j, "ifindex", d->ifindex);
	if (o->show_secrets && (d->flags & WG_DEVICE_HAS_PRIVATE_KEY))
		key_string(j, "privateKey", d->private_key.b);
	if (d->flags & WG_DEVICE_HAS_PUBLIC_KEY)
		key_string(j, "publicKey", d->public_key.b);
	number(j, "listenPort", d->listen_port);
	number(j, "fwmark", d->fwmark);
}

bool json_device(struct json *j, const struct wg_device *d, const struct json_device_options *o)
{
	struct peer_index index;

	if (!peer_index_build(&index, d))
		return false;
	json_open_object(j, d->name);
	device_values(j, d, o);
	json_open_object(j, "peers");
	for (uint32_t i = 0; i < d->n_peers; i++) /* a daemon may repeat a key, an object may not */
		if (peer_index_find(&index, d, &d->peers[i].public_key) == &d->peers[i])
			peer_object(j, &d->peers[i], o);
	json_close(j);
	json_close(j);
	peer_index_free(&index);
	return true;
}
