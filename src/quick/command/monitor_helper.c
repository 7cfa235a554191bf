/* The requests to the helper process, and in it their work. */
#include "monitor_helper.h"

#include <errno.h>
#include <stdlib.h>

#include "ipc/resolve.h"
#include "messages.h"
#include "quick/host/binding.h"
#include "quick/host/clock.h"
#include "quick/host/endpoint_route.h"
#include "quick/host/handshake_probe.h"
#include "quick/host/signals.h"
#include "quick/host/unit_state.h"
#include "quick/journal/journal.h"
#include "quick/monitor/endpoint_watch.h"
#include "report/report.h"
#include "restore.h"

/* The service manager starts the monitor again, and with it another helper. */
static void helper_ended(struct helper *h)
{
	(void)h;
	report_error("the helper process has ended");
	stop_signal = -1;
}

struct helper monitor_helper = { .source.fd = -1, .ended = helper_ended };

bool endpoint_is_watched(struct span endpoint)
{
	struct ip_endpoint e;

	return !endpoint_parse(&e, endpoint, &ipc_scopes);
}

/* ---- in the helper: each returns the exit status ---- */

/* "NAME USERSPACE HUNG-PID", and lines with endpoints. */
static int restore(struct host *host, struct span rest, struct text *out)
{
	struct command_trace trace;
	struct span word, line, userspace;
	char name[WG_NAME_MAX];
	struct text t = text_fixed(name, sizeof name);
	struct restore_request q = { .name = name };
	uint64_t hung_pid;
	int status;

	(void)out;
	if (!span_next(&line, &rest, '\n') || !span_next(&word, &line, ' ') || !span_next(&userspace, &line, ' ') ||
	    !span_to_u64(&hung_pid, line, INT32_MAX))
		return RESTORE_FAILED;
	text_span(&t, word);
	if (t.failed)
		return RESTORE_FAILED;
	q.endpoints = rest;
	q.userspace = span_is(userspace, "1");
	q.hung_pid = (int)hung_pid;
	report_set_interface(name);
	command_trace_init(&trace, 2);
	trace.quiet = true;
	status = (int)restore_tunnel(&q, host, &trace);
	command_trace_free(&trace);
	return status;
}

/* The binding of the tunnel's sockets, from the journal. */
static struct wg_binding binding_of(const char *name)
{
	struct journal j;
	struct wg_binding b = { .device = "" };

	if (journal_open_unlocked(&j, name) == 0 && j.exists)
		b = j.applied.binding;
	applied_free(&j.applied);
	return b;
}

static bool read_name(char name[WG_NAME_MAX], struct span *rest)
{
	struct text t = text_fixed(name, WG_NAME_MAX);
	struct span word;

	if (!span_next(&word, rest, ' '))
		return false;
	text_span(&t, word);
	return !t.failed;
}

/* "MARK NAME LIST" */
static int look_up(struct host *host, struct span rest, struct text *out)
{
	struct path_lookup l = { .mark = 0 };
	struct wg_binding b;
	char name[WG_NAME_MAX];
	struct span word, one;
	uint32_t number = 1;
	uint64_t mark;

	if (!span_next(&word, &rest, ' ') || !span_to_u64(&mark, word, UINT32_MAX) || !read_name(name, &rest))
		return 1;
	b = binding_of(name);
	l.mark = (uint32_t)mark;
	l.device = binding_device_index(&host->rtnetlink, &b);
	for (unsigned int i = 0; span_next(&one, &rest, ','); i++) {
		struct ip_endpoint found[ENDPOINT_ADDRESSES_MAX];
		char *text = span_dup(one);
		size_t n = 0;
		if (text && resolve_addresses(found, ENDPOINT_ADDRESSES_MAX, &n, text) != 0)
			n = 0;
		free(text);
		for (size_t k = 0; k < n; k++) {
			struct endpoint_route route;
			bool has_route = endpoint_route(&route, &host->rtnetlink, &l, &found[k], number++) == 0;
			if (!binding_has_family(&b, found[k].addr.family == IP_V6))
				continue; /* it has no socket */
			text_f(out, "%u %u ", i, (unsigned int)has_route);
			endpoint_print(out, &found[k], &ipc_scopes);
			text_char(out, '\n');
		}
	}
	return 0;
}

