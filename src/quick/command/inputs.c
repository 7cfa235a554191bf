/* Inputs that the commands read before they plan. */
#include "inputs.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "check.h"
#include "elsewhere.h"
#include "kill_switch.h"
#include "messages.h"
#include "ipc/resolve.h"
#include "quick/host/dns_file.h"
#include "quick/host/netns_place.h"
#include "quick/host/signals.h"
#include "quick/host/tunnel_file_load.h"
#include "quick/journal/journal.h"
#include "quick/journal/locks.h"
#include "quick/journal/monitor_status.h"
#include "quick/journal/other_tunnels.h"
#include "quick/plan/default_route.h"
#include "quick/plan/full_tunnel.h"
#include "quick/plan/up.h"
#include "report/diagnostics.h"
#include "report/report.h"

bool read_tunnel_file(struct tunnel_file *f, const char *argument, bool errors_only)
{
	struct diagnostics diagnostics;
	struct diag d = { .emit = errors_only ? diagnostics_collect_errors : diagnostics_collect,
			  .ctx = &diagnostics };
	int r;

	if (!tunnel_file_find(f, argument))
		return false;
	report_set_interface(f->name);
	diagnostics_init(&diagnostics);
	r = tunnel_file_load(f, &d);
	diagnostics_print(&diagnostics);
	if (r == 0 && !errors_only)
		report_check_warnings(f);
	if (r == -EACCES)
		report_error("cannot read %s: %s", f->path, strerror(EACCES));
	return r == 0;
}

int open_journal(struct journal *j, const char *name, const struct settings *set)
{
	int r = journal_open(j, name, settings_lock_timeout_s(set));

	if (r == -EINVAL) {
		report_warning("cannot read the journal: %s", strerror(EINVAL));
		return 0;
	}
	if (r == -EINTR)
		exit_status_stopped();
	else if (r != -ETIMEDOUT)
		report_failure("read the journal", r);
	return r;
}

/* ---- endpoints ---- */

static void report_retry(void *ctx, const char *host, const char *why, unsigned int wait_ms)
{
	(void)ctx;
	report_verbatim("%s: `%s'. Trying again in %u.%02u seconds...", why, host, wait_ms / 1000,
			wait_ms % 1000 / 10);
}

static void report_as_warning(void *ctx, const struct diag_message *m)
{
	struct diag_message warning = *m;

	if (warning.level == DIAG_ERROR)
		warning.level = DIAG_WARNING;
	report_diag(ctx, &warning);
}

static bool has_host_names(const struct wg_device *d)
{
	for (uint32_t i = 0; i < d->n_peers; i++)
		if (d->peers[i].flags & WG_PEER_HAS_HOST)
			return true;
	return false;
}

static void drop_unresolved_endpoints(const char *name, struct wg_device *d)
{
	size_t n = 0;

	for (uint32_t i = 0; i < d->n_peers; i++) {
		n += (d->peers[i].flags & WG_PEER_HAS_HOST) != 0;
		d->peers[i].flags &= ~(uint32_t)WG_PEER_HAS_HOST;
	}
	if (n > 0)
		report_warning("%zu %s cannot be resolved", n,
			       n == 1 ? "peer has no endpoint, because its host name" : "peers have no endpoint, because their host names");
	if (n > 0 && monitor_is_running())
		report_help("`wg-quick monitor' looks %s up again until it succeeds", n == 1 ? "it" : "them");
	else if (n > 0)
		report_help("wg-quick does not retry: run `wg-quick reload %s' later, or `wg-quick monitor'", name);
}

size_t endpoints_take(struct wg_device *d, const struct wg_device *from)
{
	struct peer_index x = { 0 };
	bool indexed = peer_index_build(&x, from);
	size_t n = 0;

	for (uint32_t i = 0; indexed && i < d->n_peers; i++) {
		struct wg_peer *peer = &d->peers[i];
		const struct wg_peer *other;
		if (!peer->host || (peer->flags & WG_PEER_HAS_ENDPOINT))
			continue;
		other = peer_index_find(&x, from, &peer->public_key);
		if (!other || !(other->flags & WG_PEER_HAS_ENDPOINT) || (other->host && strcmp(other->host, peer->host) != 0))
			continue;
		peer->endpoint = other->endpoint;
		peer->flags = (peer->flags & ~(uint32_t)WG_PEER_HAS_HOST) | WG_PEER_HAS_ENDPOINT;
		n++;
	}
	peer_index_free(&x);
	return n;
}

