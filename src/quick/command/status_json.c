/* The members that wg-quick(8) describes. Unknown values are left out. */
#include "status_json.h"

#include <errno.h>

#include "quick/diagnosis/checks.h"
#include "quick/diagnosis/findings.h"
#include "quick/diagnosis/statistics.h"
#include "quick/plan/print.h"

typedef void print_to(struct text *t, const void *value);

static void print_prefix(struct text *t, const void *p)
{
	prefix_print(t, p);
}

static void print_address(struct text *t, const void *a)
{
	address_print(t, a);
}

static void print_ip(struct text *t, const void *a)
{
	ip_print(t, a);
}

static void printed(struct json *j, const char *key, print_to *print, const void *value)
{
	char buffer[128];
	struct text t = text_fixed(buffer, sizeof buffer);

	print(&t, value);
	json_string(j, key, text_of(&t));
}

static void word(struct json *j, const char *key, const char *value)
{
	json_string(j, key, span_of(value));
}

static void strings(struct json *j, const char *key, const struct string_list *list)
{
	json_open_array(j, key);
	for (size_t i = 0; i < list->n; i++)
		word(j, NULL, list->list[i]);
	json_close(j);
}

static void key_member(struct json *j, const char *key, const uint8_t value[KEY_BYTES])
{
	char base64[KEY_BASE64_CHARS + 1];

	key_to_base64(base64, value);
	word(j, key, base64);
}

/* ---- parts ---- */

static const char *state_of(const struct observation *o)
{
	if (o->facts.leftover)
		return "gone";
	if (!o->c.state.link.index)
		return "not-up";
	if (o->facts.device_error && o->may_read)
		return o->facts.device_error == -ETIMEDOUT ? "not-answering" : "broken";
	if (o->facts.interrupted)
		return "incomplete";
	return o->c.state.link.up ? "up" : "set-down";
}

static void file_members(struct json *j, const struct facts *f)
{
	static const char *const states[] = { [FILE_READ] = "read", [FILE_MISSING] = "missing",
					      [FILE_UNREADABLE] = "unreadable", [FILE_INVALID] = "invalid" };

	if (f->path)
		word(j, "file", f->path);
	word(j, "fileState", states[f->file_seen]);
}

static void backend_members(struct json *j, const struct observation *o)
{
	char version[32];

	word(j, "backend", o->facts.is_daemon ? "userspace" : "kernel");
	if (o->daemon.program[0])
		word(j, "program", o->daemon.program);
	if (o->daemon.pid > 0)
		json_u64(j, "process", (uint64_t)o->daemon.pid);
	if (statistics_label(version, sizeof version, o->facts.statistics, "wireguardd_build_info", "version"))
		word(j, "version", version);
}

static void add_routes(struct json *j, const struct routes *routes)
{
	for (size_t i = 0; i < routes->n; i++) {
		json_open_object(j, NULL);
		printed(j, "prefix", print_prefix, &routes->list[i].prefix);
		json_u64(j, "table", routes->list[i].table);
		if (!route_metric_is_usual(&routes->list[i]))
			json_u64(j, "metric", routes->list[i].metric);
		json_close(j);
	}
}

static void host_members(struct json *j, const struct host_state *s)
{
	json_u64(j, "mtu", s->link.mtu);
	json_open_array(j, "addresses");
	for (size_t i = 0; i < s->addresses.n; i++)
		printed(j, NULL, print_address, &s->addresses.list[i]);
	json_close(j);
	json_open_array(j, "routes");
	add_routes(j, &s->routes);
	add_routes(j, &s->mark_routes);
	json_close(j);
}

static void dns_member(struct json *j, const struct facts *f)
{
	if (f->dns == DNS_NOT_SET)
		return;
	json_open_object(j, "dns");
	strings(j, "servers", &f->applied->plan.dns.servers);
	strings(j, "domains", &f->applied->plan.dns.domains);
	if (f->dns != DNS_NOT_KNOWN)
		json_bool(j, "inForce", f->dns == DNS_IN_FORCE);
	json_close(j);
}

static void binding_member(struct json *j, const struct facts *f)
{
	const struct wg_binding *b = f->binding;

	if (!b)
		return;
	json_open_object(j, "binding");
	if (b->device[0])
		word(j, "device", b->device);
	json_open_array(j, "sources");
	for (int v6 = 0; v6 < 2; v6++)
		if (b->source[v6].family != IP_NONE)
			printed(j, NULL, print_ip, &b->source[v6]);
	json_close(j);
	if (f->binding_seen != BINDING_NOT_KNOWN)
		json_bool(j, "inForce", f->binding_seen == BINDING_IN_FORCE);
	json_close(j);
}

static void add_steps(struct json *j, const struct plan *p)
{
	char step[256];

	for (size_t i = 0; i < p->n; i++) {
		struct text t = text_fixed(step, sizeof step);
		if (p->steps[i].hidden)
			continue;
		step_describe(&t, p, &p->steps[i]);
		json_string(j, NULL, text_of(&t));
	}
}

