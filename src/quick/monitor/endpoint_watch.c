/* Tracks the endpoint of a peer. */
#include "endpoint_watch.h"

#include <assert.h>

void endpoint_watch_init(struct endpoint_watch *w, size_t n, bool has_names, uint64_t now_ms)
{
	assert(n > 0 && n <= ENDPOINTS_MAX);
	*w = (struct endpoint_watch){ .n = (uint8_t)n, .has_names = has_names, .opened_ms = now_ms, .alive_ms = now_ms,
				      .poll_at_ms = now_ms, .look_up_at_ms = NEVER, .look_up_wait_ms = ENDPOINT_LOOK_UP_FIRST_MS,
				      .better_at_ms = now_ms + ENDPOINT_BETTER_MS, .suspect_at_ms = NEVER };
	w->look_up_anyway = n > 1; /* while names can still be looked up */
	if (n > 1)
		w->look_up_at_ms = now_ms;
}

static uint64_t min_ms(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* ---- what is known ---- */

static bool has_endpoint(const struct endpoint_watch *w)
{
	return w->seen.endpoint.addr.family != IP_NONE;
}

static bool is_stale(const struct endpoint_watch *w, uint64_t now_ms)
{
	uint64_t since = w->seen.handshake_ms ? w->seen.handshake_ms : w->opened_ms;

	return now_ms >= since + ENDPOINT_STALE_MS;
}

/* How long packets may be unanswered before the peer counts as gone. */
static uint64_t patience_ms(const struct endpoint_watch *w)
{
	bool has_session = w->seen.handshake_ms && w->unanswered_ms < w->seen.handshake_ms + ENDPOINT_REKEY_MS;

	return has_session ? ENDPOINT_SILENT_MS : ENDPOINT_UNANSWERED_MS;
}

static bool is_unanswered(const struct endpoint_watch *w, uint64_t now_ms)
{
	return w->unanswered_ms && now_ms >= w->unanswered_ms + patience_ms(w);
}

/* The index of the address in the choice, or its n. */
static size_t find_address(const struct endpoint_choice *c, const struct ip_endpoint *e)
{
	size_t i = 0;

	while (i < c->n && !endpoint_equal(&c->addresses[i].endpoint, e))
		i++;
	return i;
}

/* The choice that has the peer's endpoint, the current one first; n: none. */
static size_t find_choice(const struct endpoint_watch *w)
{
	const struct ip_endpoint *e = &w->seen.endpoint;

	if (find_address(&w->choices[w->current], e) < w->choices[w->current].n)
		return w->current;
	for (size_t i = 0; i < w->n; i++)
		if (find_address(&w->choices[i], e) < w->choices[i].n)
			return i;
	return w->n;
}

/* The first address from `from` on, in a circle, that has a route; else that at `from`. */
static const struct ip_endpoint *pick(struct endpoint_choice *c, size_t from)
{
	c->used = (uint8_t)(from % c->n);
	for (size_t i = 0; i < c->n; i++) {
		size_t at = (from + i) % c->n;
		if (c->addresses[at].has_route) {
			c->used = (uint8_t)at;
			break;
		}
	}
	return &c->addresses[c->used].endpoint;
}

static bool has_route(const struct endpoint_choice *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->addresses[i].has_route)
			return true;
	return false;
}

/* ---- seeing ---- */

enum { KEEPALIVE_BYTES = 32 };

/* Keepalives are not answered. */
static uint64_t keepalive_bytes(const struct endpoint_watch *w, uint64_t now_ms)
{
	uint64_t interval_ms = w->seen.keepalive_s * 1000ull;

	return interval_ms ? KEEPALIVE_BYTES * ((now_ms - w->alive_ms) / interval_ms + 1) : 0;
}

static void restart_silence(struct endpoint_watch *w, uint64_t now_ms)
{
	w->alive_ms = now_ms;
	w->tx_before = w->seen.tx_bytes;
	w->unanswered_ms = 0;
}

static void note_alive(struct endpoint_watch *w, uint64_t now_ms)
{
	restart_silence(w, now_ms);
	for (size_t i = 0; i < w->n; i++)
		w->choices[i].tried = false;
}

