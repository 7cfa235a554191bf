/* Samples, sorting and filtering of peers. */
#include "watch_table.h"

#include <stdlib.h>

#include "base/vector.h"

const char *const watch_sort_names[WATCH_SORTS] = { "device", "name", "handshake", "received", "sent", "total" };

void watch_table_free(struct watch_table *w)
{
	free(w->list);
	free(w->shown);
	free(w->slots);
	*w = (struct watch_table){ 0 };
}

/* ---- the peers of the sample before, by interface and key ---- */

/* Of all bytes: a daemon may report any keys. */
static size_t first_slot(const struct watch_table *w, const char *interface, const struct wg_public *key)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < sizeof key->b; i++)
		h = (h ^ key->b[i]) * 0x100000001b3;
	for (; *interface; interface++)
		h = (h ^ (uint8_t)*interface) * 0x100000001b3;
	return (size_t)(h ^ h >> 32) & (w->n_slots - 1);
}

static bool is_same(const struct watch_peer *a, const struct watch_peer *b)
{
	return memcmp(&a->key, &b->key, sizeof a->key) == 0 && strcmp(a->interface, b->interface) == 0;
}

static bool index_build(struct watch_table *w)
{
	size_t n = 16;

	while (n < 2 * w->n)
		n *= 2;
	free(w->slots);
	w->slots = calloc(n, sizeof *w->slots);
	w->n_slots = w->slots ? n : 0;
	for (size_t i = 0; w->slots && i < w->n; i++) {
		size_t at = first_slot(w, w->list[i].interface, &w->list[i].key);
		while (w->slots[at] && !is_same(&w->list[w->slots[at] - 1], &w->list[i]))
			at = (at + 1) & (n - 1);
		w->slots[at] = (uint32_t)i + 1; /* of a key that is repeated, the last one */
	}
	return w->slots;
}

static const struct watch_peer *find(const struct watch_table *w, const char *interface, const struct wg_public *key)
{
	if (w->n_slots == 0)
		return NULL;
	for (size_t at = first_slot(w, interface, key); w->slots[at]; at = (at + 1) & (w->n_slots - 1)) {
		const struct watch_peer *p = &w->list[w->slots[at] - 1];
		if (memcmp(&p->key, key, sizeof *key) == 0 && strcmp(p->interface, interface) == 0)
			return p;
	}
	return NULL;
}

/* ---- samples ---- */

/* Counters start again at 0 when a peer was removed and added in between, and a daemon may report any value. */
static double rate(uint64_t now, uint64_t before, double seconds)
{
	double r = now >= before && seconds > 0 ? (double)(now - before) / seconds : 0;

	return r < WATCH_RATE_MAX ? r : WATCH_RATE_MAX;
}

static void update(struct watch_peer *out, const struct watch_table *before, double seconds)
{
	const struct watch_peer *old = find(before, out->device->name, &out->peer->public_key);

	memcpy(out->interface, out->device->name, sizeof out->interface);
	out->key = out->peer->public_key;
	out->rx_bytes = out->peer->rx_bytes;
	out->tx_bytes = out->peer->tx_bytes;
	if (!old)
		return;
	out->rx_rate = rate(out->rx_bytes, old->rx_bytes, seconds);
	out->tx_rate = rate(out->tx_bytes, old->tx_bytes, seconds);
	memcpy(out->history, old->history, sizeof out->history);
}

bool watch_sample(struct watch_table *w, const struct wg_device devices[], size_t n, double at_s, watch_name *name, void *ctx)
{
	struct watch_table next = { .sample = w->sample + 1, .at_s = at_s };
	size_t peers = 0;

	for (size_t i = 0; i < n; i++)
		peers += devices[i].n_peers;
	if (!vector_reserve(&next.list, &next.cap, peers + 1, sizeof *next.list))
		return false;
	for (size_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < devices[i].n_peers; j++) {
			struct watch_peer *p = &next.list[next.n++];
			*p = (struct watch_peer){ .device = &devices[i], .peer = &devices[i].peers[j],
						  .name = name ? name(ctx, &devices[i], &devices[i].peers[j]) : NULL,
						  .sample = next.sample };
			update(p, w, at_s - w->at_s);
			p->history[next.sample % WATCH_HISTORY] = (float)(p->rx_rate + p->tx_rate);
		}
	if (!index_build(&next)) {
		watch_table_free(&next);
		return false;
	}
	watch_table_free(w);
	*w = next;
	return true;
}

/* ---- what is shown ---- */

static bool has_part(const char *text, const char *part)
{
	size_t n = strlen(part);

	for (; *text; text++) {
		size_t i = 0;
		while (i < n && ascii_lower(text[i]) == ascii_lower(part[i]))
			i++;
		if (i == n)
			return true;
	}
	return n == 0;
}

