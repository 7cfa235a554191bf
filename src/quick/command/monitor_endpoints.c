/* The watcher of endpoints: of peers that have host names, or several endpoints. */
#include <errno.h>
#include <stdlib.h>

#include "monitor.h"
#include "monitor_helper.h"
#include "quick/host/clock.h"
#include "quick/journal/journal.h"
#include "quick/monitor/endpoint_watch.h"
#include "report/report.h"

struct watched_peer {
	struct endpoints *of;
	struct wg_public key;
	char *list;                 /* "a:1,b:2", as in the file; owned */
	struct endpoint_watch watch;
	struct helper_call call;    /* for what the watch wants done */
	enum endpoint_action action;
	struct ip_endpoint to;
	struct ip_endpoint known;   /* seen or set last; IP_NONE: none */
};

struct endpoints {
	struct monitor *monitor;
	struct monitored_tunnel *tunnel;
	struct watched_peer *peers; /* owned */
	size_t n;
	struct helper_call see;     /* for all of them */
	uint32_t mark;
	uint64_t next_ms;           /* the earliest deadline of all */
};

static void step_all(struct endpoints *e);

/* ---- messages ---- */

static void note_change(const struct watched_peer *p)
{
	enum { KEY_SHOWN = 8 };
	char key[KEY_BASE64_CHARS + 1], address[IP_ENDPOINT_TEXT_MAX];
	struct text t = text_fixed(address, sizeof address);
	struct span rest = span_of(p->list), one = rest;

	endpoint_print(&t, &p->to, &ipc_scopes);
	for (size_t i = 0; i <= p->watch.current; i++)
		if (!span_next(&one, &rest, ','))
			break;
	key_to_base64(key, p->key.b);
	monitor_note(p->of->monitor, p->of->tunnel, UNIT_LOG_INFO, "peer %.*s...: endpoint %s (%.*s)", (int)KEY_SHOWN, key, address, (int)one.n,
		     one.p);
}

/* ---- what the helper answers ---- */

static bool next_number(uint64_t *out, struct span *rest)
{
	struct span word;

	return span_next(&word, rest, ' ') && span_to_u64(out, word, UINT64_MAX);
}

/* "CHOICE HAS-ROUTE ENDPOINT" */
static void take_address(struct watched_peer *p, struct span line)
{
	struct endpoint_address a = { .has_route = false };
	uint64_t choice, has_route;

	if (!next_number(&choice, &line) || !next_number(&has_route, &line) || !line.p || choice >= ENDPOINTS_MAX ||
	    !endpoint_parse(&a.endpoint, line, &ipc_scopes))
		return;
	a.has_route = has_route != 0;
	endpoint_watch_add(&p->watch, (size_t)choice, &a);
}

static void peer_done(struct helper_call *c, int status, struct span output)
{
	struct watched_peer *p = container_of(c, struct watched_peer, call);
	uint64_t now_ms = clock_boot_ms();
	struct span line;

	switch (p->action) {
	case ENDPOINT_NOTHING:
	case ENDPOINT_POLL: break;
	case ENDPOINT_LOOK_UP:
		while (output.n > 0 && span_next(&line, &output, '\n'))
			take_address(p, line);
		endpoint_watch_resolved(&p->watch, now_ms);
		break;
	case ENDPOINT_PROBE: endpoint_watch_probed(&p->watch, status == 0, now_ms); break;
	case ENDPOINT_SET:
	case ENDPOINT_REPLACE:
		endpoint_watch_changed(&p->watch, now_ms);
		if (status == 0) {
			p->known = p->to;
			note_change(p);
		}
		break;
	}
	step_all(p->of);
}

static struct watched_peer *find(const struct endpoints *e, const struct wg_public *key)
{
	for (size_t i = 0; i < e->n; i++)
		if (memcmp(&e->peers[i].key, key, sizeof *key) == 0)
			return &e->peers[i];
	return NULL;
}

/* "KEY HANDSHAKE-MS RX TX KEEPALIVE MARK HAS-ROUTE ENDPOINT" */
static void take_seen(struct endpoints *e, struct span line, uint64_t now_ms)
{
	struct endpoint_seen seen = { .handshake_ms = 0 };
	struct wg_public key;
	struct watched_peer *p;
	struct span word;
	uint64_t keepalive, mark, has_route;

	if (!span_next(&word, &line, ' ') || !key_from_base64(key.b, word) || !next_number(&seen.handshake_ms, &line) ||
	    !next_number(&seen.rx_bytes, &line) || !next_number(&seen.tx_bytes, &line) || !next_number(&keepalive, &line) ||
	    !next_number(&mark, &line) || !next_number(&has_route, &line))
		return;
	seen.has_route = has_route != 0;
	if (!endpoint_parse(&seen.endpoint, line, &ipc_scopes))
		seen.endpoint = (struct ip_endpoint){ 0 };
	seen.keepalive_s = (uint16_t)keepalive;
	e->mark = (uint32_t)mark;
	p = find(e, &key);
	if (!p || p->call.id) /* it may have been seen before the change that is under way */
		return;
	if (seen.endpoint.addr.family != IP_NONE)
		p->known = seen.endpoint;
	endpoint_watch_see(&p->watch, &seen, now_ms);
}