static void plan_poll(struct endpoint_watch *w, uint64_t now_ms)
{
	uint64_t since = w->seen.handshake_ms ? w->seen.handshake_ms : w->opened_ms;

	if (w->n > 1)
		w->poll_at_ms = now_ms + (w->unanswered_ms ? ENDPOINT_POLL_SILENT_MS : ENDPOINT_POLL_MS);
	else
		w->poll_at_ms = is_stale(w, now_ms) ? NEVER : since + ENDPOINT_STALE_MS;
}

/* A peer without an endpoint or without a handshake is looked up, one that has both is not any more. */
static void plan_look_up(struct endpoint_watch *w, uint64_t now_ms)
{
	bool wanted = w->has_names && (!has_endpoint(w) || is_stale(w, now_ms));

	if (wanted && w->look_up_at_ms == NEVER)
		w->look_up_at_ms = now_ms;
	if (wanted || w->look_up_anyway)
		return;
	w->look_up_at_ms = NEVER;
	w->look_up_wait_ms = ENDPOINT_LOOK_UP_FIRST_MS;
}

static void look_up_at(struct endpoint_watch *w, uint64_t at_ms)
{
	w->look_up_anyway = true;
	w->look_up_at_ms = min_ms(w->look_up_at_ms, at_ms);
}

/* The host was suspended: nobody could answer. */
static bool has_slept(const struct endpoint_watch *w, uint64_t now_ms)
{
	return w->n > 1 && w->seen_ms && now_ms >= w->seen_ms + ENDPOINT_SLEPT_MS;
}

/* No route leads to the peer, nor, by the last look-up, to another endpoint of its list, as without an uplink. */
static bool is_cut_off(const struct endpoint_watch *w)
{
	bool leads = w->n == 1 || w->seen.has_route || !has_endpoint(w);

	for (size_t i = 0; !leads && i < w->n; i++)
		leads = w->choices[i].fresh && has_route(&w->choices[i]);
	return !leads;
}

void endpoint_watch_see(struct endpoint_watch *w, const struct endpoint_seen *seen, uint64_t now_ms)
{
	struct endpoint_seen before = w->seen;
	bool first = w->seen_ms == 0, slept = has_slept(w, now_ms);
	size_t at;

	w->polling = false;
	w->not_before_ms = 0;
	w->seen = *seen;
	w->seen_ms = now_ms ? now_ms : 1;
	if (seen->rx_bytes != before.rx_bytes && !w->network_unseen)
		w->network_ms = 0;
	w->network_unseen = false;
	if (first || seen->rx_bytes != before.rx_bytes || seen->tx_bytes < w->tx_before ||
	    seen->keepalive_s != before.keepalive_s)
		note_alive(w, now_ms);
	else if (slept || is_cut_off(w))
		restart_silence(w, now_ms);
	else if (!w->unanswered_ms && seen->tx_bytes > w->tx_before + keepalive_bytes(w, now_ms))
		w->unanswered_ms = now_ms;
	at = find_choice(w);
	if (at < w->n || first)
		w->named = seen->endpoint;
	if (at < w->n && w->current != at) {
		w->current = (uint8_t)at;
		w->better_at_ms = now_ms + ENDPOINT_BETTER_MS;
	}
	plan_look_up(w, now_ms);
	plan_poll(w, now_ms);
}

void endpoint_watch_unseen(struct endpoint_watch *w, uint64_t now_ms)
{
	w->polling = false;
	w->poll_at_ms = w->not_before_ms = now_ms + ENDPOINT_POLL_MS;
}

/* ---- deciding ---- */

static enum endpoint_action change(struct endpoint_watch *w, struct ip_endpoint *to, size_t choice, size_t from, enum endpoint_action how)
{
	*to = w->named = *pick(&w->choices[choice], from);
	w->current = (uint8_t)choice;
	w->changing = true;
	w->unanswered_ms = 0;
	return how;
}

/* The next one in the list, in a circle, and of each its next address once it has been tried. */
static enum endpoint_action fail_over(struct endpoint_watch *w, struct ip_endpoint *to, uint64_t now_ms)
{
	w->unanswered_ms = now_ms; /* the next attempt, should there be no other */
	w->better_at_ms = now_ms + ENDPOINT_BETTER_MS;
	if (w->has_names)
		look_up_at(w, now_ms + ENDPOINT_SETTLE_MS);
	for (size_t i = 1; i <= w->n; i++) {
		size_t at = (w->current + i) % w->n;
		struct endpoint_choice *c = &w->choices[at];
		size_t from = c->used + (c->tried || at == w->current ? 1u : 0u);
		if (c->n == 0 || (at == w->current && c->n == 1))
			continue;
		c->tried = true;
		return change(w, to, at, from, ENDPOINT_SET);
	}
	return ENDPOINT_NOTHING;
}

