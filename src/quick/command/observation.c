/* Observes a tunnel. */
#include "observation.h"

#include <errno.h>
#include <stdlib.h>

#include "binding.h"
#include "inputs.h"
#include "keys.h"
#include "messages.h"
#include "ipc/binding.h"
#include "quick/host/clock.h"
#include "quick/host/dns_in_use.h"
#include "quick/host/fileio.h"
#include "quick/host/netns_place.h"
#include "quick/host/process.h"
#include "quick/host/tunnel_file_load.h"
#include "quick/journal/journal.h"
#include "quick/journal/other_tunnels.h"
#include "quick/journal/pending.h"
#include "quick/plan/mtu.h"
#include "quick/plan/up.h"
#include "report/report.h"

/* ---- the file and the journal ---- */

/* The file that `up` read, if the argument is a name. */
static int locate(struct tunnel_file *f, const struct journal *j, const char *argument)
{
	const char *config = j->exists ? j->applied.config : NULL;
	struct tunnel_file other = { 0 };

	if (config && device_name_is_valid(span_of(argument)) && tunnel_file_locate(&other, config) == 0 &&
	    strcmp(other.name, f->name) == 0) {
		free(f->path);
		f->path = other.path;
		return 0;
	}
	tunnel_file_free(&other);
	free(f->path);
	f->path = NULL;
	return tunnel_file_locate(f, argument);
}

static void read_file(struct observation *o, const char *argument)
{
	struct tunnel_file *f = &o->c.file;
	struct diag silent = { 0 };
	char name[WG_NAME_MAX], *path;
	int r = locate(f, &o->c.journal, argument);

	path = f->path ? span_dup(span_of(f->path)) : NULL;
	memcpy(name, f->name, sizeof name);
	if (r == 0) {
		o->facts.file_changed_s = fileio_changed_s(f->path);
		f->regular_only = true;
		r = tunnel_file_load(f, &silent);
	}
	if (r == 0) {
		read_keys_if_possible(f);
		o->facts.file = f;
		o->facts.file_seen = FILE_READ;
	} else {
		tunnel_file_free(f);
		memcpy(f->name, name, sizeof f->name);
		f->path = path;
		path = NULL;
		o->facts.file_seen = r == -EACCES || r == -EPERM ? FILE_UNREADABLE : r == -ENOENT ? FILE_MISSING : FILE_INVALID;
		o->facts.file_errors = silent.errors ? silent.errors : 1;
	}
	free(path);
	o->facts.path = f->path;
}

static void read_journal(struct observation *o)
{
	struct journal *j = &o->c.journal;
	char name[WG_NAME_MAX];

	memcpy(name, o->c.file.name, sizeof name);
	if (journal_open_unlocked(j, name) < 0)
		journal_disregard(j); /* damaged */
}

/* Only root can read it. */
static void read_pending(struct observation *o)
{
	struct pending p = PENDING_NONE;
	uint64_t now_ms = clock_boot_ms();

	if (pending_load(&p, o->c.file.name) == 0 && p.exists && p.of_this_boot) {
		o->facts.unconfirmed = true;
		o->facts.is_reload = p.is_reload;
		o->facts.confirm_left_s = p.deadline_ms > now_ms ? (p.deadline_ms - now_ms + 999) / 1000 : 0;
	}
	pending_free(&p);
}

/* Of the interface that exists now. */
static void judge_journal(struct observation *o)
{
	struct journal *j = &o->c.journal;
	uint64_t now_ms = clock_now_ms(), boot_ms = clock_boot_ms();

	if (!j->exists)
		return;
	if (!o->c.state.link.index) {
		o->facts.leftover = j->complete || j->ifindex || j->is_leftover;
	} else if (!journal_is_of(j, o->c.state.link.index)) {
		journal_disregard(j);
		return;
	} else {
		o->facts.interrupted = !j->complete;
		if (j->completed_ms && j->completed_ms <= boot_ms)
			o->facts.since_s = (now_ms - (boot_ms - j->completed_ms)) / 1000;
	}
	o->facts.applied = &j->applied;
	o->c.state.ipv6_of_hooks = addresses_have_ipv6(&j->applied.foreign);
}

/* ---- the interface ---- */

static void read_device(struct observation *o, struct host *host)
{
	struct host_state *s = &o->c.state;
	bool privileged = process_may_change_network();

	o->may_read = true;
	if (!s->link.index)
		return;
	o->facts.device_error = ipc_get(&host->ipc, &s->device, o->c.file.name);
	if (o->facts.device_error == 0)
		(void)!tunnel_file_keep_keys(&o->c.file, &s->device);
	/* Without the privilege the kernel does not even tell which interfaces are WireGuard ones. */
	o->may_read = o->facts.device_error == 0 || privileged || !host_is_wireguard(&host->ipc, o->c.file.name);
	o->facts.is_daemon = o->facts.device_error != 0 || s->device.ifindex == 0;
	if (o->facts.is_daemon)
		o->facts.is_daemon = daemon_find(&o->daemon, o->c.file.name) || o->facts.device_error == 0;
	if (o->facts.is_daemon && o->facts.device_error == 0 && daemon_read_statistics(&o->statistics, o->c.file.name) < 0)
		text_heap_free(&o->statistics);
	o->facts.statistics = text_of(&o->statistics);
}

