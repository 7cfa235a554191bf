/* `up`: read, inspect, plan, journal, apply; undo after a failure. */
#include <assert.h>
#include <errno.h>

#include "apply.h"
#include "binding.h"
#include "messages.h"
#include "inputs.h"
#include "keys.h"
#include "kill_switch.h"
#include "quick/host/daemon.h"
#include "quick/host/dns_file.h"
#include "quick/host/hook_writers.h"
#include "quick/host/netns_place.h"
#include "quick/host/tunnel_file_load.h"
#include "quick/journal/locks.h"
#include "quick/plan/default_route.h"
#include "quick/plan/inverse.h"
#include "quick/plan/mtu.h"
#include "quick/plan/print.h"
#include "quick/plan/up.h"
#include "report/report.h"
#include "stale.h"
#include "unconfirmed.h"
#include "undo.h"
#include "up_result.h"
#include "warn_captured.h"

struct up {
	struct host *host;
	struct tunnel_file file;   /* desired */
	struct host_state state;   /* actual */
	struct journal journal;
	struct plan_options options;
	struct plan plan;
	struct apply apply;
	struct pending before; /* with --confirm */
	const struct wg_device *looked_up; /* of restart, or null */
	bool kill_switch_was_on; /* after an `up` that was killed or failed */
};

static const char plan_steps[] = "plan the steps";

/* Each of the following functions returns 0, or -errno after reporting. */

static int write_journal(struct journal *j, const struct tunnel_file *f, const struct plan *p)
{
	int r = report_failure("write the journal", applied_set(&j->applied, f, p));

	return r < 0 ? r : journal_write(j);
}

/* Before host names are resolved: the journal contains the endpoints as written. */
static int note_endpoints(struct up *u)
{
	int r = report_failure(plan_steps, endpoint_texts(&u->journal.applied.endpoints, &u->file));

	if (r == 0 && u->looked_up)
		(void)endpoints_take(&u->file.device, u->looked_up);
	return r;
}

static int plan_link_and_pre_up(struct up *u)
{
	return report_failure(plan_steps, plan_interface(&u->plan, &u->file, &u->options));
}

static bool wants_kill_switch(const struct up *u)
{
	return u->file.interface.kill_switch != KILL_SWITCH_OFF;
}

/* The facts that the first step needs. */
static int inspect_first(struct up *u)
{
	int r = inspect_kill_switch(&u->state, u->host, &u->file, &u->journal);

	return r < 0 || !default_routes_need_table(&u->file, &u->state) ? r : inspect_table(&u->state, u->host, &u->journal);
}

/* Only the kill switch is applied. The host names are resolved before, because the look-up would be rejected. */
static int turn_on_kill_switch(struct up *u)
{
	struct plan *p = &u->plan;
	size_t n = 0;
	int lock, r = resolve_endpoints(&u->file, &u->state, RESOLVE_FOR_UP);

	if (r < 0 && u->kill_switch_was_on)
		report_help("the kill switch that an earlier `up' left on rejects look-ups: `wg-quick down %s' turns it off",
			    u->file.name);
	if (r < 0)
		return r;
	r = lock_shared(&lock, &u->journal);
	if (r < 0)
		return r;
	r = inspect_first(u);
	if (r == 0)
		r = report_failure(plan_steps, plan_kill_switch(p, &u->file, &u->state));
	if (r == 0)
		r = plan_link_and_pre_up(u);
	if (r == 0)
		r = write_journal(&u->journal, &u->file, p);
	if (r == 0) {
		n = p->n;
		p->n = 1;
		r = apply_plan(&u->apply, p, 0, false);
		p->n = n;
	}
	shared_lock_release(lock);
	return r;
}

/* Changes by PreUp hooks are part of the actual state: they may set keys, a mark, addresses. */
static int inspect_after_hooks(struct host_state *s, struct host *host, const char *name)
{
	int r = inspect_host(s, host, name);

	s->ipv6_of_hooks = addresses_have_ipv6(&s->addresses);
	return r < 0 ? r : report_failure("read the configuration", host_inspect_device(s, &host->ipc, name));
}

/* Journaling the table before releasing the lock reserves it. The sysctl is journaled later, so that a concurrent `down`
 * of another tunnel does not leave it to this one, which has not set it yet. */
static int plan_rest(struct up *u)
{
	int lock, r = resolve_endpoints(&u->file, &u->state, RESOLVE_FOR_UP);

	if (r < 0)
		return r;
	r = lock_shared(&lock, &u->journal);
	if (r < 0)
		return r;
	r = inspect_for_plan(&u->state, u->host, &u->file, &u->journal);
	if (r == 0)
		r = report_failure(plan_steps, plan_tunnel(&u->plan, &u->file, &u->state, &u->options));
	plan_drop_kind(&u->plan, STEP_SYSCTL);
	if (r == 0)
		r = write_journal(&u->journal, &u->file, &u->plan);
	shared_lock_release(lock);
	return r;
}