/* When a better one may be tried: while nothing is unanswered, as a handshake that is under way is not disturbed. */
static uint64_t better_deadline(const struct endpoint_watch *w)
{
	uint64_t old_ms = w->seen.handshake_ms + ENDPOINT_BETTER_MS;

	if (w->current == 0 || w->unanswered_ms)
		return NEVER;
	return w->better_at_ms > old_ms ? w->better_at_ms : old_ms;
}

static enum endpoint_action try_better(struct endpoint_watch *w, struct ip_endpoint *to, uint64_t now_ms)
{
	if (w->has_names && now_ms >= w->looked_up_ms + ENDPOINT_LIST_OLD_MS) {
		look_up_at(w, now_ms);
		return ENDPOINT_NOTHING;
	}
	w->better_at_ms = now_ms + ENDPOINT_BETTER_MS;
	for (size_t i = 0; i < w->current; i++) {
		size_t at = (w->better + i) % w->current;
		struct endpoint_choice *c = &w->choices[at];
		if (!has_route(c))
			continue;
		*to = *pick(c, c->used);
		w->better = (uint8_t)at;
		w->probing = true;
		return ENDPOINT_PROBE;
	}
	return ENDPOINT_NOTHING;
}

/* The peer is where a name says: it stays, unless this address has no route, or is the only name's and has not answered. */
static enum endpoint_action keep(struct endpoint_watch *w, struct ip_endpoint *to, size_t at, uint64_t now_ms)
{
	struct endpoint_choice *c = &w->choices[at];
	size_t address = find_address(c, &w->seen.endpoint);
	bool lost = !c->addresses[address].has_route && has_route(c);
	bool silent = w->n == 1 && c->n > 1 && is_stale(w, now_ms) && w->unanswered_ms;

	return lost || silent ? change(w, to, at, address + 1, ENDPOINT_SET) : ENDPOINT_NOTHING;
}

/* The peer is where no name says, and answers there. */
static bool has_roamed(const struct endpoint_watch *w, uint64_t now_ms)
{
	bool silent = endpoint_equal(&w->named, &w->seen.endpoint) && w->unanswered_ms;

	return has_endpoint(w) && w->seen.has_route && w->seen.handshake_ms && !is_stale(w, now_ms) && !silent;
}

/* The list has just been looked up. */
static enum endpoint_action follow(struct endpoint_watch *w, struct ip_endpoint *to, uint64_t now_ms)
{
	size_t at = find_choice(w);

	if (at < w->n)
		return keep(w, to, at, now_ms);
	if (has_roamed(w, now_ms))
		return ENDPOINT_NOTHING;
	for (size_t i = 0; i < w->n; i++) {
		at = (w->current + i) % w->n;
		if (w->choices[at].n > 0)
			return change(w, to, at, 0, ENDPOINT_SET);
	}
	return ENDPOINT_NOTHING;
}

static bool is_busy(const struct endpoint_watch *w)
{
	return w->polling || w->looking_up || w->probing || w->changing;
}

uint64_t endpoint_watch_deadline(const struct endpoint_watch *w)
{
	uint64_t at = min_ms(min_ms(w->poll_at_ms, w->look_up_at_ms), w->suspect_at_ms);

	if (is_busy(w))
		return NEVER;
	if (w->resolved || w->answered)
		return 0;
	at = min_ms(at, better_deadline(w));
	if (w->unanswered_ms && w->n > 1)
		at = min_ms(at, w->unanswered_ms + patience_ms(w));
	return at < w->not_before_ms ? w->not_before_ms : at;
}

/* After a change of the network: whether the peer answers. */
static void suspect(struct endpoint_watch *w, uint64_t now_ms)
{
	w->suspect_at_ms = NEVER;
	if (!w->network_ms || now_ms >= w->network_ms + ENDPOINT_SUSPECT_MS)
		return;
	if (w->unanswered_ms)
		look_up_at(w, now_ms);
	else
		w->suspect_at_ms = now_ms + w->suspect_wait_ms;
	w->suspect_wait_ms *= 2;
}