static void look_at_binding(struct observation *o, struct host *host)
{
	const struct wg_binding *wanted = o->facts.file ? &o->facts.file->interface.bind.to :
					  o->facts.applied ? &o->facts.applied->binding : NULL;
	struct wg_binding now = { .device = "" };

	if (!wanted || binding_is_empty(wanted) || !o->c.state.link.index)
		return;
	o->facts.binding = wanted;
	o->facts.binding_seen = BINDING_NOT_KNOWN;
	if (o->facts.device_error == 0 && o->facts.is_daemon && ipc_get_binding(&host->ipc, o->c.file.name, &now) == 0)
		o->facts.binding_seen = binding_equal(wanted, &now) ? BINDING_IN_FORCE : BINDING_DIFFERS;
}

/* ---- the difference ---- */

/* Host names are not looked up: the present endpoint of a peer counts as what its name stands for. */
static int keep_endpoints(struct wg_device *desired, const struct wg_device *actual)
{
	struct peer_index x = { 0 };

	if (!peer_index_build(&x, actual))
		return -ENOMEM;
	for (uint32_t i = 0; i < desired->n_peers; i++) {
		struct wg_peer *peer = &desired->peers[i];
		const struct wg_peer *now = peer_index_find(&x, actual, &peer->public_key);
		if (!(peer->flags & WG_PEER_HAS_HOST))
			continue;
		peer->flags &= ~(uint32_t)WG_PEER_HAS_HOST;
		if (!now || !(now->flags & WG_PEER_HAS_ENDPOINT))
			continue;
		peer->endpoint = now->endpoint;
		peer->flags |= WG_PEER_HAS_ENDPOINT;
	}
	peer_index_free(&x);
	return 0;
}

static void collect_warning(void *warnings, const char *text)
{
	if (!string_list_add(warnings, span_of(text)))
		report_warning("%s", text);
}

static int compare(struct observation *o, struct host *host)
{
	struct comparison *c = &o->c;
	int r = comparison_list_endpoints(c);

	if (r == 0)
		r = keep_endpoints(&c->file.device, &c->state.device);
	if (r < 0)
		return report_failure("compare the tunnel with its file", r);
	inspect_binding_quietly(&c->state, host, &c->file, comparison_applied(&c->journal));
	r = inspect_for_plan(&c->state, host, &c->file, &c->journal);
	if (r == 0)
		r = inspect_for_diff(&c->state, host, &c->file, comparison_applied(&c->journal));
	return r < 0 ? r : comparison_plan(c, collect_warning, &o->warnings);
}

/* Only what is shown. */
static int inspect_alone(struct observation *o, struct host *host)
{
	struct host_state *s = &o->c.state;
	const struct applied *a = o->facts.applied;
	int r = 0;

	if (a && dns_is_configured(&a->plan.dns))
		r = inspect_dns(s, host, o->c.file.name);
	if (r < 0 || !s->link.index)
		return r;
	r = host_inspect_routes(s, &host->rtnetlink, a && a->has_table ? a->table : TABLE_MAIN, 0);
	if (r == -ENODEV) { /* it disappeared meanwhile, for example with its daemon */
		s->link.index = 0;
		judge_journal(o);
		r = 0;
	}
	return report_failure("inspect the host", r);
}

/* ---- DNS ---- */

static bool have_all(const struct string_list *in_use, const struct string_list *wanted)
{
	for (size_t i = 0; i < wanted->n; i++) {
		bool found = false;
		for (size_t k = 0; k < in_use->n; k++) {
			struct span rest = span_of(in_use->list[k]), address;
			/* systemd-resolved may append a port or a name */
			found |= span_next(&address, &rest, '#') && span_is(address, wanted->list[i]);
		}
		if (!found)
			return false;
	}
	return true;
}

/* A resolver on this host, to which resolvconf may have passed the servers of the tunnel. */
static bool is_local(const struct string_list *servers)
{
	for (size_t i = 0; i < servers->n; i++)
		if (span_starts(span_of(servers->list[i]), "127.") || strcmp(servers->list[i], "::1") == 0)
			return true;
	return false;
}

static enum dns_seen dns_seen(struct observation *o, const struct plan *p)
{
	const struct dns_config *dns = &p->dns;
	struct string_list *in_use = &o->dns_servers;