static uint64_t handshake_ms(const struct wg_peer *p)
{
	uint64_t now_ms = clock_now_ms(), at_ms = p->handshake_s * 1000 + p->handshake_ns / 1000000, boot_ms = clock_boot_ms();
	uint64_t age_ms = now_ms > at_ms ? now_ms - at_ms : 0;

	if (p->handshake_s == 0)
		return 0;
	return boot_ms > age_ms ? boot_ms - age_ms : 1;
}

static void print_seen(struct text *out, const struct wg_device *d, const struct wg_peer *p, uint32_t device, struct rtnetlink *rt,
		       uint32_t number)
{
	const struct path_lookup l = { .mark = d->fwmark, .port = d->listen_port, .device = device };
	struct endpoint_route route;
	bool has_route = (p->flags & WG_PEER_HAS_ENDPOINT) && endpoint_route(&route, rt, &l, &p->endpoint, number) == 0;
	char key[KEY_BASE64_CHARS + 1];

	key_to_base64(key, p->public_key.b);
	text_f(out, "%s %llu %llu %llu %u %u %u ", key, (unsigned long long)handshake_ms(p), (unsigned long long)p->rx_bytes,
	       (unsigned long long)p->tx_bytes, (unsigned int)p->keepalive_s, d->fwmark, (unsigned int)has_route);
	if (p->flags & WG_PEER_HAS_ENDPOINT)
		endpoint_print(out, &p->endpoint, &ipc_scopes);
	else
		text_char(out, '-');
	text_char(out, '\n');
}

static int see(struct host *host, struct span name_text, struct text *out)
{
	char name[WG_NAME_MAX];
	struct text t = text_fixed(name, sizeof name);
	struct wg_device d = { 0 };
	struct peer_index x = { 0 };
	struct journal j;
	int r;

	text_span(&t, name_text);
	if (t.failed)
		return 1;
	r = journal_open_unlocked(&j, name);
	if (r == 0)
		r = ipc_get(&host->ipc, &d, name);
	if (r == 0 && !peer_index_build(&x, &d))
		r = -ENOMEM;
	for (size_t i = 0; r == 0 && i < j.applied.endpoints.n; i++) {
		struct span rest = span_of(j.applied.endpoints.list[i]), word;
		struct wg_public key;
		const struct wg_peer *p = NULL;
		if (span_next(&word, &rest, ' ') && rest.p && endpoint_is_watched(rest) && key_from_base64(key.b, word))
			p = peer_index_find(&x, &d, &key);
		if (p)
			print_seen(out, &d, p, binding_device_index(&host->rtnetlink, &j.applied.binding), &host->rtnetlink, (uint32_t)i + 1);
	}
	peer_index_free(&x);
	device_free(&d);
	applied_free(&j.applied);
	return r < 0;
}

struct target {
	char name[WG_NAME_MAX];
	struct wg_public key;
	struct ip_endpoint to;
	struct span key_and_list; /* of the journal */
};

/* "NAME ENDPOINT KEY LIST" */
static bool read_target(struct target *out, struct span rest)
{
	struct text t = text_fixed(out->name, sizeof out->name);
	struct span name, endpoint, key;

	if (!span_next(&name, &rest, ' ') || !span_next(&endpoint, &rest, ' ') || !rest.p)
		return false;
	out->key_and_list = rest;
	text_span(&t, name);
	return !t.failed && span_next(&key, &rest, ' ') && key_from_base64(out->key.b, key) &&
	       endpoint_parse(&out->to, endpoint, &ipc_scopes);
}

/* Otherwise `reload', `down' or another program has changed what was decided upon. */
static bool is_as_before(struct host *host, const struct journal *j, const struct target *to)
{
	struct link_info link;
	bool listed = false;

	if (!j->exists || !j->complete || j->is_ending || j->is_leftover ||
	    rtnetlink_link_find(&host->rtnetlink, to->name, 0, &link) < 0 || link.index != j->ifindex)
		return false;
	for (size_t i = 0; i < j->applied.endpoints.n; i++)
		listed |= span_is(to->key_and_list, j->applied.endpoints.list[i]);
	return listed;
}