/* With the interface just seen. */
static enum endpoint_action decide(struct endpoint_watch *w, struct ip_endpoint *to, uint64_t now_ms)
{
	enum endpoint_action a = ENDPOINT_NOTHING;

	if (now_ms >= w->suspect_at_ms)
		suspect(w, now_ms);
	if (w->n > 1 && is_unanswered(w, now_ms))
		a = fail_over(w, to, now_ms);
	else if (now_ms >= better_deadline(w))
		a = try_better(w, to, now_ms);
	if (a == ENDPOINT_NOTHING && now_ms >= w->look_up_at_ms) {
		w->looking_up = true;
		w->look_up_anyway = false;
		w->look_up_at_ms = NEVER;
		for (size_t i = 0; i < w->n; i++)
			w->choices[i].fresh = false;
		a = ENDPOINT_LOOK_UP;
	}
	return a;
}

enum endpoint_action endpoint_watch_next(struct endpoint_watch *w, struct ip_endpoint *to, uint64_t now_ms)
{
	enum { FRESH_MS = 1000 }; /* the interface needs not be looked at again */
	enum endpoint_action a = ENDPOINT_NOTHING;

	*to = (struct ip_endpoint){ 0 };
	if (is_busy(w) || now_ms < endpoint_watch_deadline(w))
		return ENDPOINT_NOTHING;
	if (w->answered) {
		w->answered = false;
		return change(w, to, w->better, w->choices[w->better].used, ENDPOINT_REPLACE);
	}
	if (w->resolved) {
		w->resolved = false;
		a = follow(w, to, now_ms);
	}
	if (a != ENDPOINT_NOTHING || now_ms < endpoint_watch_deadline(w))
		return a;
	if (w->seen_ms && now_ms < w->seen_ms + FRESH_MS)
		return decide(w, to, now_ms);
	w->polling = true;
	return ENDPOINT_POLL;
}

/* ---- results ---- */

void endpoint_watch_add(struct endpoint_watch *w, size_t choice, const struct endpoint_address *a)
{
	struct endpoint_choice *c = choice < w->n ? &w->choices[choice] : NULL;

	if (!c)
		return;
	if (!c->fresh)
		c->n = c->used = 0;
	c->fresh = true;
	if (c->n < ENDPOINT_ADDRESSES_MAX)
		c->addresses[c->n++] = *a;
}

/* The next look-up, should the peer not have a handshake by then. */
void endpoint_watch_resolved(struct endpoint_watch *w, uint64_t now_ms)
{
	w->looking_up = false;
	w->resolved = true;
	w->looked_up_ms = now_ms;
	if (!w->has_names)
		return;
	if (is_stale(w, now_ms) || !has_endpoint(w))
		w->look_up_at_ms = min_ms(w->look_up_at_ms, now_ms + w->look_up_wait_ms);
	w->look_up_wait_ms = min_ms(2 * w->look_up_wait_ms, ENDPOINT_LOOK_UP_MAX_MS);
	if (w->network_ms)
		w->suspect_at_ms = now_ms + w->suspect_wait_ms;
}

void endpoint_watch_probed(struct endpoint_watch *w, bool answered, uint64_t now_ms)
{
	w->probing = false;
	w->answered = answered;
	w->better = answered || w->current == 0 ? w->better : (uint8_t)((w->better + 1) % w->current);
	w->better_at_ms = now_ms + ENDPOINT_BETTER_MS;
}

void endpoint_watch_changed(struct endpoint_watch *w, uint64_t now_ms)
{
	w->changing = false;
	w->alive_ms = now_ms;
	w->tx_before = w->seen.tx_bytes;
	w->poll_at_ms = now_ms + ENDPOINT_POLL_SILENT_MS;
}

void endpoint_watch_network(struct endpoint_watch *w, uint64_t now_ms)
{
	uint64_t settled_ms = now_ms + ENDPOINT_SETTLE_MS, again_ms = w->looked_up_ms + ENDPOINT_NETWORK_MS;

	w->look_up_wait_ms = ENDPOINT_LOOK_UP_FIRST_MS;
	w->network_ms = now_ms ? now_ms : 1;
	w->network_unseen = true;
	w->suspect_wait_ms = ENDPOINT_SUSPECT_FIRST_MS;
	look_up_at(w, w->looked_up_ms && again_ms > settled_ms ? again_ms : settled_ms);
}