static bool is_accepted(const struct watch_peer *p, const char *filter)
{
	char text[IP_ENDPOINT_TEXT_MAX];
	struct text t = text_fixed(text, sizeof text);
	char key[KEY_BASE64_CHARS + 1];

	key_to_base64(key, p->key.b);
	if (has_part(key, filter) || has_part(p->interface, filter) || (p->name && has_part(p->name, filter)))
		return true;
	if (p->peer->flags & WG_PEER_HAS_ENDPOINT) {
		endpoint_print(&t, &p->peer->endpoint, NULL);
		if (has_part(text, filter))
			return true;
	}
	for (uint32_t i = 0; i < p->peer->n_allowedips; i++) {
		t = text_fixed(text, sizeof text);
		prefix_print(&t, &p->peer->allowedips[i].prefix);
		if (has_part(text, filter))
			return true;
	}
	return false;
}

static int by_name(const struct watch_peer *a, const struct watch_peer *b)
{
	if (!a->name || !b->name)
		return !a->name - !b->name; /* those without a name last */
	return strcmp(a->name, b->name);
}

static int larger_first(double a, double b)
{
	return (a < b) - (a > b);
}

static int compare(const struct watch_peer *a, const struct watch_peer *b, enum watch_sort sort)
{
	switch (sort) {
	case WATCH_BY_DEVICE: return 0;
	case WATCH_BY_NAME: return by_name(a, b);
	case WATCH_BY_HANDSHAKE: return larger_first((double)a->peer->handshake_s, (double)b->peer->handshake_s);
	case WATCH_BY_RX: return larger_first(a->rx_rate, b->rx_rate);
	case WATCH_BY_TX: return larger_first(a->tx_rate, b->tx_rate);
	case WATCH_BY_TOTAL:
		return larger_first((double)a->rx_bytes + (double)a->tx_bytes, (double)b->rx_bytes + (double)b->tx_bytes);
	case WATCH_SORTS: break;
	}
	unreachable();
}

/* qsort_r differs between C libraries, so the order is in a variable. */
static enum watch_sort order;

static int compare_pointers(const void *a, const void *b)
{
	const struct watch_peer *x = *(struct watch_peer *const *)a, *y = *(struct watch_peer *const *)b;
	int c = compare(x, y, order);

	return c ? c : (x > y) - (x < y);
}

bool watch_arrange(struct watch_table *w, enum watch_sort sort, const char *filter)
{
	if (!vector_reserve(&w->shown, &w->cap_shown, w->n + 1, sizeof *w->shown))
		return false;
	w->n_shown = 0;
	for (size_t i = 0; i < w->n; i++)
		if (filter[0] == '\0' || is_accepted(&w->list[i], filter))
			w->shown[w->n_shown++] = &w->list[i];
	order = sort;
	qsort(w->shown, w->n_shown, sizeof *w->shown, compare_pointers);
	return true;
}

/* ---- texts ---- */

void watch_sparkline(struct text *t, const struct watch_table *w, const struct watch_peer *p, size_t samples, bool utf8)
{
	static const char *const blocks[] = { "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588" };
	static const char ascii[] = ".:-=+*#@";
	size_t n = samples < WATCH_HISTORY ? samples : WATCH_HISTORY;
	float max = 0;

	for (size_t i = 0; i < WATCH_HISTORY; i++)
		max = p->history[i] > max ? p->history[i] : max;
	for (size_t i = n; i-- > 0;) {
		float v = p->history[(w->sample + WATCH_HISTORY - i) % WATCH_HISTORY];
		size_t height = v > 0 ? (size_t)(v / max * 7.0f + 0.5f) : 0;
		if (!(v > 0))
			text_char(t, ' ');
		else if (utf8)
			text_add(t, blocks[height]);
		else
			text_char(t, ascii[height]);
	}
}

void watch_amount(struct text *t, double v)
{
	static const char units[] = "KMGTPE";
	size_t unit = 0;

	if (v < 999.5) {
		text_u64(t, v > 0 ? (uint64_t)(v + 0.5) : 0);
		return;
	}
	for (v /= 1024; v >= 999.5 && unit + 1 < sizeof units - 1; unit++)
		v /= 1024;
	if (v < 9.95) {
		unsigned int tenths = (unsigned int)(v * 10 + 0.5);
		text_f(t, "%u.%u", tenths / 10, tenths % 10);
	} else {
		text_u64(t, (uint64_t)(v + 0.5));
	}
	text_char(t, units[unit]);
}

void watch_age(struct text *t, uint64_t then_s, uint64_t now_s)
{
	static const struct { uint64_t seconds; char unit; } units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	uint64_t age = now_s > then_s ? now_s - then_s : 0;
	size_t i = 0;

	if (then_s == 0) {
		text_add(t, "never");
	} else if (age == 0) {
		text_add(t, "now");
	} else {
		while (age < units[i].seconds)
			i++;
		text_f(t, "%llu%c", (unsigned long long)(age / units[i].seconds), units[i].unit);
	}
}
