/* `down`: undoes what the journal records or, without a journal, what is found on the host. Continues after
 * failures. */
#include <errno.h>

#include "apply.h"
#include "messages.h"
#include "inputs.h"
#include "keys.h"
#include "elsewhere.h"
#include "kill_switch.h"
#include "quick/host/daemon.h"
#include "quick/host/dns_file.h"
#include "quick/host/file_update.h"
#include "quick/host/fileio.h"
#include "quick/host/firewall.h"
#include "quick/host/hook_writers.h"
#include "quick/host/netns_place.h"
#include "quick/host/tunnel_file_load.h"
#include "quick/journal/locks.h"
#include "quick/journal/pending.h"
#include "quick/plan/inverse.h"
#include "quick/plan/unjournaled.h"
#include "report/diagnostics.h"
#include "report/report.h"
#include "save.h"
#include "stale.h"
#include "undo.h"

struct down {
	struct host *host;
	struct command_trace *trace;
	struct tunnel_file file;
	struct host_state state;
	struct journal journal;
	struct apply apply;
	bool keeps_kill_switch;
	bool is_gone; /* with its network namespace */
};

/* ---- the tunnel file ---- */

static int load_again(struct tunnel_file *f)
{
	struct diagnostics diagnostics;
	struct diag d = { .emit = diagnostics_collect_errors, .ctx = &diagnostics };
	int r;

	diagnostics_init(&diagnostics);
	r = tunnel_file_load_again(f, &d);
	diagnostics_print(&diagnostics);
	return r;
}

/* Peers are needed only to be saved; messages, then and when the file is wrong. */
static int load(struct tunnel_file *f)
{
	struct diag silent = { 0 };
	int r;

	file_update_clean(f->path);
	f->lines_only = true;
	r = tunnel_file_load(f, &silent);
	if (r == -EINTR)
		return r; /* stopped while it waited for the writer of a pipe */
	return r == 0 && !f->interface.save_config ? 0 : load_again(f);
}

/* A tunnel without a journal needs its file. False after reporting. */
static bool read_required_file(struct tunnel_file *f, const char *argument)
{
	int r = tunnel_file_find(f, argument) ? load(f) : -ENOENT;

	if (r == -EACCES)
		report_error("cannot read %s: %s", f->path, strerror(EACCES));
	return r == 0;
}

/* A tunnel with a journal can be removed without its file. */
static void read_optional_file(struct tunnel_file *f, const char *argument, const struct journal *j)
{
	f->regular_only = true;
	if (tunnel_file_find(f, argument) && load(f) == 0)
		return;
	report_warning("cannot read the tunnel file; using the journal of the last `up'");
	tunnel_file_free(f);
	memcpy(f->name, j->name, sizeof f->name);
	f->path = j->applied.config ? span_dup(span_of(j->applied.config)) : NULL;
}

/* ---- hooks ---- */

/* The hooks are those of the file that `up` read or, without a journal, those of the present file. */
static void choose_hooks(struct journal *j, struct tunnel_file *f, struct apply *a, const struct settings *set)
{
	static const enum hook_phase phases[] = { HOOK_PRE_DOWN, HOOK_POST_DOWN };
	bool from_file = !j->exists && (a->no_hooks || hooks_are_safe(f, set, true));

	if (!j->exists && !from_file)
		a->failures++; /* the tunnel is removed nevertheless */
	for (size_t i = 0; i < ARRAY_LEN(phases); i++) {
		struct string_list *hooks = &j->applied.hooks[phases[i]];
		if (j->exists ? !journal_hooks_are_due(j, phases[i]) : from_file)
			string_list_free(hooks);
		if (from_file) {
			*hooks = f->interface.hooks[phases[i]];
			f->interface.hooks[phases[i]] = (struct string_list){ 0 };
		}
	}
}

/* A PreDown hook may have edited or removed the file. False after reporting. */
static bool save(struct down *d)
{
	bool hooks_ran = d->journal.applied.hooks[HOOK_PRE_DOWN].n > 0 && !d->apply.no_hooks;

	if (hooks_ran && !fileio_exists(d->file.path)) {
		report_warning("%s no longer exists: the state is not saved", d->file.path);
		return true;
	}
	if (hooks_ran && load_again(&d->file) < 0)
		return false;
	return !d->file.interface.save_config ||
	       save_tunnel(&d->file, &d->state, &d->journal, d->host, d->trace) == 0;
}

/* ---- without a journal ---- */