static bool sysctl_was_set(const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->steps[i].kind == STEP_SYSCTL && p->steps[i].done)
			return true;
	return false;
}

/* Planned again under the lock: the preferences of the rules depend on other default-route tunnels, which may have
 * been added or removed. */
static int apply_default_routes(struct up *u)
{
	struct plan *p = &u->plan;
	size_t from = p->n;
	int lock, r;

	if (!default_routes_are_desired(&u->file, &u->state))
		return 0;
	r = lock_shared(&lock, &u->journal);
	if (r < 0)
		return r;
	r = inspect_shared(&u->state, u->host, &u->journal);
	if (r == 0)
		r = report_failure(plan_steps, plan_default_routes(p, &u->file, &u->state));
	if (r == 0)
		r = write_journal(&u->journal, &u->file, &u->plan);
	if (r == 0)
		r = apply_plan(&u->apply, p, from, false);
	if (!sysctl_was_set(p))
		journal_note_sysctl_released(&u->journal);
	shared_lock_release(lock);
	return r;
}

static int apply_post_up(struct up *u)
{
	size_t from = u->plan.n;
	int r = report_failure(plan_steps, plan_post_up(&u->plan, &u->file, &u->options));

	return r < 0 ? r : apply_plan(&u->apply, &u->plan, from, false);
}

static bool hooks_ran(const struct up *u)
{
	return u->journal.began[HOOK_PRE_UP] || u->journal.began[HOOK_POST_UP];
}

static int bring_up(struct up *u)
{
	bool pre_up = u->options.hooks && u->file.interface.hooks[HOOK_PRE_UP].n > 0;
	size_t applied = wants_kill_switch(u);
	int r = note_endpoints(u);

	if (r == 0)
		r = wants_kill_switch(u) ? turn_on_kill_switch(u) : plan_link_and_pre_up(u);
	if (r == 0 && pre_up) {
		r = write_journal(&u->journal, &u->file, &u->plan);
		if (r == 0)
			r = apply_plan(&u->apply, &u->plan, applied, false);
		applied = u->plan.n;
		if (r == 0)
			r = inspect_after_hooks(&u->state, u->host, u->file.name);
	}
	if (r == 0)
		r = plan_rest(u);
	if (r == 0) {
		assert(applied <= u->plan.defaults_at && u->plan.defaults_at <= u->plan.n);
		u->plan.n = u->plan.defaults_at; /* the rest is planned again right before it is applied */
		r = apply_plan(&u->apply, &u->plan, applied, false);
	}
	if (r == 0)
		r = apply_default_routes(u);
	if (r < 0)
		return r;
	r = apply_post_up(u);
	warn_captured_endpoints(u->host, &u->file, u->apply.performer.ifindex, hooks_ran(u)); /* also a reason why hooks fail */
	return r;
}

static void run_due_hooks(struct up *u, enum hook_phase phase)
{
	const struct interface_keys *keys = &u->file.interface;

	if (journal_hooks_are_due(&u->journal, phase))
		apply_hooks(&u->apply, &keys->hooks[phase], &u->file, phase);
}

/* From the first route on, traffic that was to go through the tunnel would leave outside it. */
static bool must_keep_kill_switch(const struct up *u)
{
	bool keep = u->kill_switch_was_on;

	for (size_t i = 0; i < u->plan.n; i++)
		keep |= u->plan.steps[i].done && (u->plan.steps[i].kind == STEP_ROUTE || u->plan.steps[i].kind == STEP_RULE);
	return keep;
}

static bool has_kill_switch_step(const struct up *u)
{
	return u->plan.n > 0 && u->plan.steps[0].kind == STEP_KILL_SWITCH;
}

static void report_kill_switch(const char *name)
{
	report_warning("the kill switch stays on: packets that would leave outside the tunnels are rejected");
	report_help("run `wg-quick down %s' to turn it off", name);
}

