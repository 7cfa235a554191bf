/* Prints a sample as JSON. */
#include "watch_json.h"

#include "ipc/ipc.h"
#include "report/json.h"

static void print_peer(struct json *j, const struct watch_peer *p)
{
	char key[KEY_BASE64_CHARS + 1], endpoint[IP_ENDPOINT_TEXT_MAX];
	struct text t = text_fixed(endpoint, sizeof endpoint);

	key_to_base64(key, p->key.b);
	json_open_object(j, key);
	if (p->name)
		json_string(j, "name", span_of(p->name));
	if (p->peer->flags & WG_PEER_HAS_ENDPOINT) {
		endpoint_print(&t, &p->peer->endpoint, &ipc_scopes);
		json_string(j, "endpoint", text_of(&t));
	}
	if (p->peer->handshake_s != 0)
		json_u64(j, "latestHandshake", p->peer->handshake_s);
	json_u64(j, "transferRx", p->rx_bytes);
	json_u64(j, "transferTx", p->tx_bytes);
	json_u64(j, "rxRate", (uint64_t)(p->rx_rate + 0.5));
	json_u64(j, "txRate", (uint64_t)(p->tx_rate + 0.5));
	json_close(j);
}

/* peers: those of the device, d->n_peers. */
static bool print_device(struct json *j, const struct wg_device *d, const struct watch_peer peers[])
{
	struct peer_index index;

	if (!peer_index_build(&index, d))
		return false;
	json_open_object(j, d->name);
	json_open_object(j, "peers");
	for (uint32_t i = 0; i < d->n_peers; i++) /* a daemon may repeat a key, an object may not */
		if (peer_index_find(&index, d, &d->peers[i].public_key) == &d->peers[i])
			print_peer(j, &peers[i]);
	json_close(j);
	json_close(j);
	peer_index_free(&index);
	return true;
}

bool watch_json(struct text *out, const struct watch_table *w, const struct wg_device devices[], size_t n, uint64_t time_ms)
{
	const struct watch_peer *peers = w->list;
	struct json j;

	json_begin(&j, out, true);
	json_open_object(&j, NULL);
	json_u64(&j, "timeMs", time_ms);
	json_open_object(&j, "interfaces");
	for (size_t i = 0; i < n; i++) {
		if (!print_device(&j, &devices[i], peers))
			return false;
		peers += devices[i].n_peers;
	}
	json_close(&j);
	json_close(&j);
	json_end(&j);
	return true;
}
