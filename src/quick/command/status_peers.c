/* A table of the peers with the latest handshakes. */
#include "status_peers.h"

#include <stdlib.h>

#include "quick/diagnosis/checks.h"
#include "report/units.h"

enum { SHOWN_MAX = 10, CELL_MAX = 96 };

static int by_handshake(const void *a, const void *b)
{
	const struct wg_peer *x = *(const struct wg_peer *const *)a, *y = *(const struct wg_peer *const *)b;

	if (x->handshake_s != y->handshake_s)
		return x->handshake_s > y->handshake_s ? -1 : 1;
	return (x > y) - (x < y);
}

static bool cell(struct page_table *t, const char *text)
{
	return page_table_add(t, span_of(text));
}

static bool endpoint_cell(struct page_table *table, const struct wg_peer *peer)
{
	char text[CELL_MAX] = "";
	struct text t = text_fixed(text, sizeof text);

	if (peer->flags & WG_PEER_HAS_ENDPOINT)
		endpoint_print(&t, &peer->endpoint, &ipc_scopes);
	else
		text_add(&t, "no endpoint");
	return cell(table, text);
}

/* A session is renewed every two minutes while data flows. */
static bool handshake_cell(struct page_table *table, const struct wg_peer *peer, uint64_t now_s)
{
	char text[CELL_MAX] = "";
	struct text t = text_fixed(text, sizeof text);
	const struct terminal plain = { .out = &t };

	if (peer->handshake_s)
		units_ago(&plain, peer->handshake_s, now_s);
	else
		text_add(&t, "no handshake");
	return cell(table, text);
}

static bool traffic_cell(struct page_table *table, const struct wg_peer *peer)
{
	char text[CELL_MAX] = "";
	struct text t = text_fixed(text, sizeof text);
	const struct terminal plain = { .out = &t };

	if (peer->rx_bytes || peer->tx_bytes) {
		units_bytes(&plain, peer->rx_bytes);
		text_add(&t, " received, ");
		units_bytes(&plain, peer->tx_bytes);
		text_add(&t, " sent");
	}
	return cell(table, text);
}

/* Only what flows now. Counters that went back are those of a peer that was added again. */
static bool rate_cell(struct page_table *table, const struct wg_peer *peer, const struct wg_peer *later, uint64_t ms)
{
	char text[CELL_MAX] = "";
	struct text t = text_fixed(text, sizeof text);
	const struct terminal plain = { .out = &t };

	if (later && ms > 0 && later->rx_bytes >= peer->rx_bytes && later->tx_bytes >= peer->tx_bytes &&
	    (later->rx_bytes > peer->rx_bytes || later->tx_bytes > peer->tx_bytes)) {
		units_bytes(&plain, (later->rx_bytes - peer->rx_bytes) * 1000 / ms);
		text_add(&t, "/s in, ");
		units_bytes(&plain, (later->tx_bytes - peer->tx_bytes) * 1000 / ms);
		text_add(&t, "/s out");
	}
	return cell(table, text);
}

static bool row(struct page_table *table, const struct observation *o, const struct wg_peer *peer, const struct wg_peer *later,
		uint64_t ms)
{
	char label[PEER_LABEL_MAX];

	facts_peer_label(label, &o->facts, peer);
	return cell(table, label) && endpoint_cell(table, peer) && handshake_cell(table, peer, o->facts.now_s) &&
	       traffic_cell(table, peer) && rate_cell(table, peer, later, ms);
}

static bool fill(struct page_table *table, const struct observation *o, const struct status_rates *rates, size_t *shown)
{
	const struct wg_device *d = &o->c.state.device;
	const struct wg_peer **sorted = malloc((d->n_peers + 1) * sizeof *sorted);
	struct peer_index x = { 0 };
	bool ok = sorted && peer_index_build(&x, &rates->later);

	for (uint32_t i = 0; ok && i < d->n_peers; i++)
		sorted[i] = &d->peers[i];
	if (ok && d->n_peers > 0)
		qsort(sorted, d->n_peers, sizeof *sorted, by_handshake);
	for (*shown = 0; ok && *shown < d->n_peers && *shown < SHOWN_MAX; ++*shown)
		ok = row(table, o, sorted[*shown], peer_index_find(&x, &rates->later, &sorted[*shown]->public_key), rates->ms);
	peer_index_free(&x);
	free(sorted);
	return ok;
}

static void summary(const struct page *p, const struct wg_device *d, uint64_t now_s)
{
	uint32_t active = 0;

	for (uint32_t i = 0; i < d->n_peers; i++)
		active += d->peers[i].handshake_s && d->peers[i].handshake_s + HANDSHAKE_OLD_S >= now_s;
	page_label(p, "peers");
	text_f(p->t.out, "%u", d->n_peers);
	if (d->n_peers > 0)
		text_f(p->t.out, ", %u with a handshake in the last 3 minutes", active);
	text_char(p->t.out, '\n');
}

bool status_peers(const struct page *p, const struct observation *o, const struct status_rates *rates)
{
	static const enum terminal_style styles[] = { STYLE_YELLOW, STYLE_NONE, STYLE_NONE, STYLE_NONE, STYLE_CYAN };
	const struct wg_device *d = &o->c.state.device;
	struct page_table table = { .columns = ARRAY_LEN(styles) };
	size_t shown;
	bool ok;

	if (o->facts.device_error) {
		page_label(p, "peers");
		text_f(p->t.out, o->may_read ? "not known\n" : "not readable without CAP_NET_ADMIN: sudo wg-quick status %s\n",
		       o->facts.name);
		return true;
	}
	summary(p, d, o->facts.now_s);
	ok = fill(&table, o, rates, &shown);
	if (ok)
		page_table_print(p, &table, styles);
	if (ok && shown < d->n_peers) {
		page_label(p, "");
		text_f(p->t.out, "and %zu more: wg show %s\n", (size_t)d->n_peers - shown, o->facts.name);
	}
	page_table_free(&table);
	return ok;
}