/* Peers that the interface does not have are looked for again later. */
static void seen(struct helper_call *c, int status, struct span output)
{
	struct endpoints *e = container_of(c, struct endpoints, see);
	uint64_t now_ms = clock_boot_ms();
	struct span line;

	while (status == 0 && output.n > 0 && span_next(&line, &output, '\n'))
		take_seen(e, line, now_ms);
	for (size_t i = 0; i < e->n; i++)
		if (e->peers[i].watch.polling)
			endpoint_watch_unseen(&e->peers[i].watch, now_ms);
	step_all(e);
}

/* ---- what the watches want done ---- */

static int begin(struct watched_peer *p)
{
	const char *name = p->of->tunnel->name;
	const struct peer_endpoint to = { .key = &p->key, .endpoint = &p->to, .list = p->list };

	p->call.done = peer_done;
	switch (p->action) {
	case ENDPOINT_NOTHING: return 0;
	case ENDPOINT_POLL:
		p->of->see.done = seen;
		return p->of->see.id ? 0 : helper_see(&p->of->see, name);
	case ENDPOINT_LOOK_UP: return helper_look_up(&p->call, p->of->mark, name, p->list);
	case ENDPOINT_PROBE: return helper_probe(&p->call, name, &to);
	case ENDPOINT_SET: return helper_set_endpoint(&p->call, name, &to, false);
	case ENDPOINT_REPLACE: return helper_set_endpoint(&p->call, name, &to, true);
	}
	unreachable();
}

/* The helper has too much to do: as if it had failed. */
static void give_up(struct watched_peer *p, uint64_t now_ms)
{
	switch (p->action) {
	case ENDPOINT_NOTHING: break;
	case ENDPOINT_POLL: endpoint_watch_unseen(&p->watch, now_ms); break;
	case ENDPOINT_LOOK_UP: endpoint_watch_resolved(&p->watch, now_ms); break;
	case ENDPOINT_PROBE: endpoint_watch_probed(&p->watch, false, now_ms); break;
	case ENDPOINT_SET:
	case ENDPOINT_REPLACE: endpoint_watch_changed(&p->watch, now_ms); break;
	}
}

static void step(struct watched_peer *p, uint64_t now_ms)
{
	enum { STEPS_MAX = 4 }; /* each begins something, unless the helper refuses */

	for (int i = 0; i < STEPS_MAX; i++) {
		struct ip_endpoint to;
		enum endpoint_action a = endpoint_watch_next(&p->watch, &to, now_ms);
		if (a == ENDPOINT_NOTHING)
			return;
		p->action = a;
		p->to = to;
		if (begin(p) == 0)
			return;
		give_up(p, now_ms);
	}
}

/* Deadlines are collected when they may have changed, and not at every event of the host. */
static void step_all(struct endpoints *e)
{
	uint64_t now_ms = clock_boot_ms();

	e->next_ms = NEVER;
	for (size_t i = 0; i < e->n; i++) {
		struct watched_peer *p = &e->peers[i];
		uint64_t at;
		step(p, now_ms);
		at = endpoint_watch_deadline(&p->watch);
		at = at > now_ms ? at : now_ms + 1000; /* the helper refuses */
		e->next_ms = at < e->next_ms ? at : e->next_ms;
	}
}

/* ---- the peers ---- */

static void free_peers(struct endpoints *e)
{
	helper_forget(&monitor_helper, &e->see);
	for (size_t i = 0; i < e->n; i++) {
		helper_forget(&monitor_helper, &e->peers[i].call);
		free(e->peers[i].list);
	}
	free(e->peers);
	e->peers = NULL;
	e->n = 0;
	e->next_ms = NEVER;
}

static bool has_names(struct span list, size_t *n)
{
	struct span one;
	bool any = false;

	for (*n = 0; *n < ENDPOINTS_MAX && span_next(&one, &list, ','); ++*n)
		any |= endpoint_is_watched(one);
	return any;
}

