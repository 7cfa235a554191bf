/* `wg show INTERFACE FIELD`: lines of tab-separated columns that scripts and exporters read. The format is fixed: no
 * column is added or empty; unset values are "(none)" or "off". */
#include "show_field.h"

#include "base/mem.h"

static const char NONE[] = "(none)";
#define NAMES_FIELD "names"

struct field_output {
	struct text *t;
	const struct wg_device *d;
	const struct show_field_options *options;
};

static void line_begin(const struct field_output *o)
{
	if (!o->options->with_name)
		return;
	text_add(o->t, o->d->name);
	text_char(o->t, '\t');
}

static void print_key(struct text *t, const uint8_t key[KEY_BYTES], bool present)
{
	char base64[KEY_BASE64_CHARS + 1];

	if (!present) {
		text_add(t, NONE);
		return;
	}
	key_to_base64(base64, key);
	text_span(t, (struct span){ base64, KEY_BASE64_CHARS });
	mem_wipe(base64, sizeof base64);
}

static void print_private_key(struct text *t, const struct wg_device *d)
{
	print_key(t, d->private_key.b, d->flags & WG_DEVICE_HAS_PRIVATE_KEY);
}

static void print_public_key(struct text *t, const struct wg_device *d)
{
	print_key(t, d->public_key.b, d->flags & WG_DEVICE_HAS_PUBLIC_KEY);
}

static void print_listen_port(struct text *t, const struct wg_device *d)
{
	text_u64(t, d->listen_port);
}

static void print_fwmark(struct text *t, const struct wg_device *d)
{
	if (d->fwmark == 0) {
		text_add(t, "off");
		return;
	}
	text_add(t, "0x");
	text_hex(t, d->fwmark);
}

static void print_peer_key(struct text *t, const struct wg_peer *peer)
{
	print_key(t, peer->public_key.b, true);
}

static void print_psk(struct text *t, const struct wg_peer *peer)
{
	print_key(t, peer->psk.b, peer->flags & WG_PEER_HAS_PSK);
}

static void print_endpoint(struct text *t, const struct wg_peer *peer)
{
	if (peer->flags & WG_PEER_HAS_ENDPOINT)
		endpoint_print(t, &peer->endpoint, &ipc_scopes);
	else
		text_add(t, NONE);
}

static void print_allowedips(struct text *t, const struct wg_peer *peer, char separator)
{
	if (peer->n_allowedips == 0)
		text_add(t, NONE);
	for (uint32_t i = 0; i < peer->n_allowedips; i++) {
		if (i > 0)
			text_char(t, separator);
		prefix_print(t, &peer->allowedips[i].prefix);
	}
}

static void print_spaced_allowedips(struct text *t, const struct wg_peer *peer)
{
	print_allowedips(t, peer, ' ');
}

static void print_handshake(struct text *t, const struct wg_peer *peer)
{
	text_u64(t, peer->handshake_s);
}

static void print_transfer(struct text *t, const struct wg_peer *peer)
{
	text_u64(t, peer->rx_bytes);
	text_char(t, '\t');
	text_u64(t, peer->tx_bytes);
}

static void print_keepalive(struct text *t, const struct wg_peer *peer)
{
	if (peer->keepalive_s)
		text_u64(t, peer->keepalive_s);
	else
		text_add(t, "off");
}

static void print_dump_device(struct text *t, const struct wg_device *d)
{
	print_private_key(t, d);
	text_char(t, '\t');
	print_public_key(t, d);
	text_char(t, '\t');
	print_listen_port(t, d);
	text_char(t, '\t');
	print_fwmark(t, d);
}

/* The columns after the public key. */
static void print_dump_peer(struct text *t, const struct wg_peer *peer)
{
	print_psk(t, peer);
	text_char(t, '\t');
	print_endpoint(t, peer);
	text_char(t, '\t');
	print_allowedips(t, peer, ',');
	text_char(t, '\t');
	print_handshake(t, peer);
	text_char(t, '\t');
	print_transfer(t, peer);
	text_char(t, '\t');
	print_keepalive(t, peer);
}

/* The arguments of `wg show DEVICE`, with the functions that print them for the device and for each peer. The line of a
 * peer starts with its public key. Presence and syntax of settings are in model/fields.c. */
static const struct show_argument {
	const char *name;
	void (*device)(struct text *t, const struct wg_device *d);
	bool peers;
	void (*peer)(struct text *t, const struct wg_peer *peer);
} show_arguments[] = {
	{ "public-key", print_public_key, false, NULL },
	{ "private-key", print_private_key, false, NULL },
	{ "listen-port", print_listen_port, false, NULL },
	{ "fwmark", print_fwmark, false, NULL },
	{ "peers", NULL, true, NULL },
	{ "preshared-keys", NULL, true, print_psk },
	{ "endpoints", NULL, true, print_endpoint },
	{ "allowed-ips", NULL, true, print_spaced_allowedips },
	{ "latest-handshakes", NULL, true, print_handshake },
	{ "transfer", NULL, true, print_transfer },
	{ "persistent-keepalive", NULL, true, print_keepalive },
	{ "dump", print_dump_device, true, print_dump_peer },
	{ NAMES_FIELD, NULL, true, NULL },
};

static const struct show_argument *find(const char *field)
{
	for (size_t i = 0; i < ARRAY_LEN(show_arguments); i++)
		if (strcmp(show_arguments[i].name, field) == 0)
			return &show_arguments[i];
	return NULL;
}

bool show_field_has_names(const char *field)
{
	return strcmp(field, NAMES_FIELD) == 0;
}

enum show_field_kind show_field_kind(const char *field)
{
	const struct show_argument *a = find(field);

	if (!a)
		return SHOW_FIELD_UNKNOWN;
	return a->peers ? SHOW_FIELD_OF_PEERS : SHOW_FIELD_OF_DEVICE;
}

static void print_name(const struct field_output *o, const struct wg_peer *peer)
{
	const char *name = names_of(o->options->names, &peer->public_key);

	text_add(o->t, name ? name : NONE);
}

static void print_peers(const struct field_output *o, const struct show_argument *a)
{
	for (uint32_t i = 0; i < o->d->n_peers; i++) {
		line_begin(o);
		print_peer_key(o->t, &o->d->peers[i]);
		if (a->peer) {
			text_char(o->t, '\t');
			a->peer(o->t, &o->d->peers[i]);
		} else if (o->options->names) {
			text_char(o->t, '\t');
			print_name(o, &o->d->peers[i]);
		}
		text_char(o->t, '\n');
	}
}

bool show_field(struct program *p, const struct wg_device *d, const char *field, const struct show_field_options *options)
{
	struct field_output o = { &p->out, d, options };
	const struct show_argument *a = find(field);

	if (!a)
		return false;
	if (a->device && !options->peers_only) {
		line_begin(&o);
		a->device(o.t, d);
		text_char(o.t, '\n');
	}
	if (a->peers)
		print_peers(&o, a);
	return true;
}
