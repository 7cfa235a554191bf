/* `wg show NAME` for people: labels in bold, units in cyan, peers by latest handshake. Scripts read
 * this too, so without colours it stays what it is to the byte (wg-behaviour.md A3.1-A3.4). */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "show.h"

/* A stretch of coloured text is begun with one of these and ended with RESET. */
static const char RESET[] = "\x1b[0m", BOLD[] = "\x1b[1m", RED[] = "\x1b[31m", GREEN[] = "\x1b[32m",
		  YELLOW[] = "\x1b[33m", CYAN[] = "\x1b[36m";

static void ink(struct program *p, const char *code)
{
	if (p->color)
		text_add(&p->out, code);
}

static void colored(struct program *p, const char *code, const char *text)
{
	ink(p, code);
	text_add(&p->out, text);
	ink(p, RESET);
}

/* "interface: NAME" and "peer: KEY". */
static void heading(struct program *p, const char *code, const char *what, const char *name)
{
	ink(p, code);
	colored(p, BOLD, what);
	text_add(&p->out, ": ");
	colored(p, code, name);
	text_char(&p->out, '\n');
}

static void label(struct program *p, const char *text)
{
	text_add(&p->out, "  ");
	colored(p, BOLD, text);
	text_add(&p->out, ": ");
}

static void key_line(struct program *p, const char *what, const uint8_t key[KEY_BYTES])
{
	char base64[KEY_BASE64_CHARS + 1];

	key_to_base64(base64, key);
	label(p, what);
	text_f(&p->out, "%s\n", base64);
}

static void secret_line(struct program *p, const char *what, const uint8_t key[KEY_BYTES])
{
	if (p->show_secrets) {
		key_line(p, what, key);
		return;
	}
	label(p, what);
	text_add(&p->out, "(hidden)\n");
}

/* ---- amounts ---- */

static const struct unit {
	const char *name;
	uint64_t seconds;
} units[] = {
	{ "year", 365 * 24 * 3600 }, { "day", 24 * 3600 }, { "hour", 3600 }, { "minute", 60 },
	{ "second", 1 },
};

/* "1 year, 35 days, 1 second" */
static void duration(struct program *p, uint64_t seconds)
{
	bool first = true;

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		uint64_t n = seconds / units[i].seconds;

		seconds %= units[i].seconds;
		if (n == 0)
			continue;
		if (!first)
			text_add(&p->out, ", ");
		first = false;
		text_u64(&p->out, n);
		text_char(&p->out, ' ');
		ink(p, CYAN);
		text_add(&p->out, units[i].name);
		if (n != 1)
			text_char(&p->out, 's');
		ink(p, RESET);
	}
}

static void ago(struct program *p, uint64_t then, uint64_t now)
{
	if (then == now) {
		text_add(&p->out, "Now");
	} else if (then < now) {
		duration(p, now - then);
		text_add(&p->out, " ago");
	} else {
		text_char(&p->out, '(');
		colored(p, RED, "System clock wound backward; connection problems may ensue.");
		text_char(&p->out, ')');
	}
}

/* v / 2^shift with two decimals, rounded as printf rounds: to nearest, ties to even. */
static void binary_fraction(struct text *t, uint64_t v, unsigned int shift)
{
	uint64_t mask = ((uint64_t)1 << shift) - 1, half = (uint64_t)1 << (shift - 1);
	uint64_t whole = v >> shift, scaled = (v & mask) * 100, hundredths = scaled >> shift;
	uint64_t rest = scaled & mask;

	if (rest > half || (rest == half && (hundredths & 1)))
		hundredths++;
	whole += hundredths / 100;
	hundredths %= 100;
	text_u64(t, whole);
	text_char(t, '.');
	text_char(t, (char)('0' + hundredths / 10));
	text_char(t, (char)('0' + hundredths % 10));
}