static int plan_undo_unjournaled(struct plan *undo, struct host_state *s, struct host *host, const char *name, const char *netns)
{
	struct plan found = { 0 };
	int r = host_inspect_device(s, &host->ipc, name);

	if (r < 0)
		report_warning("cannot read the configuration: %s", strerror(-r));
	r = host_inspect_routes(s, &host->rtnetlink, 0, 0);
	if (r < 0)
		report_warning("cannot inspect the routes: %s", strerror(-r));
	if (netns[0])
		memcpy(found.netns, netns, sizeof found.netns);
	r = netns[0] && !plan_add(&found, STEP_NETNS) ? -ENOMEM : plan_unjournaled(&found, s, name);
	if (r == 0)
		r = plan_undo(undo, &found, true);
	plan_free(&found);
	return r;
}

/* Name servers that were set with resolvconf or in resolv.conf outlive the interface. */
static void undo_dns_unjournaled(struct down *d)
{
	struct plan dns = { 0 };

	if (d->journal.applied.plan.netns[0])
		dns_file_set_netns(d->journal.applied.plan.netns);
	if (plan_unjournaled_dns(&dns, &d->state, d->file.name, &d->file.interface.dns) == 0)
		apply_undo(&d->apply, &dns);
	dns_file_set_netns("");
	plan_free(&dns);
}

/* ---- */

/* Those that the journal does not have as well: another program may have restored a set of rules that had them. */
static void remove_firewall_rules(struct down *d)
{
	char why[256];
	int r = firewall_remove_all(d->file.name, &d->trace->t, why);

	command_trace_flush(d->trace);
	if (r < 0) {
		report_error("cannot remove the firewall rules: %s", why);
		d->apply.failures++;
	}
}

static bool has_leftovers(const struct journal *j)
{
	return j->exists || firewall_exists(j->name);
}

/* True when there is something of this name that wg-quick may remove. */
static bool may_take_down(struct down *d)
{
	const struct journal *j = &d->journal;
	uint32_t index = d->state.link.index;
	bool is_wireguard = host_is_wireguard(&d->host->ipc, d->file.name);

	/* Another program deleted our interface and created another one of the same name. */
	if (j->exists && j->ifindex && index && j->ifindex != index)
		undo_leftovers(&d->apply, &d->state, false);
	return index ? is_wireguard || j->exists : has_leftovers(j);
}

/* ---- interfaces that were moved ---- */

/* The interface that `up` created is not in this network namespace, under any name. It was moved, or deleted. */
static bool was_moved(const struct down *d)
{
	struct link_info link;

	return d->journal.ifindex &&
	       rtnetlink_link_find(&d->host->rtnetlink, d->file.name, d->journal.ifindex, &link) == -ENODEV;
}

/* It is recognised by its key, because others may have an interface of the same name. Where namespaces cannot be entered,
 * only hooks give reason to believe that it was moved. */
static void take_down_moved(struct down *d)
{
	const bool *began = d->journal.began;
	int r;

	read_keys_if_possible(&d->file);
	r = tunnel_delete_elsewhere(&d->host->ipc, &d->file, &d->trace->t);

	command_trace_flush(d->trace);
	if (r >= 0 || (r == -EPERM && !began[HOOK_PRE_UP] && !began[HOOK_POST_UP]))
		return;
	d->apply.failures++;
	if (r == -ENOKEY)
		report_error("the interface was moved to another network namespace, and cannot be recognised there without "
			     "PrivateKey in the tunnel file");
	else if (r == -ENETDOWN)
		report_error("an interface with the key of the tunnel is down in another network namespace, and it is "
			     "unknown whether it was moved there");
	else
		report_error("cannot delete the interface in another network namespace: %s", strerror(-r));
	report_help("delete it where it is: ip -n NAMESPACE link delete dev %s", d->file.name);
}

/* False after reporting that nothing was done. */
static bool take_down(struct down *d)
{
	const struct string_list *hooks = d->journal.applied.hooks;
	struct plan undo = { 0 }, off = { 0 };
	bool journaled = d->journal.exists, moved = journaled && was_moved(d), left, kept;
	struct string_list post_down;
	int lock, r;

	journal_note_ending(&d->journal);
	choose_hooks(&d->journal, &d->file, &d->apply, &d->host->settings);
	apply_hooks(&d->apply, &hooks[HOOK_PRE_DOWN], NULL, HOOK_PRE_DOWN);
	if (d->file.interface.save_config && d->state.link.index && !save(d))
		d->apply.failures++;
	r = journaled ? plan_undo_journal(&undo, &d->journal, &d->state)
		      : plan_undo_unjournaled(&undo, &d->state, d->host, d->file.name, d->journal.applied.plan.netns);
	if (report_failure("plan the steps", r) < 0 || kill_switch_defer(&off, &undo) < 0) {
		plan_free(&undo);
		plan_free(&off);
		return false;
	}
	apply_undo(&d->apply, &undo);
	post_down = hooks[HOOK_POST_DOWN];
	d->journal.applied.hooks[HOOK_POST_DOWN] = (struct string_list){ 0 };
	left = journaled && journal_keep_failed(&d->journal, &undo);
	plan_free(&undo);
	remove_firewall_rules(d);
	if (!journaled)
		undo_dns_unjournaled(d);
	else if (moved)
		take_down_moved(d);
	apply_hooks(&d->apply, &post_down, NULL, HOOK_POST_DOWN);
	string_list_free(&post_down);
	left |= journal_keep_hooks(&d->journal, d->apply.not_started) && journaled;
	lock = kill_switch_lock(&off, &d->journal);
	if (d->keeps_kill_switch && !left && off.n > 0 && !journal_is_up_again(&d->journal)) {
		(void)!kill_switch_finish(&d->apply, &off, true);
		kept = journal_write(&d->journal) == 0;
	} else {
		if (!journal_is_up_again(&d->journal))
			left |= !kill_switch_finish(&d->apply, &off, left);
		kept = journal_finish(&d->journal, left);
	}
	plan_free(&off);
	d->apply.failures += !kept;
	shared_lock_release(lock);
	return true;
}

