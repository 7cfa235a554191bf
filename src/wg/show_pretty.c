/* `wg show INTERFACE` for people: bold labels, cyan units, peers by latest handshake. Scripts read this as well, so
 * without colours and names it is byte-identical to upstream's. */
#include "show_pretty.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "report/terminal.h"
#include "report/units.h"

struct pretty {
	struct terminal t;
	const struct peer_names *names;
	bool show_secrets;
	uint64_t now_s;
};

/* "interface: DEVICE" and "peer: KEY (NAME)"; name: null: none. */
static void heading(const struct pretty *p, enum terminal_style style, const char *label, const char *value,
		    const char *name)
{
	terminal_style(&p->t, style);
	terminal_styled(&p->t, STYLE_BOLD, label);
	text_add(p->t.out, ": ");
	terminal_styled(&p->t, style, value);
	if (name)
		text_f(p->t.out, " (%s)", name);
	text_char(p->t.out, '\n');
}

static void label(const struct pretty *p, const char *text)
{
	text_add(p->t.out, "  ");
	terminal_styled(&p->t, STYLE_BOLD, text);
	text_add(p->t.out, ": ");
}

static void key_line(const struct pretty *p, const char *what, const uint8_t key[KEY_BYTES])
{
	char base64[KEY_BASE64_CHARS + 1];

	key_to_base64(base64, key);
	label(p, what);
	text_f(p->t.out, "%s\n", base64);
	mem_wipe(base64, sizeof base64); /* it may be secret */
}

static void secret_line(const struct pretty *p, const char *what, const uint8_t key[KEY_BYTES])
{
	if (p->show_secrets) {
		key_line(p, what, key);
		return;
	}
	label(p, what);
	text_add(p->t.out, "(hidden)\n");
}

static void device_lines(const struct pretty *p, const struct wg_device *d)
{
	terminal_style(&p->t, STYLE_NONE);
	heading(p, STYLE_GREEN, "interface", d->name, NULL);
	if (d->flags & WG_DEVICE_HAS_PUBLIC_KEY)
		key_line(p, "public key", d->public_key.b);
	if (d->flags & WG_DEVICE_HAS_PRIVATE_KEY)
		secret_line(p, "private key", d->private_key.b);
	if (d->listen_port) {
		label(p, "listening port");
		text_f(p->t.out, "%u\n", d->listen_port);
	}
	if (d->fwmark) {
		label(p, "fwmark");
		text_f(p->t.out, "0x%x\n", d->fwmark);
	}
}

static void allowedips_line(const struct pretty *p, const struct wg_peer *peer)
{
	label(p, "allowed ips");
	if (peer->n_allowedips == 0)
		text_add(p->t.out, "(none)");
	for (uint32_t i = 0; i < peer->n_allowedips; i++) {
		const struct ip_prefix *prefix = &peer->allowedips[i].prefix;

		if (i > 0)
			text_add(p->t.out, ", ");
		ip_print(p->t.out, &prefix->addr);
		terminal_styled(&p->t, STYLE_CYAN, "/");
		text_u64(p->t.out, prefix->bits);
	}
	text_char(p->t.out, '\n');
}

static void traffic_lines(const struct pretty *p, const struct wg_peer *peer)
{
	if (peer->handshake_s) {
		label(p, "latest handshake");
		units_ago(&p->t, peer->handshake_s, p->now_s);
		text_char(p->t.out, '\n');
	}
	if (peer->rx_bytes || peer->tx_bytes) {
		label(p, "transfer");
		units_bytes(&p->t, peer->rx_bytes);
		text_add(p->t.out, " received, ");
		units_bytes(&p->t, peer->tx_bytes);
		text_add(p->t.out, " sent\n");
	}
}

static void peer_lines(const struct pretty *p, const struct wg_peer *peer)
{
	char base64[KEY_BASE64_CHARS + 1];

	key_to_base64(base64, peer->public_key.b);
	heading(p, STYLE_YELLOW, "peer", base64, names_of(p->names, &peer->public_key));
	if (peer->flags & WG_PEER_HAS_PSK)
		secret_line(p, "preshared key", peer->psk.b);
	if (peer->flags & WG_PEER_HAS_ENDPOINT) {
		label(p, "endpoint");
		endpoint_print(p->t.out, &peer->endpoint, &ipc_scopes);
		text_char(p->t.out, '\n');
	}
	allowedips_line(p, peer);
	traffic_lines(p, peer);
	if (peer->keepalive_s) {
		label(p, "persistent keepalive");
		text_add(p->t.out, "every ");
		units_duration(&p->t, peer->keepalive_s);
		text_char(p->t.out, '\n');
	}
}

/* The latest handshake first, otherwise in the device's order, that of the pointers. */
static int by_handshake(const void *a, const void *b)
{
	const struct wg_peer *x = *(const struct wg_peer *const *)a;
	const struct wg_peer *y = *(const struct wg_peer *const *)b;

	if (x->handshake_s != y->handshake_s)
		return x->handshake_s > y->handshake_s ? -1 : 1;
	if (x->handshake_ns != y->handshake_ns)
		return x->handshake_ns > y->handshake_ns ? -1 : 1;
	return (x > y) - (x < y);
}

int show_pretty(struct program *program, const struct wg_device *d, const struct peer_names *names)
{
	const struct wg_peer **sorted = malloc((d->n_peers ? d->n_peers : 1) * sizeof *sorted);
	struct pretty p = {
		.t = { .out = &program->out, .colour = program->colour },
		.names = names, .show_secrets = program->show_secrets, .now_s = (uint64_t)time(NULL),
	};

	if (!sorted)
		return -ENOMEM;
	for (uint32_t i = 0; i < d->n_peers; i++)
		sorted[i] = &d->peers[i];
	qsort(sorted, d->n_peers, sizeof *sorted, by_handshake);
	device_lines(&p, d);
	for (uint32_t i = 0; i < d->n_peers; i++) {
		text_char(p.t.out, '\n');
		peer_lines(&p, sorted[i]);
	}
	free(sorted);
	return 0;
}