	switch (p->dns_backend) {
	case DNS_NONE:
		return DNS_NOT_SET;
	case DNS_FILE:
		return resolv_conf_has(&o->c.state.resolv_conf, o->c.state.dns_id, dns) ? DNS_IN_FORCE : DNS_REPLACED;
	case DNS_RESOLVED:
		if (dns_in_use_resolved(in_use, o->c.file.name) < 0)
			return DNS_NOT_KNOWN;
		return have_all(in_use, &dns->servers) ? DNS_IN_FORCE : DNS_REPLACED;
	case DNS_RESOLVCONF:
		if (dns_in_use_resolv_conf(in_use) < 0)
			return DNS_NOT_KNOWN;
		return have_all(in_use, &dns->servers) ? DNS_IN_FORCE : is_local(in_use) ? DNS_NOT_KNOWN : DNS_REPLACED;
	}
	unreachable();
}

static void look_at_dns(struct observation *o)
{
	const struct applied *a = o->facts.applied;

	o->facts.dns = DNS_NOT_SET;
	if (!a || !dns_is_configured(&a->plan.dns) || !o->c.state.link.index)
		return;
	o->facts.dns = dns_seen(o, &a->plan);
	if (o->c.journal.dns_failed && (o->facts.dns == DNS_REPLACED || o->facts.dns == DNS_NOT_KNOWN))
		o->facts.dns = DNS_FAILED;
}

/* ---- all ---- */

/* An interface that disappears meanwhile does not exist. */
static int inspect_interface(struct observation *o, struct host *host)
{
	int r = host_inspect(&o->c.state, &host->rtnetlink, o->c.file.name, &host->settings);

	if (r == -ENODEV)
		r = host_inspect(&o->c.state, &host->rtnetlink, o->c.file.name, &host->settings);
	return report_failure("inspect the host", r);
}

static int inspect(struct observation *o, struct host *host)
{
	int r = inspect_interface(o, host);

	if (r < 0)
		return r;
	judge_journal(o);
	read_device(o, host);
	look_at_binding(o, host);
	if (o->facts.file && o->c.state.link.index && o->facts.device_error == 0) {
		if (compare(o, host) < 0)
			return 0; /* it has reported why */
		o->facts.difference = &o->c.plan;
		o->facts.old_dns = &o->c.old_dns;
		return 0;
	}
	return inspect_alone(o, host);
}

int observe(struct observation *o, struct host *host, const char *argument)
{
	const char *netns;
	int r;

	*o = (struct observation){ .c = COMPARISON_OF(host), .statistics = text_heap() };
	if (!tunnel_file_name_of(o->c.file.name, argument)) {
		report_upstream("The config file must be a valid interface name, followed by .conf");
		return -EINVAL;
	}
	report_set_interface(o->c.file.name);
	o->facts.now_s = clock_now_ms() / 1000;
	o->facts.boot_s = clock_boot_ms() / 1000;
	o->facts.name = o->c.file.name;
	o->facts.state = &o->c.state;
	read_journal(o);
	read_pending(o);
	read_file(o, argument);
	netns = netns_of_tunnel(&o->c.file, &o->c.journal);
	if (netns[0] && netns_exists(netns) && netns_enter(host, netns) < 0)
		report_warning("cannot enter network namespace %s: the interface is not seen", netns);
	r = inspect(o, host);
	if (r == 0)
		look_at_dns(o);
	monitor_status_read(&o->monitor, o->c.file.name);
	o->has_monitor = monitor_is_running();
	return r;
}

void observation_free(struct observation *o)
{
	comparison_free(&o->c);
	text_heap_free(&o->statistics);
	string_list_free(&o->dns_servers);
	string_list_free(&o->warnings);
}

static bool has(const struct string_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->list[i], name) == 0)
			return true;
	return false;
}

static int add_name(struct string_list *out, const char *name)
{
	return has(out, name) || string_list_add(out, span_of(name)) ? 0 : -ENOMEM;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int observe_names(struct string_list *out, struct host *host)
{
	struct journal none;
	struct tunnels_in_use journals = { 0 };
	struct ipc_names names = { 0 };
	int r = report_failure("list the tunnels", ipc_list(&host->ipc, &names));

	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (names.list[i].backend == IPC_KERNEL || !daemon_is_elsewhere(names.list[i].name))
			r = add_name(out, names.list[i].name);
	/* A journal that cannot be read costs only what it would add. */
	if (r == 0 && journal_open_unlocked(&none, "") == 0 && journaled_tunnels(&none, &journals) == 0)
		for (size_t i = 0; r == 0 && i < journals.names.n; i++)
			r = add_name(out, journals.names.list[i]);
	if (out->n > 0)
		qsort(out->list, out->n, sizeof *out->list, compare_names);
	tunnels_in_use_free(&journals);
	ipc_names_free(&names);
	return r;
}