/* With the tunnel's lock, for which this does not wait long, as others wait for this process. */
static int change_endpoint(struct host *host, struct span rest, int (*change)(struct host *host, const struct target *to))
{
	enum { LIMIT_MS = 2000, STEP_MS = 20 };
	uint64_t end_ms = clock_boot_ms() + LIMIT_MS;
	struct target to;
	struct journal j;
	int r;

	if (!read_target(&to, rest))
		return 1;
	while ((r = journal_open_now(&j, to.name, 0)) == -EWOULDBLOCK && clock_boot_ms() < end_ms)
		clock_wait_ms(STEP_MS);
	if (r == 0)
		r = is_as_before(host, &j, &to) ? change(host, &to) : -ECANCELED;
	journal_close(&j);
	return r < 0;
}

static int set_endpoint(struct host *host, const struct target *to)
{
	struct wg_device patch = { 0 };
	struct wg_peer *peer = device_add_peer(&patch);
	int r = -ENOMEM;

	if (peer) {
		memcpy(patch.name, to->name, sizeof patch.name);
		*peer = (struct wg_peer){ .flags = WG_PEER_HAS_PUBLIC_KEY | WG_PEER_HAS_ENDPOINT | WG_PEER_UPDATE_ONLY,
					  .public_key = to->key, .endpoint = to->to };
		r = ipc_set(&host->ipc, &patch);
	}
	device_free(&patch);
	return r;
}

static int set(struct host *host, struct span rest, struct text *out)
{
	(void)out;
	return change_endpoint(host, rest, set_endpoint);
}

static const struct wg_peer *find_peer(const struct wg_device *d, const struct wg_public *key)
{
	for (uint32_t i = 0; i < d->n_peers; i++)
		if (memcmp(&d->peers[i].public_key, key, sizeof *key) == 0)
			return &d->peers[i];
	return NULL;
}

/* Its removal and addition in one patch: packets in between wait for the handshake. */
static int plan_replacement(struct wg_device *patch, const struct wg_peer *now, const struct target *to)
{
	struct wg_peer *removal = device_add_peer(patch), *peer;

	if (!removal)
		return -ENOMEM;
	removal->flags = WG_PEER_HAS_PUBLIC_KEY | WG_PEER_REMOVE;
	removal->public_key = to->key;
	peer = device_add_peer(patch);
	if (!peer || !peer_copy(peer, now))
		return -ENOMEM;
	peer->flags = WG_PEER_HAS_PUBLIC_KEY | WG_PEER_HAS_ENDPOINT | WG_PEER_REPLACE_ALLOWEDIPS | WG_PEER_HAS_KEEPALIVE |
		      (now->flags & WG_PEER_HAS_PSK);
	peer->endpoint = to->to;
	memcpy(patch->name, to->name, sizeof patch->name);
	return 0;
}

/* wg(8) needs no lock: a peer that it removes between the two requests is there again. WG_PEER_UPDATE_ONLY cannot prevent that, since
 * it would not add the peer after the removal in the same patch either. */
static int replace_peer(struct host *host, const struct target *to)
{
	struct wg_device d = { 0 }, patch = { 0 };
	const struct wg_peer *now = NULL;
	int r = ipc_get(&host->ipc, &d, to->name);

	if (r == 0)
		now = find_peer(&d, &to->key);
	if (r == 0)
		r = now ? plan_replacement(&patch, now, to) : -ENOENT;
	if (r == 0)
		r = ipc_set(&host->ipc, &patch);
	device_free(&patch);
	device_free(&d);
	return r;
}

static int replace(struct host *host, struct span rest, struct text *out)
{
	(void)out;
	return change_endpoint(host, rest, replace_peer);
}

static int probe(struct host *host, struct span rest, struct text *out)
{
	enum { LIMIT_MS = 5000 };
	struct wg_device d = { 0 };
	const struct wg_peer *peer = NULL;
	struct target to;
	struct wg_binding b;
	int r = read_target(&to, rest) ? ipc_get(&host->ipc, &d, to.name) : -EINVAL;

	(void)out;
	if (r == 0)
		peer = find_peer(&d, &to.key);
	if (r == 0)
		b = binding_of(to.name);
	if (r == 0)
		r = peer ? handshake_probe(&d, &b, peer, &to.to, LIMIT_MS) : -ENOENT;
	device_free(&d);
	return r < 0;
}

static int fail_unit(struct host *host, struct span name_text, struct text *out)
{
	char name[WG_NAME_MAX];
	struct text t = text_fixed(name, sizeof name);

	(void)host;
	(void)out;
	text_span(&t, name_text);
	return t.failed || unit_state_fail(name) < 0;
}

static int reset_units(struct host *host, struct span names, struct text *out)
{
	(void)host;
	(void)out;
	return unit_state_reset(names) < 0;
}

