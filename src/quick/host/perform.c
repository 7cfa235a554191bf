/* Performs the steps that are not netlink messages. */
#include "perform.h"

#include <errno.h>

#include "binding.h"
#include "link_create.h"
#include "daemon.h"
#include "dns.h"
#include "fault_injection.h"
#include "firewall.h"
#include "hooks.h"
#include "inspect.h"
#include "kill_switch_rules.h"
#include "netns_place.h"
#include "settings_file.h"
#include "quick/plan/print.h"
#include "report/report.h"
#include "sysctl.h"

/* A failure leaves the interface outside, where it is down. */
static int move_inside(struct performer *pf, const struct plan *p, uint32_t index)
{
	struct link_info link;
	char why[128];
	int r;

	netns_print_move(&pf->trace->t, p);
	command_trace_flush(pf->trace);
	netns_outside_begin();
	r = rtnetlink_send(netns_outer(pf->host), rtnetlink_build_link_move(index, netns_inside_fd()), why);
	netns_outside_end();
	if (r < 0) {
		report_error("cannot move the interface to network namespace %s: %s", p->netns, why);
		return r;
	}
	r = rtnetlink_link_find(&pf->host->rtnetlink, p->name, 0, &link);
	if (r < 0)
		report_error("cannot find the interface in network namespace %s: %s", p->netns, strerror(-r));
	else
		pf->ifindex = link.index;
	return r;
}

/* Outside, where its packets are sent. */
static int create(struct performer *pf, const struct plan *p, struct step *s)
{
	struct created_link link;
	int r;

	pf->may_be_outside = p->netns[0];
	netns_outside_begin();
	r = link_create(&link, netns_outer(pf->host), p->name, &pf->host->settings, pf->trace);
	netns_outside_end();
	s->done = link.created;
	pf->ifindex = link.index;
	if (r == 0 && p->netns[0]) {
		r = move_inside(pf, p, link.index);
		pf->may_be_outside = r < 0;
	}
	return r;
}

/* One that was not moved, because `up` failed or was killed, is outside. One inside that was, and whose index is not known, has
 * the name and is a WireGuard interface. */
static int find(struct performer *pf, const struct plan *p, struct link_info *link, struct rtnetlink **rt)
{
	bool maybe = netns_is_inside() && pf->may_be_outside;
	int r = -ENODEV;

	*rt = netns_outer(pf->host);
	if (maybe) {
		netns_outside_begin();
		r = rtnetlink_link_find(*rt, p->name, 0, link);
		netns_outside_end();
	}
	if (r != -ENODEV)
		return r;
	*rt = &pf->host->rtnetlink;
	if (maybe && !host_is_wireguard(&pf->host->ipc, p->name))
		return -ENODEV;
	return rtnetlink_link_find(*rt, p->name, maybe ? 0 : pf->ifindex, link);
}

static int delete(struct performer *pf, const struct plan *p, struct step *s)
{
	struct rtnetlink *rt;
	struct link_info link;
	char why[128];
	bool outside;
	int r;

	ipc_drop_last_request(&pf->host->ipc, p->name);
	r = find(pf, p, &link, &rt);
	if (r == -ENODEV)
		return 0;
	if (r < 0) {
		report_error("netlink: %s", strerror(-r));
		return r;
	}
	if (strcmp(link.name, p->name) == 0 && rt == &pf->host->rtnetlink)
		step_print(&pf->trace->t, p, s, false);
	else /* renamed, or outside */
		text_f(&pf->trace->t, "[#] ip link delete dev %s\n", link.name);
	command_trace_flush(pf->trace);
	outside = rt != &pf->host->rtnetlink;
	if (outside)
		netns_outside_begin();
	r = rtnetlink_send(rt, rtnetlink_build_link_delete(link.index), why);
	if (outside)
		netns_outside_end();
	if (r < 0 && r != -ENODEV) {
		report_error("cannot delete the interface: %s", why);
		return r;
	}
	daemon_wait_exit(link.name);
	return 0;
}

static int perform_netns(struct performer *pf, const struct plan *p, struct step *s)
{
	int r;

	s->done = true;
	if (s->remove) {
		netns_leave(pf->host);
		r = netns_release(p->netns, pf->trace);
		if (r < 0)
			report_error("cannot delete network namespace %s: %s", p->netns, strerror(-r));
		return r;
	}
	r = 0;
	if (!netns_exists(p->netns)) {
		step_print(&pf->trace->t, p, s, false);
		command_trace_flush(pf->trace);
		r = netns_create(p->netns);
		if (r < 0)
			report_error("cannot create network namespace %s: %s", p->netns, strerror(-r));
	}
	if (r == 0) {
		r = netns_enter(pf->host, p->netns);
		if (r < 0)
			report_error("cannot enter network namespace %s: %s", p->netns, strerror(-r));
	}
	if (r == -EPERM || r == -EACCES)
		report_help("wg-quick needs root privileges for Netns");
	return r;
}

/* link_create() traces what it does, which depends on the kernel; deleting traces only what exists. */
static int perform_link(struct performer *pf, const struct plan *p, struct step *s)
{
	return s->remove ? delete(pf, p, s) : create(pf, p, s);
}

static int perform_hook(struct performer *pf, const struct plan *p, struct step *s)
{
	struct step_hook *hook = &s->hook;
	const char *phase = hook_phase_names[hook->phase], *where = hook->line ? "on line" : "command";
	const char *of = hook->file ? " of " : "", *file = hook->file ? hook->file : "";
	unsigned int number = hook->line ? hook->line : hook->number;
	int status = hook_run(hook->text, p->name, p->netns, pf->config);

	if (status > 0)
		report_error("%s %s %u%s%s failed with status %d: %s", phase, where, number, of, file, status, hook->text);
	else if (status < 0)
		report_error("cannot run %s %s %u%s%s: %s", phase, where, number, of, file, strerror(-status));
	hook->not_started = status < 0;
	return status > 0 ? -EIO : status;
}