/* The last `down` could not restore resolv.conf, or there was a reboot: that is all there is to do. */
static bool only_dns_was_left(const struct down *d, int dns)
{
	return dns == 1 && !d->state.link.index && !has_leftovers(&d->journal);
}

/* Of this tunnel, if its journal is lost or its mark was changed, and of others. */
static void remove_stale(struct down *d, bool journaled)
{
	if (!d->state.link.index)
		daemon_remove_dead_sockets(&d->host->ipc);
	if (!journaled)
		kill_switch_remove_unjournaled(&d->apply);
	if (remove_stale_rules(&d->apply, &d->state, d->file.device.fwmark) < 0)
		d->apply.failures++;
	remove_stale_firewall(&d->apply);
}

/* If the namespace is gone, so is the interface. False after reporting. */
static bool enter(struct down *d)
{
	struct plan *p = &d->journal.applied.plan;
	const char *netns = netns_of_tunnel(&d->file, &d->journal);

	if (!netns[0])
		return true;
	if (!d->journal.exists)
		memcpy(p->netns, netns, sizeof p->netns); /* for hooks */
	if (netns_exists(netns))
		return enter_netns(d->host, netns) == 0;
	dns_file_set_netns(netns);
	plan_drop_kind(p, STEP_LINK);
	d->journal.ifindex = 0;
	d->is_gone = true;
	return true;
}

static int remove_tunnel(struct down *d, const struct command_options *o, const char *name)
{
	int dns = undo_stale_dns(name, d->host, d->trace);
	bool failed, journaled = d->journal.exists;

	if (d->journal.exists)
		read_optional_file(&d->file, o->argument, &d->journal);
	else if (!read_required_file(&d->file, o->argument))
		return 1;
	if (!enter(d) || inspect_host(&d->state, d->host, name) < 0 ||
	    (!d->journal.exists && inspect_dns(&d->state, d->host, name) < 0))
		return 1;
	if (d->is_gone)
		d->state.link = (struct link_info){ 0 };
	apply_init(&d->apply, o, d->host, d->trace, &d->journal, d->file.path);
	d->apply.performer.ifindex = d->state.link.index ? d->state.link.index : d->journal.ifindex;
	d->apply.performer.may_be_outside = d->journal.exists && !d->journal.complete;
	if (only_dns_was_left(d, dns)) {
		remove_stale(d, journaled);
		return apply_status(&d->apply);
	}
	if (!may_take_down(d)) {
		remove_stale(d, journaled);
		report_upstream("`%s' is not a WireGuard interface", name);
		return 1;
	}
	failed = !take_down(d) || dns < 0;
	remove_stale(d, journaled);
	return failed ? apply_error_status(&d->apply) : apply_status(&d->apply);
}

static int run(struct down *d, const struct command_options *o)
{
	char name[WG_NAME_MAX];
	int status;

	if (!tunnel_file_name_of(name, o->argument))
		return !tunnel_file_find(&d->file, o->argument); /* it reports why */
	report_set_interface(name);
	if (open_journal(&d->journal, name, &d->host->settings) < 0)
		return 1;
	status = remove_tunnel(d, o, name);
	if (status == 0)
		pending_remove(name); /* nothing is left to be rolled back */
	return status;
}

int command_down(const struct command_options *o, struct host *host, struct command_trace *trace)
{
	struct down d = { .host = host, .keeps_kill_switch = o->keeps_kill_switch, .journal = JOURNAL_CLOSED, .trace = trace };
	int status = run(&d, o);

	command_trace_flush(trace);
	netns_leave(host);
	host_state_free(&d.state);
	tunnel_file_free(&d.file);
	journal_close(&d.journal);
	return status;
}
