/* Creates the interface of a tunnel again. */
#include "restore.h"

#include <errno.h>
#include <stdlib.h>

#include "apply.h"
#include "binding.h"
#include "comparison.h"
#include "elsewhere.h"
#include "inputs.h"
#include "keys.h"
#include "messages.h"
#include "probe_peers.h"
#include "quick/host/clock.h"
#include "quick/host/daemon.h"
#include "quick/host/daemon_end.h"
#include "quick/host/link_create.h"
#include "quick/host/probe_packet.h"
#include "quick/plan/print.h"
#include "quick/plan/up.h"
#include "report/report.h"

/* ---- the daemon ---- */

static bool is_service(const struct settings *set, const char *name)
{
	const char *program = link_create_userspace(set);
	char unit[256];
	struct text t = text_fixed(unit, sizeof unit);

	return program && implementation_unit(&t, program, name);
}

/* In the environment of a daemon that was started here, with the tunnel's name. */
#define RESTORED_VARIABLE "WG_QUICK_RESTORED"

/* An interface that restore_tunnel() created before it was killed: the journal has its index, or its daemon was started by it. An
 * interface of the kernel whose index is not in the journal may be another program's. */
static bool is_own(const struct comparison *c, const struct link_info *link)
{
	const char *name = c->file.name, *program = link_create_userspace(&c->host->settings);
	struct daemon_process d;
	char variable[64], unit[256];
	struct text t = text_fixed(variable, sizeof variable), u = text_fixed(unit, sizeof unit);

	if (link->index == c->journal.ifindex)
		return true;
	if (!daemon_find(&d, name))
		return false;
	text_f(&t, RESTORED_VARIABLE "=%s", name);
	return daemon_has_variable(&d, variable) || (program && implementation_unit(&u, program, name) && daemon_is_of_unit(&d, unit));
}

static int delete_interface(struct comparison *c, uint32_t index)
{
	struct link_info link;
	char why[128];
	int r = rtnetlink_link_find(&c->host->rtnetlink, c->file.name, 0, &link);

	if (r == 0 && link.index != index)
		return 0;
	if (r == 0)
		r = rtnetlink_send(&c->host->rtnetlink, rtnetlink_build_link_delete(link.index), why);
	if (r == 0)
		daemon_wait_exit(c->file.name);
	return r == -ENODEV ? 0 : r;
}

/* RESTORE_DONE: none of this name exists. */
static enum restore_status delete_incomplete(struct comparison *c)
{
	struct link_info link;
	int r = rtnetlink_link_find(&c->host->rtnetlink, c->file.name, 0, &link);

	if (r == 0 && !is_own(c, &link)) {
		report_error("cannot create the interface again: another program's interface has its name");
		report_help("delete it, or run `wg-quick down %s'", c->file.name);
		return RESTORE_FAILED;
	}
	if (r == 0)
		r = delete_interface(c, link.index);
	return report_failure("delete the incomplete interface", r == -ENODEV ? 0 : r) < 0 ? RESTORE_FAILED : RESTORE_DONE;
}

/* The interface was renamed, or moved to another network namespace. Its daemon lives on then; one that has noticed that the
 * interface was deleted ends within this time. */
static bool is_elsewhere(const struct restore_request *q, struct host *host)
{
	enum { LIMIT_MS = 5000 };
	uint64_t end_ms = clock_boot_ms() + LIMIT_MS;
	struct daemon_process d;
	struct link_info link;

	if (rtnetlink_link_find(&host->rtnetlink, q->name, 0, &link) != -ENODEV)
		return false;
	while (daemon_find(&d, q->name)) {
		if (clock_boot_ms() >= end_ms)
			return true;
		clock_wait_ms(1);
	}
	return !q->userspace && tunnel_is_elsewhere(host, q->name);
}

/* systemd starts a daemon again that died, and with the file descriptor store its interface has not even gone. */
static enum restore_status await_end(struct comparison *c, const struct restore_request *q)
{
	enum { LIMIT_MS = 10000 };
	struct host *host = c->host;
	bool is_unit = is_service(&host->settings, q->name);
	struct link_info link;
	int r;

	if (!q->hung_pid && is_elsewhere(q, host))
		return RESTORE_NOT_NEEDED;
	r = q->hung_pid ? daemon_kill(q->name, q->hung_pid) : 0;
	if (c->journal.restoring)
		return delete_incomplete(c);
	if (!q->userspace)
		return rtnetlink_link_find(&host->rtnetlink, q->name, 0, &link) == -ENODEV ? RESTORE_DONE : RESTORE_NOT_NEEDED;
	if (report_failure("kill the daemon that does not answer", r == -ESRCH ? 0 : r) < 0)
		return RESTORE_FAILED;
	switch (daemon_await_end(q->name, &host->rtnetlink, is_unit, LIMIT_MS)) {
	case DAEMON_GONE: return RESTORE_DONE;
	case DAEMON_SERVES: return RESTORE_NOT_NEEDED;
	case DAEMON_MISSING: break;
	}
	report_error("cannot create the interface again: no daemon serves it, and it still exists");
	return RESTORE_FAILED;
}