/* Undoes what was applied, with the hooks that match those that ran. */
static void roll_back_up(struct up *u)
{
	struct plan undo = { 0 }, off = { 0 };
	int failures = u->apply.failures, lock, r;
	bool left = false, on, kept = true;

	if (u->kill_switch_was_on && !has_kill_switch_step(u)) { /* the journal still has it */
		report_kill_switch(u->file.name);
		return;
	}
	if (u->kill_switch_was_on)
		u->plan.steps[0].done = true;
	run_due_hooks(u, HOOK_PRE_DOWN);
	r = plan_undo(&undo, &u->plan, false);
	if (r == 0)
		r = kill_switch_defer(&off, &undo);
	if (r == 0) {
		apply_undo(&u->apply, &undo);
		left = journal_keep_failed(&u->journal, &undo);
	}
	run_due_hooks(u, HOOK_POST_DOWN);
	if (r < 0 || u->apply.failures > failures)
		report_error("failed to roll back completely");
	plan_free(&undo);
	left |= journal_keep_hooks(&u->journal, u->apply.not_started);
	lock = kill_switch_lock(&off, &u->journal);
	on = !kill_switch_finish(&u->apply, &off, left || must_keep_kill_switch(u));
	plan_free(&off);
	if (on && !left && r == 0) {
		report_kill_switch(u->file.name);
		kept = journal_write(&u->journal) == 0;
	} else if (r == 0) {
		kept = journal_finish(&u->journal, left || on);
	}
	shared_lock_release(lock);
	u->apply.failures += !kept;
}

/* The process that created the interface died half-way: we hold the tunnel's lock, which it held. */
static bool is_interrupted_up(const struct journal *j, const struct host_state *s, struct ipc *ipc)
{
	if (!j->exists || j->complete || j->lock < 0)
		return false;
	return j->ifindex ? j->ifindex == s->link.index : host_is_wireguard(ipc, j->name);
}

/* What a killed `up` left in a network namespace, or outside before it moved the interface; or the rest of a tunnel that is down. 0,
 * outside again. */
static int clear_inside(struct up *u, struct apply *undo)
{
	const struct plan *p = &u->journal.applied.plan;
	char netns[NETNS_NAME_MAX];
	bool outside = u->state.link.index && !u->journal.complete && host_is_wireguard(&u->host->ipc, u->file.name), clean;
	int r = 0;

	memcpy(netns, p->netns, sizeof netns);
	if (netns_exists(netns)) {
		r = enter_netns(u->host, netns);
		if (r == 0)
			r = inspect_host(&u->state, u->host, u->file.name);
	} else {
		dns_file_set_netns(netns);
		u->state.link = (struct link_info){ 0 };
	}
	if (r == 0 && u->state.link.index && u->journal.complete) {
		report_upstream("`%s' already exists", u->file.name);
		r = -EEXIST;
	}
	if (r == 0) {
		undo->performer.may_be_outside = !u->journal.complete;
		undo->performer.ifindex = u->state.link.index;
		clean = outside || u->state.link.index ? undo_interrupted_up(undo, &u->state, false) : undo_leftovers(undo, &u->state, false);
		r = clean ? 0 : -EIO;
	}
	netns_leave(u->host);
	dns_file_set_netns("");
	return r < 0 ? r : inspect_host(&u->state, u->host, u->file.name);
}

/* Removes what an earlier run left behind; 0 when the name is free. */
static int clear_stale_tunnel(struct up *u, const struct command_options *o, struct command_trace *trace)
{
	struct apply undo;
	bool clean;
	int r = inspect_host(&u->state, u->host, u->file.name);

	if (r < 0)
		return r;
	apply_init(&undo, o, u->host, trace, &u->journal, u->file.path);
	undo.performer.sets_dns_again = dns_is_configured(&u->file.interface.dns);
	u->kill_switch_was_on = wants_kill_switch(u) && kill_switch_is_journaled(&u->journal);
	if (u->journal.exists && u->journal.applied.plan.netns[0]) {
		if (!u->journal.complete)
			report_warning("an earlier wg-quick up was killed: undoing its steps");
		r = clear_inside(u, &undo);
		if (r < 0)
			return r;
	}
	if (u->state.link.index && is_interrupted_up(&u->journal, &u->state, &u->host->ipc)) {
		report_warning("an earlier wg-quick up was killed: undoing its steps");
		undo.performer.ifindex = u->state.link.index;
		if (!undo_interrupted_up(&undo, &u->state, u->kill_switch_was_on))
			return -EIO;
		r = host_inspect(&u->state, &u->host->rtnetlink, u->file.name, &u->host->settings);
	}
	if (r < 0 || u->state.link.index) {
		report_upstream("`%s' already exists", u->file.name);
		return -EEXIST;
	}
	trace->silent = true;
	clean = !u->journal.exists || undo_leftovers(&undo, &u->state, u->kill_switch_was_on);
	trace->silent = false;
	if (!clean)
		return -EIO;
	daemon_remove_dead_sockets(&u->host->ipc);
	return remove_stale_tunnels(&undo, &u->state, u->file.device.fwmark);
}

