/* Peers have three metrics; the families of daemons are merged by name. */
#include "exposition.h"

#include <errno.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "daemon_metrics.h"

void exposition_free(struct exposition *x)
{
	for (size_t i = 0; i < x->n_daemons; i++)
		daemon_metrics_free(&x->daemons[i]);
	free(x->daemons);
	free(x->peers);
	free(x->labels.p);
	*x = (struct exposition){ 0 };
}

/* ---- labels of peers ---- */

/* Both formats have these escapes. */
static void put_escaped(struct text *t, struct span s)
{
	for (size_t i = 0; i < s.n;) {
		size_t from = i;
		struct utf8_char c;

		while (i < s.n && s.p[i] >= ' ' && s.p[i] <= '~' && s.p[i] != '"' && s.p[i] != '\\')
			i++;
		text_span(t, span_sub(s, from, i - from));
		if (i == s.n)
			break;
		c = utf8_at(s, i);
		if (c.code == '"' || c.code == '\\')
			text_char(t, '\\');
		text_span(t, c.printable ? span_sub(s, i, c.bytes) : SPAN("?"));
		i += c.bytes;
	}
}

static void put_labels(struct text *t, const struct wg_device *d, const struct wg_peer *peer, const char *name)
{
	char base64[KEY_BASE64_CHARS + 1];

	key_to_base64(base64, peer->public_key.b);
	text_add(t, "interface=\"");
	put_escaped(t, span_of(d->name));
	text_add(t, "\",public_key=\"");
	text_add(t, base64);
	text_add(t, "\",allowed_ips=\"");
	for (uint32_t i = 0; i < peer->n_allowedips; i++) {
		if (i > 0)
			text_char(t, ',');
		prefix_print(t, &peer->allowedips[i].prefix);
	}
	text_char(t, '"');
	if (!name)
		return;
	text_add(t, ",friendly_name=\"");
	put_escaped(t, span_of(name));
	text_char(t, '"');
}

static bool add_peer(struct exposition *x, const struct wg_device *d, const struct wg_peer *peer, const char *name)
{
	struct exposition_peer *p;
	size_t from = x->labels.n;

	if (!vector_reserve(&x->peers, &x->cap, x->n + 1, sizeof *x->peers))
		return false;
	put_labels(&x->labels, d, peer, name);
	p = &x->peers[x->n++];
	*p = (struct exposition_peer){ .from = from, .n = x->labels.n - from, .sent_bytes = peer->tx_bytes,
				       .received_bytes = peer->rx_bytes, .handshake_s = peer->handshake_s };
	return !x->labels.failed;
}

int exposition_add_device(struct exposition *x, const struct wg_device *d, const struct peer_names *names)
{
	struct peer_index index;
	bool ok = peer_index_build(&index, d);

	if (!x->labels.make_space)
		x->labels = text_heap();
	for (uint32_t i = 0; ok && i < d->n_peers; i++) {
		const struct wg_public *key = &d->peers[i].public_key;
		if (peer_index_find(&index, d, key) == &d->peers[i]) /* a daemon may repeat a key, a metric may not */
			ok = add_peer(x, d, &d->peers[i], names ? names_of(names, key) : NULL);
	}
	peer_index_free(&index);
	return ok ? 0 : -ENOMEM;
}

int exposition_add_daemon(struct exposition *x, const char *device, struct span text)
{
	struct daemon_metrics m;
	int rc = daemon_metrics_read(&m, device, text);

	if (rc)
		return rc;
	if (!vector_reserve(&x->daemons, &x->cap_daemons, x->n_daemons + 1, sizeof *x->daemons)) {
		daemon_metrics_free(&m);
		return -ENOMEM;
	}
	x->daemons[x->n_daemons++] = m;
	return 0;
}

/* ---- printing ---- */

static const struct { const char *suffix, *openmetrics, *prometheus; } kinds[] = {
	[METRIC_KIND_COUNTER] = { "_total", "counter", "counter" },
	[METRIC_KIND_GAUGE] = { "", "gauge", "gauge" },
	[METRIC_KIND_INFO] = { "_info", "info", "gauge" },
};