static const struct {
	const char *word;
	int (*work)(struct host *host, struct span rest, struct text *out);
} works[] = {
	{ "restore", restore }, { "look-up", look_up }, { "see", see }, { "set", set }, { "replace", replace }, { "probe", probe },
	{ "fail-unit", fail_unit }, { "reset-units", reset_units },
};

/* With new connections: the monitor closes or uses those that it has. */
static int work(void *ctx, const char *request, struct text *out)
{
	const struct host *monitor_host = ctx;
	struct host host = { .settings = monitor_host->settings };
	struct span rest = span_of(request), word;
	int status = 255;

	unsetenv("NOTIFY_SOCKET"); /* the monitor's: a daemon would tell systemd that it is ready */
	if (rtnetlink_open(&host.rtnetlink) < 0 || !span_next(&word, &rest, ' '))
		return status;
	for (size_t i = 0; i < ARRAY_LEN(works); i++)
		if (span_is(word, works[i].word))
			status = works[i].work(&host, rest, out);
	rtnetlink_close(&host.rtnetlink);
	ipc_close(&host.ipc);
	return status;
}

/* ---- in the monitor ---- */

int monitor_helper_start(struct monitor *m)
{
	if (monitor_helper.source.fd >= 0)
		return 0;
	return report_failure("start the helper process", helper_start(&monitor_helper, &m->loop, work, m->host));
}

void monitor_helper_stop(void)
{
	helper_stop(&monitor_helper);
}

enum { LOOK_UP_S = 10, SEE_S = 10, SET_S = 40, PROBE_S = 15, RESTORE_S = 120, UNIT_S = 30 };

int helper_restore(struct helper_call *c, const char *name, bool userspace, int hung_pid, struct span endpoints)
{
	struct text t = text_heap();
	int r = -ENOMEM;

	text_f(&t, "restore %s %u %d\n", name, (unsigned int)userspace, hung_pid);
	if (endpoints.n < HELPER_TEXT_MAX - t.n)
		text_span(&t, endpoints);
	if (!t.failed)
		r = helper_call(&monitor_helper, c, HELPER_TUNNEL, RESTORE_S, t.p);
	text_heap_free(&t);
	return r;
}

int helper_look_up(struct helper_call *c, uint32_t mark, const char *name, const char *list)
{
	struct text t = text_heap();
	int r = -ENOMEM;

	text_f(&t, "look-up %u %s %s", mark, name, list);
	if (!t.failed)
		r = helper_call(&monitor_helper, c, HELPER_LOOK_UP, LOOK_UP_S, t.p);
	text_heap_free(&t);
	return r;
}

int helper_see(struct helper_call *c, const char *name)
{
	char request[32];
	struct text t = text_fixed(request, sizeof request);

	text_f(&t, "see %s", name);
	return helper_call(&monitor_helper, c, HELPER_TUNNEL, SEE_S, request);
}

static int call_for_peer(struct helper_call *c, const char *word, unsigned int limit_s, const char *name, const struct peer_endpoint *to)
{
	char key_text[KEY_BASE64_CHARS + 1];
	struct text t = text_heap();
	int r = -ENOMEM;

	key_to_base64(key_text, to->key->b);
	text_f(&t, "%s %s ", word, name);
	endpoint_print(&t, to->endpoint, &ipc_scopes);
	text_f(&t, " %s %s", key_text, to->list);
	if (!t.failed)
		r = helper_call(&monitor_helper, c, HELPER_TUNNEL, limit_s, t.p);
	text_heap_free(&t);
	return r;
}

int helper_set_endpoint(struct helper_call *c, const char *name, const struct peer_endpoint *to, bool replace_it)
{
	return call_for_peer(c, replace_it ? "replace" : "set", SET_S, name, to);
}

int helper_probe(struct helper_call *c, const char *name, const struct peer_endpoint *to)
{
	return call_for_peer(c, "probe", PROBE_S, name, to);
}

int helper_set_unit(struct helper_call *c, bool failed, const char *names)
{
	struct text t = text_heap();
	int r = -ENOMEM;

	text_f(&t, "%s %s", failed ? "fail-unit" : "reset-units", names);
	if (!t.failed)
		r = helper_call(&monitor_helper, c, HELPER_TUNNEL, UNIT_S, t.p);
	text_heap_free(&t);
	return r;
}