int resolve_endpoints(struct tunnel_file *f, const struct host_state *s, enum resolve_mode mode)
{
	struct resolve_options o = { .file = f->path, .waiting = report_retry, .partial = true, .lists = true,
				     .family = binding_family(&f->interface.bind.to), .stop = &stop_signal };
	struct diag d = { .emit = report_as_warning };
	struct conf_origin_diag translated;
	int r;

	conf_origin_diag_init(&translated, f->origins, &d);
	if (!has_host_names(&f->device))
		return 0;
	if (!resolve_retries(&o.retries)) {
		const char *value = getenv("WG_ENDPOINT_RESOLUTION_RETRIES");
		report_upstream("Unable to parse WG_ENDPOINT_RESOLUTION_RETRIES: `%s'", value ? value : "");
		return -EINVAL;
	}
	if (mode == RESOLVE_ONCE)
		o.retries = 0;
	netns_outside_begin();
	r = resolve_device(&f->device, &o, &translated.d);
	netns_outside_end();
	if (r == -EINTR) {
		exit_status_stopped();
		return r;
	}
	if (report_failure("resolve endpoints", r < 0 ? r : 0) < 0)
		return r;
	if (mode == RESOLVE_FOR_UP && full_tunnel_is_unreachable(f, s)) {
		report_error("no endpoint of a peer with a default route can be resolved: all traffic would be lost");
		report_help("check the name servers of the host, or use an IP address as Endpoint");
		return -EHOSTUNREACH;
	}
	drop_unresolved_endpoints(f->name, &f->device);
	return 0;
}

/* ---- the host ---- */

static const char inspect[] = "inspect the host";

void set_netns(struct tunnel_file *f, const char *netns)
{
	struct text t;

	if (!netns)
		return;
	t = text_fixed(f->interface.netns, sizeof f->interface.netns);
	text_add(&t, netns);
	f->interface.netns_is_option = true;
}

int check_netns(const struct tunnel_file *f)
{
	if (!f->interface.netns[0] || f->interface.kill_switch == KILL_SWITCH_OFF)
		return 0;
	report_error("KillSwitch and a network namespace cannot be combined: traffic of the namespace leaves through the tunnel only, and "
		     "that outside would be blocked");
	report_help("remove KillSwitch or Netns");
	return -EINVAL;
}

const char *netns_of_tunnel(struct tunnel_file *f, const struct journal *j)
{
	const struct plan *p = &j->applied.plan;

	if (j->exists && p->netns_is_option)
		set_netns(f, p->netns);
	return j->exists ? p->netns : f->interface.netns;
}

int enter_netns(struct host *host, const char *netns)
{
	int r = netns[0] ? netns_enter(host, netns) : 0;

	if (r < 0)
		report_error("cannot enter network namespace %s: %s", netns, strerror(-r));
	if (r == -EPERM || r == -EACCES)
		report_help("wg-quick needs root privileges for Netns");
	return r;
}

/* Its index, or 0. */
static uint32_t link_named(const struct host_state *s, const char *name)
{
	for (size_t i = 0; name[0] && i < s->links.n; i++)
		if (strcmp(s->links.list[i].name, name) == 0)
			return s->links.list[i].index;
	return 0;
}

/* The paths to the endpoints are those outside. */
static int inspect_mtu(struct host_state *s, struct host *host, const struct tunnel_file *f)
{
	struct host_state outside = { 0 };
	int r;

	s->bound_device = link_named(s, f->interface.bind.to.device);
	if (!netns_is_inside())
		return host_inspect_mtu(s, &host->rtnetlink, &f->device, endpoint_lookup_mark(f, s));
	netns_outside_begin();
	r = host_inspect(&outside, &host->outer, "", &host->settings);
	outside.bound_device = link_named(&outside, f->interface.bind.to.device);
	if (r == 0)
		r = host_inspect_mtu(&outside, &host->outer, &f->device, f->device.fwmark);
	netns_outside_end();
	s->path_mtu = outside.path_mtu;
	host_state_free(&outside);
	return r;
}

int inspect_host(struct host_state *s, struct host *host, const char *name)
{
	return report_failure(inspect, host_inspect(s, &host->rtnetlink, name, &host->settings));
}

void check_journal(struct journal *j, const struct host_state *s)
{
	if (!j->exists || journal_is_of(j, s->link.index))
		return;
	report_warning("the interface is not the one that `up' created: the journal of that one is ignored");
	journal_disregard(j);
}