/* Of an earlier `up`, while the tunnel does not exist. */
static void report_left_kill_switch(const struct command_options *o, struct host *host)
{
	char name[WG_NAME_MAX];
	struct link_info link;
	struct journal j;

	if (!tunnel_file_name_of(name, o->argument))
		return;
	if (journal_open_unlocked(&j, name) == 0 && kill_switch_is_journaled(&j) &&
	    (!j.complete || rtnetlink_link_find(&host->rtnetlink, name, 0, &link) == -ENODEV))
		report_kill_switch(name);
	applied_free(&j.applied);
}

/* Reads the file, opens the journal, and removes what is left of earlier tunnels. 0, or the exit status after reporting. */
static int prepare(struct up *u, const struct command_options *o, struct command_trace *trace)
{
	int r;

	if (!read_tunnel_file(&u->file, o->argument, false) ||
	    (!o->no_hooks && !hooks_are_safe(&u->file, &u->host->settings, true)) ||
	    read_keys(&u->file, KEY_FILE_WAIT | KEY_FILE_LATER, trace) < 0)
		return 1;
	set_netns(&u->file, o->netns);
	if (check_netns(&u->file) < 0 || check_binding(&u->file, &u->host->settings) < 0)
		return 1;
	if (open_journal(&u->journal, u->file.name, &u->host->settings) < 0)
		return 1;
	r = undo_stale_dns(u->file.name, u->host, trace);
	(void)r; /* if that failed, setting the name servers will, too */
	if (clear_stale_tunnel(u, o, trace) < 0 || read_keys(&u->file, KEY_FILE_MAKE, trace) < 0)
		return 1;
	pending_remove(u->file.name); /* of an interface that was deleted by another program */
	return o->confirm_s > 0 && unconfirmed_up(&u->before, &u->file, o) < 0;
}

static int run(struct up *u, const struct command_options *o, struct command_trace *trace)
{
	if (prepare(u, o, trace) != 0) {
		report_left_kill_switch(o, u->host);
		return 1;
	}
	apply_init(&u->apply, o, u->host, trace, &u->journal, u->file.path);
	if (bring_up(u) < 0) {
		roll_back_up(u);
		unconfirmed_withdrawn(&u->before, u->file.name);
		return apply_error_status(&u->apply);
	}
	journal_up_result(&u->journal, u->host, &u->file, u->apply.performer.ifindex, hooks_ran(u));
	netns_leave(u->host);
	unconfirmed_granted(&u->before, u->file.name);
	return 0;
}

static int dry_run(struct up *u, const struct command_options *o, struct command_trace *trace)
{
	int r;

	if (!read_tunnel_file(&u->file, o->argument, false))
		return 1;
	set_netns(&u->file, o->netns);
	if (check_netns(&u->file) < 0 || check_binding(&u->file, &u->host->settings) < 0)
		return 1;
	r = inspect_host(&u->state, u->host, u->file.name);
	if (r == 0 && u->state.link.index) {
		report_upstream("`%s' already exists", u->file.name);
		return 1;
	}
	if (r == 0 && wants_kill_switch(u))
		r = inspect_first(u);
	if (r == 0)
		r = report_failure(plan_steps, plan_kill_switch(&u->plan, &u->file, &u->state));
	if (r == 0)
		r = read_keys(&u->file, KEY_FILE_SHOW, trace);
	if (r == 0)
		r = plan_link_and_pre_up(u);
	if (r == 0)
		r = resolve_endpoints(&u->file, &u->state, RESOLVE_ONCE);
	if (r == 0)
		r = inspect_for_plan(&u->state, u->host, &u->file, &u->journal);
	if (r == 0)
		r = report_failure(plan_steps, plan_tunnel(&u->plan, &u->file, &u->state, &u->options));
	u->plan.implementation = u->state.implementation;
	if (r == 0)
		plan_print(&trace->t, &u->plan);
	return r < 0;
}

int command_up(const struct command_options *o, struct host *host, struct command_trace *trace)
{
	struct up u = { .host = host, .looked_up = o->looked_up, .journal = JOURNAL_CLOSED, .before = PENDING_NONE,
			.options = { .hooks = !o->no_hooks, .warn = report_plan_warning } };
	int status = o->dry_run ? dry_run(&u, o, trace) : run(&u, o, trace);

	command_trace_flush(trace);
	netns_leave(host);
	plan_free(&u.plan);
	host_state_free(&u.state);
	tunnel_file_free(&u.file);
	pending_free(&u.before);
	journal_close(&u.journal);
	return status;
}