static void difference_member(struct json *j, const struct facts *f)
{
	if (!f->difference)
		return;
	json_open_array(j, "differences");
	add_steps(j, f->old_dns);
	add_steps(j, f->difference);
	json_close(j);
}

/* ---- peers ---- */

static void peer_member(struct json *j, const char *name, const struct wg_peer *peer)
{
	char base64[KEY_BASE64_CHARS + 1], endpoint[IP_ENDPOINT_TEXT_MAX];
	struct text t = text_fixed(endpoint, sizeof endpoint);

	key_to_base64(base64, peer->public_key.b);
	json_open_object(j, base64);
	if (name)
		word(j, "name", name);
	endpoint_print(&t, &peer->endpoint, &ipc_scopes);
	if (peer->flags & WG_PEER_HAS_ENDPOINT)
		json_string(j, "endpoint", text_of(&t));
	if (peer->handshake_s)
		json_u64(j, "latestHandshake", peer->handshake_s);
	json_u64(j, "transferRx", peer->rx_bytes);
	json_u64(j, "transferTx", peer->tx_bytes);
	json_close(j);
}

/* A daemon may repeat a key, an object may not. */
static bool peers_member(struct json *j, const struct facts *f)
{
	static const struct wg_device none;
	const struct wg_device *d = &f->state->device, *file = f->file ? &f->file->device : &none;
	struct peer_index x = { 0 }, in_file = { 0 };
	bool ok = peer_index_build(&x, d) && peer_index_build(&in_file, file);

	json_open_object(j, "peers");
	for (uint32_t i = 0; ok && i < d->n_peers; i++) {
		const struct wg_public *key = &d->peers[i].public_key;
		const struct wg_peer *described = peer_index_find(&in_file, file, key);
		if (peer_index_find(&x, d, key) == &d->peers[i])
			peer_member(j, described ? described->name : NULL, &d->peers[i]);
	}
	json_close(j);
	peer_index_free(&x);
	peer_index_free(&in_file);
	return ok;
}

static bool device_members(struct json *j, const struct observation *o)
{
	const struct wg_device *d = &o->c.state.device;

	backend_members(j, o);
	if (d->flags & WG_DEVICE_HAS_PUBLIC_KEY)
		key_member(j, "publicKey", d->public_key.b);
	if (d->listen_port)
		json_u64(j, "listenPort", d->listen_port);
	if (d->fwmark)
		json_u64(j, "fwmark", d->fwmark);
	return peers_member(j, &o->facts);
}

/* ---- attention ---- */

static bool attention_member(struct json *j, const struct facts *f)
{
	struct findings all = { 0 };
	bool ok = checks_of_state(&all, f);

	json_open_array(j, "attention");
	for (size_t i = 0; i < all.n; i++) {
		const struct finding *one = &all.list[i];
		if (one->level == FINDING_OK)
			continue;
		json_open_object(j, NULL);
		word(j, "level", one->level == FINDING_FAIL ? "fail" : "warn");
		word(j, "check", one->check);
		word(j, "seen", one->seen);
		if (one->fix)
			word(j, "fix", one->fix);
		json_close(j);
	}
	json_close(j);
	findings_free(&all);
	return ok;
}

static void monitor_member(struct json *j, const struct observation *o)
{
	if (!o->has_monitor && !o->monitor.at_ms)
		return;
	json_open_object(j, "monitor");
	json_bool(j, "running", o->has_monitor);
	if (o->monitor.at_ms) {
		json_string(j, "last", span_of(o->monitor.text));
		json_u64(j, "secondsAgo", o->facts.boot_s - o->monitor.at_ms / 1000);
	}
	json_close(j);
}

bool status_json(struct json *j, const struct observation *o)
{
	bool ok = true;

	json_open_object(j, o->facts.name);
	word(j, "state", state_of(o));
	if (o->facts.since_s)
		json_u64(j, "upSince", o->facts.since_s);
	file_members(j, &o->facts);
	if (o->c.state.link.index) {
		json_u64(j, "ifindex", o->c.state.link.index);
		host_members(j, &o->c.state);
		dns_member(j, &o->facts);
		binding_member(j, &o->facts);
		if (facts_kill_switch(&o->facts))
			word(j, "killSwitch", facts_kill_switch(&o->facts));
		difference_member(j, &o->facts);
		if (o->facts.device_error == 0)
			ok = device_members(j, o);
	}
	if (o->facts.unconfirmed) {
		json_open_object(j, "unconfirmed");
		word(j, "command", o->facts.is_reload ? "reload" : "up");
		json_u64(j, "secondsLeft", o->facts.confirm_left_s);
		json_close(j);
	}
	monitor_member(j, o);
	ok &= attention_member(j, &o->facts);
	json_close(j);
	return ok;
}