static int perform_wg(struct performer *pf, struct step *s)
{
	int r;

	s->done = true;
	r = fault_injected("wg") ? -EIO : ipc_set(&pf->host->ipc, s->wg.patch);
	if (r < 0)
		report_upstream("Unable to modify interface: %s", strerror(-r));
	if (r < 0 && ipc_extack(&pf->host->ipc))
		report_kernel(ipc_extack(&pf->host->ipc));
	if (r == -EADDRINUSE && (s->wg.patch->flags & WG_DEVICE_HAS_LISTEN_PORT) && s->wg.patch->listen_port != 0)
		report_help("choose another port, or stop the program that uses UDP port %u", s->wg.patch->listen_port);
	return r;
}

/* As in many containers. */
static bool cannot_be_written(int error)
{
	return error == -EROFS || error == -EACCES || error == -EPERM || error == -ENOENT;
}

static bool is_other_value(const char *path, int wanted)
{
	int now = sysctl_read(path);

	return now >= 0 && now != wanted;
}

static int perform_sysctl(struct step *s)
{
	const char *path = sysctl_src_valid_mark;
	int r;

	s->done = true;
	r = sysctl_write(path, s->remove ? s->sysctl.before : s->sysctl.value);
	if (r == 0)
		return 0;
	if (cannot_be_written(r) && !(s->remove && is_other_value(path, s->sysctl.before))) {
		s->done = false;
		if (!s->remove) {
			report_warning("cannot write %s: %s", path, strerror(-r));
			report_help("set it to 1 on the host, or replies are dropped where rp_filter is strict");
		}
		return 0;
	}
	report_error("cannot write %s: %s", path, strerror(-r));
	return r;
}

static int perform_firewall(struct performer *pf, const struct plan *p, struct step *s)
{
	char why[256];
	int r;

	s->done = true;
	r = firewall_perform(p, s, &pf->trace->t, why);
	command_trace_flush(pf->trace);
	if (r == -EOPNOTSUPP && !s->remove) {
		s->done = false;
		report_warning("cannot set the firewall rules (%s): hosts on the local network can send packets to the "
			       "tunnel's addresses", why);
		return 0;
	}
	if (r < 0)
		report_error("cannot %s the firewall rules: %s", s->remove ? "remove" : "set", why);
	if (r < 0 && !s->remove)
		report_help("set [firewall] backend = none in %s to do without them", SETTINGS_PATH);
	return r;
}

/* Without its name servers a full tunnel sends names to those of the network that it is to be protected from. */
static int perform_dns(struct performer *pf, const struct plan *p, struct step *s)
{
	struct dns_file file = { .journal = pf->journal, .ifindex = pf->ifindex, .trace = pf->trace,
				 .is_elsewhere = pf->is_elsewhere, .ctx = pf->host };
	char reason[512];
	struct text why = text_fixed(reason, sizeof reason);
	int r = dns_apply(p, s, &file, &pf->host->settings, &why);

	s->done = true;
	pf->dns_failed = r < 0 && !s->remove;
	command_trace_flush(pf->trace);
	if (r == 0)
		return 0;
	if (s->remove && pf->sets_dns_again && p->dns_backend == DNS_RESOLVCONF) {
		report_warning("cannot remove the name servers of the last `up': %s", reason);
		return 0;
	}
	if (s->remove) {
		report_error("cannot restore the name servers: %s", reason);
		return r;
	}
	if (p->dns_required)
		report_error("cannot set the name servers: %s", reason);
	else
		report_warning("cannot set the name servers: %s", reason);
	if (p->dns_backend == DNS_RESOLVED && r == -EBUSY)
		report_help("systemd-networkd manages %s: write `[Match] Name=%s' and `[Link] Unmanaged=yes' to "
			    "/etc/systemd/network/10-%s.network, and run `networkctl reload'", p->name, p->name, p->name);
	else
		report_help("set [dns] backend in " SETTINGS_PATH
			    "; with `none', the name servers of the host stay in use");
	return p->dns_required ? r : 0;
}

static int perform_kill_switch(const struct plan *p, struct step *s)
{
	char why[256] = "";
	int r;

	s->done = true;
	r = kill_switch_perform(p, s, why);
	if (r == -EOPNOTSUPP)
		s->done = false;
	if (r < 0)
		report_error("cannot turn the kill switch %s: %s", s->remove ? "off" : "on", why);
	if (r == -EOPNOTSUPP)
		report_help("install nftables, and remove [firewall] backend = none from " SETTINGS_PATH);
	return r;
}

/* The functions that create the link and write the file trace their steps. */
int perform_step(struct performer *pf, const struct plan *p, struct step *s)
{
	if (s->kind != STEP_LINK && s->kind != STEP_NETNS && !(s->kind == STEP_DNS && p->dns_backend == DNS_FILE))
		step_print(&pf->trace->t, p, s, false);
	command_trace_flush(pf->trace);
	switch (s->kind) {
	case STEP_LINK: return perform_link(pf, p, s);
	case STEP_HOOK: return perform_hook(pf, p, s);
	case STEP_WG: return perform_wg(pf, s);
	case STEP_SYSCTL: return perform_sysctl(s);
	case STEP_FIREWALL: return perform_firewall(pf, p, s);
	case STEP_DNS: return perform_dns(pf, p, s);
	case STEP_KILL_SWITCH: return perform_kill_switch(p, s);
	case STEP_BIND: return perform_bind(&pf->host->ipc, p, s);
	case STEP_NETNS: return perform_netns(pf, p, s);
	}
	unreachable();
}