/* Prometheus' own format declares the name of the samples, OpenMetrics that without the suffix. */
static void print_metadata(struct text *t, const struct metric_family *f, enum exposition_format format)
{
	const char *suffix = kinds[f->kind].suffix;
	int n = (int)f->name.n;

	if (format == EXPOSITION_PROMETHEUS) {
		text_f(t, "# HELP %.*s%s %.*s\n", n, f->name.p, suffix, (int)f->help.n, f->help.p);
		text_f(t, "# TYPE %.*s%s %s\n", n, f->name.p, suffix, kinds[f->kind].prometheus);
		return;
	}
	text_f(t, "# TYPE %.*s %s\n", n, f->name.p, kinds[f->kind].openmetrics);
	if (f->unit.p)
		text_f(t, "# UNIT %.*s %.*s\n", n, f->name.p, (int)f->unit.n, f->unit.p);
	text_f(t, "# HELP %.*s %.*s\n", n, f->name.p, (int)f->help.n, f->help.p);
}

static void begin_sample(struct text *t, const struct metric_family *f, struct span labels)
{
	text_span(t, f->name);
	text_add(t, kinds[f->kind].suffix);
	text_char(t, '{');
	text_span(t, labels);
	text_add(t, "} ");
}

static void print_peers(const struct exposition *x, struct text *t, enum exposition_format format)
{
	static const struct {
		struct metric_family family;
		size_t value;
	} metrics[] = {
		{ .family = { .name = SPAN("wireguard_sent_bytes"), .kind = METRIC_KIND_COUNTER, .unit = SPAN("bytes"),
		    .help = SPAN("Bytes sent to the peer."), .first = 0, .n = 0 }, .value = offsetof(struct exposition_peer, sent_bytes) },
		{ .family = { .name = SPAN("wireguard_received_bytes"), .kind = METRIC_KIND_COUNTER, .unit = SPAN("bytes"),
		    .help = SPAN("Bytes received from the peer."), .first = 0, .n = 0 }, .value = offsetof(struct exposition_peer, received_bytes) },
		{ .family = { .name = SPAN("wireguard_latest_handshake_seconds"), .kind = METRIC_KIND_GAUGE, .unit = SPAN("seconds"),
		    .help = SPAN("Time of the latest handshake in seconds since the Epoch, or 0."), .first = 0, .n = 0 },
		  .value = offsetof(struct exposition_peer, handshake_s) },
	};

	for (size_t i = 0; x->n > 0 && i < ARRAY_LEN(metrics); i++) {
		print_metadata(t, &metrics[i].family, format);
		for (size_t k = 0; k < x->n; k++) {
			const struct exposition_peer *p = &x->peers[k];
			uint64_t value;

			memcpy(&value, (const char *)p + metrics[i].value, sizeof value);
			begin_sample(t, &metrics[i].family, (struct span){ x->labels.p + p->from, p->n });
			text_u64(t, value);
			text_char(t, '\n');
		}
	}
}

static void print_samples(struct text *t, const struct daemon_metrics *m, const struct metric_family *f)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct metric_sample *s = &m->samples[f->first + i];
		begin_sample(t, f, s->labels);
		text_span(t, s->value);
		text_char(t, '\n');
	}
}

/* The first name in the order of bytes that any daemon has left, or null. */
static const struct metric_family *first_left(const struct exposition *x, const size_t next[])
{
	const struct metric_family *first = NULL;

	for (size_t i = 0; i < x->n_daemons; i++) {
		const struct daemon_metrics *m = &x->daemons[i];
		const struct metric_family *f = next[i] < m->n_families ? &m->families[next[i]] : NULL;
		if (f && (!first || metric_family_compare(f, first) < 0))
			first = f;
	}
	return first;
}

/* Merges the sorted families. One that daemons declare differently has the kind of the first; the others are left out. */
static bool print_daemons(const struct exposition *x, struct text *t, enum exposition_format format)
{
	size_t *next = calloc(x->n_daemons ? x->n_daemons : 1, sizeof *next); /* the first family of each that is left */
	const struct metric_family *first;
	bool ok = next;

	while (ok && (first = first_left(x, next))) {
		bool any = false;
		for (size_t i = 0; i < x->n_daemons; i++) {
			const struct daemon_metrics *m = &x->daemons[i];
			const struct metric_family *f = next[i] < m->n_families ? &m->families[next[i]] : NULL;
			if (!f || metric_family_compare(f, first) != 0)
				continue;
			next[i]++;
			if (f->kind != first->kind || f->n == 0)
				continue;
			if (!any)
				print_metadata(t, first, format);
			any = true;
			print_samples(t, m, f);
		}
	}
	free(next);
	return ok;
}

void exposition_print(const struct exposition *x, struct text *out, enum exposition_format format)
{
	print_peers(x, out, format);
	if (!print_daemons(x, out, format))
		out->failed = true;
	if (format == EXPOSITION_OPENMETRICS)
		text_add(out, "# EOF\n");
}