/* ---- endpoints ---- */

static int add_known(struct wg_device *last, struct span lines)
{
	struct span line, word;

	while (lines.n > 0 && span_next(&line, &lines, '\n')) {
		struct ip_endpoint endpoint;
		struct wg_public key;
		struct wg_peer *peer;
		if (!span_next(&word, &line, ' ') || !key_from_base64(key.b, word) || !endpoint_parse(&endpoint, line, &ipc_scopes))
			continue;
		peer = device_add_peer(last);
		if (!peer)
			return -ENOMEM;
		*peer = (struct wg_peer){ .flags = WG_PEER_HAS_PUBLIC_KEY | WG_PEER_HAS_ENDPOINT, .public_key = key, .endpoint = endpoint };
	}
	return 0;
}

/* Name servers may be reached through the tunnel: what a name stood for before is used, and names without an
 * address are looked up later by the monitor. */
static int recall_endpoints(struct tunnel_file *f, struct ipc *ipc, struct span known)
{
	struct wg_device last = { 0 };
	struct peer_index x = { 0 };
	int r = ipc_last_request(ipc, &last, f->name, &f->device);

	if (r == 0)
		r = add_known(&last, known); /* of two, the last one counts */
	if (r == 0 && !peer_index_build(&x, &last))
		r = -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < f->device.n_peers; i++) {
		struct wg_peer *peer = &f->device.peers[i];
		const struct wg_peer *before = peer_index_find(&x, &last, &peer->public_key);
		if (!(peer->flags & WG_PEER_HAS_HOST))
			continue;
		peer->flags &= ~(uint32_t)WG_PEER_HAS_HOST;
		if (!before)
			continue;
		peer->endpoint = before->endpoint;
		peer->flags |= WG_PEER_HAS_ENDPOINT;
	}
	peer_index_free(&x);
	device_free(&last);
	return report_failure("read the last endpoints", r);
}

/* ---- the interface ---- */

/* The process that died may have its port for a moment more. */
static int set_device(struct ipc *ipc, const struct wg_device *patch)
{
	enum { LIMIT_MS = 3000 };
	uint64_t end_ms = clock_boot_ms() + LIMIT_MS;
	int r;

	while ((r = ipc_set(ipc, patch)) == -EADDRINUSE && clock_boot_ms() < end_ms)
		clock_wait_ms(2);
	return r;
}

/* With its mark first, so that no packet takes a way that it did not take before, and with its port, which peers know. */
static int set_port_and_mark(const struct comparison *c)
{
	const struct applied *a = &c->journal.applied;
	const struct wg_device *file = &c->file.device;
	struct wg_device patch = { 0 };

	memcpy(patch.name, c->file.name, sizeof patch.name);
	for (size_t i = 0; i < a->plan.n; i++)
		if (a->plan.steps[i].kind == STEP_RULE && rule_is_tunnel(&a->plan.steps[i].rule))
			patch.fwmark = a->plan.steps[i].rule.mark;
	patch.fwmark = patch.fwmark ? patch.fwmark : a->mark;
	patch.listen_port = file->flags & WG_DEVICE_HAS_LISTEN_PORT ? file->listen_port : a->port;
	if (patch.fwmark)
		patch.flags |= WG_DEVICE_HAS_FWMARK;
	if (patch.listen_port)
		patch.flags |= WG_DEVICE_HAS_LISTEN_PORT;
	return patch.flags ? report_failure("set the mark and the port", set_device(&c->host->ipc, &patch)) : 0;
}

static int create_interface(struct comparison *c, const struct restore_request *q, struct apply *apply)
{
	struct settings set = c->host->settings;
	struct text t = text_fixed(set.implementation, sizeof set.implementation);
	struct created_link link;
	int r;

	if (q->userspace)
		text_add(&t, "userspace");
	setenv(RESTORED_VARIABLE, c->file.name, 1);
	journal_note_restoring(&c->journal);
	r = link_create(&link, &c->host->rtnetlink, c->file.name, &set, apply->performer.trace);
	if (r < 0)
		return r;
	apply->performer.ifindex = link.index;
	journal_note_interface(&c->journal, link.index);
	r = restore_binding(c->host, &c->file);
	return r < 0 ? r : set_port_and_mark(c);
}

/* Everything that hooks added to the interface is lost with it; the journal has only the addresses. */
static int add_foreign_addresses(struct plan *p, const struct comparison *c)
{
	const struct addresses *foreign = &c->journal.applied.foreign;

	for (size_t i = 0; i < foreign->n; i++) {
		struct step *s;
		if (ip_is_v6_link_local(&foreign->list[i].local))
			continue;
		s = plan_add(p, STEP_ADDRESS);
		if (!s)
			return -ENOMEM;
		s->address = foreign->list[i];
	}
	return 0;
}

