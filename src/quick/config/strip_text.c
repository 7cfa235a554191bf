/* Prints the patch that the files describe, in the form of a file. */
#include "strip_text.h"

#include "base/mem.h"

static void print_key(struct text *t, const char *name, const uint8_t key[KEY_BYTES])
{
	char text[KEY_BASE64_CHARS + 1];

	key_to_base64(text, key);
	text_f(t, "%s = %s\n", name, text);
	mem_wipe(text, sizeof text);
}

static void print_interface(struct text *t, const struct wg_device *d)
{
	text_add(t, "[Interface]\n");
	if (d->flags & WG_DEVICE_HAS_PRIVATE_KEY)
		print_key(t, "PrivateKey", d->private_key.b);
	if (d->flags & WG_DEVICE_HAS_LISTEN_PORT)
		text_f(t, "ListenPort = %u\n", d->listen_port);
	if (d->flags & WG_DEVICE_HAS_FWMARK)
		text_f(t, "FwMark = 0x%x\n", d->fwmark);
}

/* Incremental items, which do not replace the list of the device, have a sign. */
static void print_allowedips(struct text *t, const struct wg_peer *p)
{
	const char *sign = p->flags & WG_PEER_REPLACE_ALLOWEDIPS ? "" : "+";

	for (uint32_t i = 0; i < p->n_allowedips; i++) {
		text_add(t, i == 0 ? "AllowedIPs = " : ", ");
		text_add(t, p->allowedips[i].flags & WG_ALLOWEDIP_REMOVE ? "-" : sign);
		prefix_print(t, &p->allowedips[i].prefix);
	}
	if (p->n_allowedips > 0)
		text_char(t, '\n');
}

/* Of a list of endpoints, wg(8) can have the first. */
static void print_endpoint(struct text *t, const struct wg_peer *p, const struct ip_scopes *scopes)
{
	struct span host = p->flags & WG_PEER_HAS_HOST ? span_of(p->host) : (struct span){ NULL, 0 };

	if (host.p) {
		host = span_sub(host, 0, span_find(host, ','));
		text_f(t, "Endpoint = %.*s\n", (int)host.n, host.p);
	} else if (p->flags & WG_PEER_HAS_ENDPOINT) {
		text_add(t, "Endpoint = ");
		endpoint_print(t, &p->endpoint, scopes);
		text_char(t, '\n');
	}
}

static void print_peer(struct text *t, const struct wg_peer *p, const struct ip_scopes *scopes)
{
	text_add(t, "\n[Peer]\n");
	print_key(t, "PublicKey", p->public_key.b);
	if (p->flags & WG_PEER_HAS_PSK)
		print_key(t, "PresharedKey", p->psk.b);
	print_allowedips(t, p);
	print_endpoint(t, p, scopes);
	if (p->flags & WG_PEER_HAS_KEEPALIVE)
		text_f(t, "PersistentKeepalive = %u\n", p->keepalive_s);
}

bool strip_text(struct text *out, const struct tunnel_file *f, const struct ip_scopes *scopes)
{
	print_interface(out, &f->device);
	for (uint32_t i = 0; i < f->device.n_peers; i++)
		print_peer(out, &f->device.peers[i], scopes);
	return !out->failed;
}