static void amount(struct program *p, uint64_t bytes)
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	unsigned int power = 0;

	while (power + 1 < ARRAY_LEN(names) && bytes >> (10 * (power + 1)) != 0)
		power++;
	if (power == 0)
		text_u64(&p->out, bytes);
	else
		binary_fraction(&p->out, bytes, 10 * power);
	text_char(&p->out, ' ');
	colored(p, CYAN, names[power]);
}

/* ---- device and peers ---- */

static void device_lines(struct program *p, const struct wg_device *d)
{
	ink(p, RESET);
	heading(p, GREEN, "interface", d->name);
	if (d->flags & WG_DEVICE_HAS_PUBLIC_KEY)
		key_line(p, "public key", d->public_key.b);
	if (d->flags & WG_DEVICE_HAS_PRIVATE_KEY)
		secret_line(p, "private key", d->private_key.b);
	if (d->listen_port) {
		label(p, "listening port");
		text_f(&p->out, "%u\n", d->listen_port);
	}
	if (d->fwmark) {
		label(p, "fwmark");
		text_f(&p->out, "0x%x\n", d->fwmark);
	}
}

static void allowedips_line(struct program *p, const struct wg_peer *peer)
{
	label(p, "allowed ips");
	if (peer->n_allowedips == 0)
		text_add(&p->out, "(none)");
	for (uint32_t i = 0; i < peer->n_allowedips; i++) {
		const struct ip_prefix *prefix = &peer->allowedips[i].prefix;

		if (i > 0)
			text_add(&p->out, ", ");
		ip_print(&p->out, &prefix->addr);
		colored(p, CYAN, "/");
		text_u64(&p->out, prefix->bits);
	}
	text_char(&p->out, '\n');
}

static void traffic_lines(struct program *p, const struct wg_peer *peer, uint64_t now_s)
{
	if (peer->handshake_s) {
		label(p, "latest handshake");
		ago(p, peer->handshake_s, now_s);
		text_char(&p->out, '\n');
	}
	if (peer->rx_bytes || peer->tx_bytes) {
		label(p, "transfer");
		amount(p, peer->rx_bytes);
		text_add(&p->out, " received, ");
		amount(p, peer->tx_bytes);
		text_add(&p->out, " sent\n");
	}
}

static void peer_lines(struct program *p, const struct wg_peer *peer, uint64_t now_s)
{
	char base64[KEY_BASE64_CHARS + 1];

	key_to_base64(base64, peer->public_key.b);
	heading(p, YELLOW, "peer", base64);
	if (peer->flags & WG_PEER_HAS_PSK)
		secret_line(p, "preshared key", peer->psk.b);
	if (peer->flags & WG_PEER_HAS_ENDPOINT) {
		label(p, "endpoint");
		endpoint_print(&p->out, &peer->endpoint, &ipc_scopes);
		text_char(&p->out, '\n');
	}
	allowedips_line(p, peer);
	traffic_lines(p, peer, now_s);
	if (peer->keepalive_s) {
		label(p, "persistent keepalive");
		text_add(&p->out, "every ");
		duration(p, peer->keepalive_s);
		text_char(&p->out, '\n');
	}
}

/* The newest handshake first; the others stay in the device's order, which their addresses have. */
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

int pretty_print(struct program *p, const struct wg_device *d)
{
	const struct wg_peer **sorted = malloc((d->n_peers ? d->n_peers : 1) * sizeof *sorted);
	uint64_t now_s = (uint64_t)time(NULL);

	if (!sorted)
		return -ENOMEM;
	for (uint32_t i = 0; i < d->n_peers; i++)
		sorted[i] = &d->peers[i];
	qsort(sorted, d->n_peers, sizeof *sorted, by_handshake);
	device_lines(p, d);
	for (uint32_t i = 0; i < d->n_peers; i++) {
		text_char(&p->out, '\n');
		peer_lines(p, sorted[i], now_s);
	}
	free(sorted);
	return 0;
}