/* "KEY ENDPOINT" of the journal. The last section of a peer counts. */
static void take_peer(struct endpoints *e, struct span line, uint64_t now_ms)
{
	struct span word;
	struct wg_public key;
	struct watched_peer *p;
	size_t n;
	bool names;

	if (!span_next(&word, &line, ' ') || !line.p || !key_from_base64(key.b, word) || !endpoint_is_watched(line))
		return;
	p = find(e, &key);
	if (!p)
		p = &e->peers[e->n++];
	free(p->list);
	*p = (struct watched_peer){ .of = e, .key = key, .list = span_dup(line) };
	names = has_names(line, &n);
	endpoint_watch_init(&p->watch, n, names, now_ms);
}

static bool is_same(const struct endpoints *e, const struct string_list *texts)
{
	size_t n = 0;

	for (size_t i = 0; i < texts->n; i++) {
		struct span rest = span_of(texts->list[i]), word;
		struct wg_public key;
		const struct watched_peer *p;
		if (!span_next(&word, &rest, ' ') || !rest.p || !endpoint_is_watched(rest) || !key_from_base64(key.b, word))
			continue;
		p = find(e, &key);
		if (!p || !p->list || !span_is(rest, p->list))
			return false;
		n++;
	}
	return n == e->n;
}

/* `up` or `reload` has applied other endpoints. */
static void read_peers(struct endpoints *e)
{
	uint64_t now_ms = clock_boot_ms();
	struct journal j;
	int r = journal_open_unlocked(&j, e->tunnel->name);

	if (r == 0 && !is_same(e, &j.applied.endpoints)) {
		free_peers(e);
		e->peers = calloc(j.applied.endpoints.n ? j.applied.endpoints.n : 1, sizeof *e->peers);
		for (size_t i = 0; e->peers && i < j.applied.endpoints.n; i++)
			take_peer(e, span_of(j.applied.endpoints.list[i]), now_ms);
		e->next_ms = e->n > 0 ? now_ms : NEVER;
	}
	applied_free(&j.applied);
}

/* ---- the watcher ---- */

void endpoints_print(const struct monitored_tunnel *t, struct text *out)
{
	const struct endpoints *e = NULL;

	for (size_t i = 0; monitor_watchers[i]; i++)
		if (monitor_watchers[i] == &endpoint_watcher)
			e = t->of_watcher[i];
	for (size_t i = 0; e && i < e->n; i++) {
		const struct ip_endpoint *known = &e->peers[i].known;
		char key[KEY_BASE64_CHARS + 1];
		if (known->addr.family == IP_NONE)
			continue;
		key_to_base64(key, e->peers[i].key.b);
		text_f(out, "%s ", key);
		endpoint_print(out, known, &ipc_scopes);
		text_char(out, '\n');
	}
}

static void opened(struct monitor *m, struct monitored_tunnel *t, size_t index)
{
	struct endpoints *e = calloc(1, sizeof *e);

	t->of_watcher[index] = e;
	if (!e)
		return;
	*e = (struct endpoints){ .monitor = m, .tunnel = t, .next_ms = NEVER };
	read_peers(e);
}

static void closed(struct monitor *m, struct monitored_tunnel *t, size_t index)
{
	struct endpoints *e = t->of_watcher[index];

	(void)m;
	if (!e)
		return;
	free_peers(e);
	free(e);
	t->of_watcher[index] = NULL;
}

static void event(struct monitor *m, struct monitored_tunnel *t, size_t index, unsigned int events)
{
	struct endpoints *e = t->of_watcher[index];
	uint64_t now_ms = clock_boot_ms();

	(void)m;
	if (!e)
		return;
	if (events & EVENT_JOURNAL)
		read_peers(e);
	if (!(events & (EVENT_PATH | EVENT_NETWORK)) || e->n == 0)
		return;
	for (size_t i = 0; i < e->n; i++)
		endpoint_watch_network(&e->peers[i].watch, now_ms);
	if (e->next_ms > now_ms + ENDPOINT_SETTLE_MS)
		e->next_ms = now_ms + ENDPOINT_SETTLE_MS;
}

static uint64_t deadline(const struct monitor *m, const struct monitored_tunnel *t, size_t index)
{
	const struct endpoints *e = t->of_watcher[index];

	(void)m;
	return e && !t->busy ? e->next_ms : NEVER;
}

static void run(struct monitor *m, struct monitored_tunnel *t, size_t index, uint64_t now_ms)
{
	(void)m;
	(void)now_ms;
	step_all(t->of_watcher[index]);
}

const struct monitor_watcher endpoint_watcher = {
	.name = "endpoints", .start = monitor_helper_start, .opened = opened, .closed = closed, .event = event,
	.deadline = deadline, .run = run,
};