/* The back-ends know the tunnel's name servers by its interface. */
static int add_name_servers(struct plan *p, const struct comparison *c)
{
	if (!dns_is_configured(&c->journal.applied.plan.dns) || c->state.dns == DNS_NONE)
		return 0;
	return plan_add(p, STEP_DNS) ? plan_dns_context(p, &c->file, &c->state) : -ENOMEM;
}

static int apply_rest(const struct comparison *c, struct apply *apply)
{
	struct plan p = { 0 };
	int r;

	memcpy(p.name, c->file.name, sizeof p.name);
	p.config = c->file.path;
	r = report_failure("plan the steps", add_foreign_addresses(&p, c));
	if (r == 0)
		r = report_failure("plan the steps", add_name_servers(&p, c));
	if (r == 0)
		r = apply_plan(apply, &p, 0, false);
	plan_free(&p);
	return r;
}

/* Whatever hooks changed, the interface is to be as the file has it. */
static int configure(struct comparison *c, struct apply *apply)
{
	struct string_list noted = c->journal.applied.changes;
	int r = comparison_inspect(c, true);

	c->journal.applied.changes = (struct string_list){ 0 };
	if (r == 0)
		r = comparison_plan(c, NULL, NULL);
	c->journal.applied.changes = noted;
	if (r == 0)
		r = apply_plan(apply, &c->plan, 0, false);
	return r < 0 ? r : apply_rest(c, apply);
}

/* A peer that sends, and expects nothing, would learn of the end of the session only after a quarter of a minute. */
static void begin_handshakes(const struct tunnel_file *f)
{
	enum { MOST = 64 };
	uint32_t n = f->device.n_peers < MOST ? f->device.n_peers : MOST;

	for (uint32_t i = 0; i < n; i++) {
		const struct wg_peer *peer = &f->device.peers[i];
		struct ip_addr target;
		if ((peer->flags & WG_PEER_HAS_ENDPOINT) && probe_target(&target, peer))
			(void)!probe_into_tunnel(f->name, &target);
	}
}

/* ---- all of it ---- */

static int restore(struct comparison *c, const struct restore_request *q, struct command_trace *trace)
{
	static const struct command_options options = { .no_hooks = true };
	struct apply apply;
	int r = recall_endpoints(&c->file, &c->host->ipc, q->endpoints); /* while the socket of the daemon that died exists */

	apply_init(&apply, &options, c->host, trace, &c->journal, c->file.path);
	if (r == 0)
		r = create_interface(c, q, &apply);
	if (r == 0)
		r = configure(c, &apply);
	if (r < 0) {
		if (apply.performer.ifindex)
			(void)!delete_interface(c, apply.performer.ifindex); /* the next attempt begins with none */
		return r;
	}
	journal_note_restored(&c->journal);
	if (c->journal.applied.changes.n > 0) {
		report_warning("changes that hooks made to the interface are lost, because hooks are not run again");
		report_help("run `wg-quick restart %s' to run them", c->file.name);
	}
	begin_handshakes(&c->file);
	return 0;
}

/* False after reporting. A new interface has no keys, and the old one is gone. */
static bool read_all_keys(struct tunnel_file *f)
{
	const struct key_source *missing;

	if (read_keys(f, 0, NULL) < 0)
		return false;
	missing = tunnel_file_missing_key(f);
	if (!missing)
		return true;
	report_error("cannot configure the interface again: %s can be read only once: %s", missing->key, missing->name);
	report_help("run `wg-quick restart %s', and give it the key", f->name);
	return false;
}

/* False after reporting. A credential of systemd belongs to the service of `up'. */
static bool read_file(struct comparison *c, const char *name)
{
	const char *config = c->journal.applied.config;

	c->file.regular_only = true;
	return read_tunnel_file(&c->file, config ? config : name, true) && read_all_keys(&c->file) &&
	       report_failure("list the endpoints", comparison_list_endpoints(c)) == 0;
}

enum restore_status restore_tunnel(const struct restore_request *q, struct host *host, struct command_trace *trace)
{
	struct comparison c = COMPARISON_OF(host);
	enum restore_status s = RESTORE_NOT_UP;
	int r = open_journal(&c.journal, q->name, &host->settings);

	if (r == 0 && c.journal.exists && c.journal.complete && !c.journal.is_ending && !c.journal.is_leftover) {
		s = RESTORE_FAILED;
		if (read_file(&c, q->name))
			s = await_end(&c, q);
	}
	if (s == RESTORE_DONE && restore(&c, q, trace) < 0)
		s = RESTORE_FAILED;
	command_trace_flush(trace);
	comparison_free(&c);
	return r < 0 ? RESTORE_FAILED : s;
}