static void inspect_sysctl(struct host_state *s, const struct journal *j)
{
	if (other_tunnel_needs_sysctl(j, &s->src_valid_mark_before) <= 0)
		s->src_valid_mark_before = -1;
}

int inspect_shared(struct host_state *s, struct host *host, const struct journal *j)
{
	int r = report_failure(inspect, host_inspect_shared(s, &host->rtnetlink));

	inspect_sysctl(s, j);
	return r;
}

int inspect_dns(struct host_state *s, struct host *host, const char *name)
{
	char path[PATH_MAX];
	struct dns_file file = { .journal = path, .is_elsewhere = tunnel_is_elsewhere, .ctx = host };

	journal_path_of(name, path, sizeof path);
	return report_failure(inspect, host_inspect_dns(s, &file, &host->settings));
}

static void inspect_firewall(struct host_state *s, struct host *host, const struct tunnel_file *f, const struct journal *j)
{
	const bool families[2] = { default_route_mode(f, s, IP_V4) == DEFAULT_TUNNEL,
				   default_route_mode(f, s, IP_V6) == DEFAULT_TUNNEL };

	host_inspect_firewall(s, f->name, &host->settings);
	host_inspect_firewall_rules(s, f->name, families);
	for (int v6 = 0; v6 < 2 && s->firewall == FIREWALL_IPTABLES; v6++)
		s->missing_chains[v6] |= other_tunnels_new_chains(j, v6 ? IP_V6 : IP_V4);
}

struct table_users {
	const struct journal *journal;
	struct rtnetlink *rtnetlink;
};

/* Rules of the host tell what a journal that cannot be read does not. */
static bool rule_uses_table(struct rtnetlink *rt, uint32_t table)
{
	struct rules rules = { 0 };
	bool uses = rtnetlink_rules(rt, IP_V4, &rules) < 0 || rtnetlink_rules(rt, IP_V6, &rules) < 0;

	for (size_t i = 0; i < rules.n; i++)
		uses |= rules.list[i].table == table;
	free(rules.list);
	return uses;
}

static bool table_is_taken(const void *ctx, uint32_t table)
{
	const struct table_users *users = ctx;
	int r = other_tunnel_uses_table(users->journal, table);

	return r > 0 || (r < 0 && rule_uses_table(users->rtnetlink, table));
}

int inspect_table(struct host_state *s, struct host *host, const struct journal *j)
{
	const struct table_users users = { .journal = j, .rtnetlink = &host->rtnetlink };

	return report_failure(inspect, host_inspect_table(s, &host->rtnetlink, table_is_taken, &users));
}

int inspect_for_plan(struct host_state *s, struct host *host, const struct tunnel_file *f,
		     const struct journal *j)
{
	int r = 0;

	if (!netns_is_inside())
		dns_file_set_netns(f->interface.netns);
	if (dns_is_configured(&f->interface.dns) || dns_is_configured(&j->applied.plan.dns))
		r = inspect_dns(s, host, f->name);
	if (!netns_is_inside())
		dns_file_set_netns("");
	if (r < 0)
		return r;

	if (!f->interface.mtu)
		r = inspect_mtu(s, host, f);
	if (r == 0 && default_routes_are_desired(f, s))
		inspect_firewall(s, host, f, j);
	if (r == 0 && default_routes_need_table(f, s))
		r = inspect_table(s, host, j);
	if (r == 0)
		r = inspect_kill_switch(s, host, f, j);
	inspect_sysctl(s, j);
	if (r == 0 && default_route_blocks_endpoints(f, s)) {
		report_error("cannot protect IPv6 traffic: the kernel has no IPv6 policy rules, and an endpoint is an IPv6 address");
		report_help("use an IPv4 endpoint, or remove ::/0 from the allowed IPs to let IPv6 traffic bypass the tunnel");
		return -EOPNOTSUPP;
	}
	return report_failure(inspect, r);
}

int lock_shared(int *lock, const struct journal *j)
{
	*lock = j->unavailable ? -1 : shared_lock_acquire(j->lock_timeout_s);
	if (*lock == -EINTR)
		exit_status_stopped();
	return *lock == -EINTR || *lock == -ETIMEDOUT ? *lock : 0;
}

int inspect_for_diff(struct host_state *s, struct host *host, const struct tunnel_file *f,
		     const struct applied *applied)
{
	uint32_t table = tunnel_file_table(f);
	uint32_t before = applied && applied->has_table ? applied->table : table;

	return report_failure(inspect, host_inspect_routes(s, &host->rtnetlink, table, before));
}
