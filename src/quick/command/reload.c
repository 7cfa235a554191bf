/* `reload` and `diff`: read, inspect, compare; `reload` then journals and applies, all or nothing. Sessions of peers
 * that do not change are not interrupted. */
#include <errno.h>
#include <stdlib.h>

#include "apply.h"
#include "messages.h"
#include "inputs.h"
#include "quick/host/sysctl.h"
#include "quick/journal/locks.h"
#include "quick/plan/default_route.h"
#include "quick/plan/diff.h"
#include "quick/plan/diff_device.h"
#include "quick/plan/inverse.h"
#include "quick/plan/mtu.h"
#include "quick/plan/print.h"
#include "report/report.h"
#include "stale.h"
#include "warn_captured.h"

struct reload {
	struct host *host;
	struct tunnel_file file; /* desired */
	struct host_state state; /* actual */
	struct journal journal;
	struct string_list endpoints; /* of the file, before host names are resolved */
	struct plan old_dns, plan;
	struct apply apply;
	int shared_lock;
};

static const struct applied *applied_of(const struct journal *j)
{
	return j->exists ? &j->applied : NULL;
}

/* Each of the following functions returns 0, or -errno after reporting. */

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_inputs(struct reload *r, const char *argument, bool lock)
{
	int error;

	if (!read_tunnel_file(&r->file, argument, false))
		return -EINVAL;
	error = lock ? journal_open(&r->journal, r->file.name, settings_lock_timeout_s(&r->host->settings))
		     : journal_open_unlocked(&r->journal, r->file.name);
	if (error == -EINTR)
		exit_status_stopped();
	else if (error != -ETIMEDOUT)
		report_failure("read the journal", error);
	if (error == 0)
		error = report_failure("list the endpoints", endpoint_texts(&r->endpoints, &r->file));
	if (r->endpoints.n > 0)
		qsort(r->endpoints.list, r->endpoints.n, sizeof *r->endpoints.list, compare_strings);
	return error;
}

static int read_device(struct host_state *s, struct host *host, const char *name)
{
	int error = s->link.index ? ipc_get(&host->ipc, &s->device, name) : -ENODEV;

	if (error == -ENODEV || error == -EOPNOTSUPP || error == -ENOENT)
		report_upstream("`%s' is not a WireGuard interface", name);
	else
		report_failure("read the configuration", error);
	return error;
}

/* True when the rules and the sysctl that default-route tunnels share may change. */
static bool may_change_shared(const struct tunnel_file *f, const struct host_state *s, const struct journal *j)
{
	bool may = default_routes_are_desired(f, s);

	for (size_t i = 0; i < j->applied.plan.n; i++)
		may |= j->applied.plan.steps[i].kind == STEP_RULE;
	return may && !j->unavailable;
}

/* lock: take the lock of what default-route tunnels share, if it may change. */
static int inspect(struct reload *r, bool lock)
{
	int error = inspect_host(&r->state, r->host, r->file.name);

	if (error == 0)
		error = read_device(&r->state, r->host, r->file.name);
	if (error == 0)
		check_journal(&r->journal, &r->state);
	r->state.ipv6_of_hooks = addresses_have_ipv6(&r->journal.applied.foreign);
	if (error == 0)
		error = resolve_endpoints(&r->file, &r->state, lock ? RESOLVE_PATIENTLY : RESOLVE_ONCE);
	if (error == 0)
		error = inspect_for_plan(&r->state, r->host, &r->file, &r->journal);
	if (error == 0 && lock && may_change_shared(&r->file, &r->state, &r->journal)) {
		error = lock_shared(&r->shared_lock, &r->journal);
		if (error == 0)
			error = inspect_shared(&r->state, r->host, &r->journal);
	}
	if (error < 0)
		return error;
	return inspect_for_diff(&r->state, r->host, &r->file, applied_of(&r->journal));
}

static int compare(struct reload *r)
{
	struct diff_input in = { .desired = &r->file,
				 .actual = &r->state,
				 .applied = applied_of(&r->journal),
				 .endpoints = &r->endpoints,
				 .warn = report_plan_warning };
	struct hook_changes changes = { 0 };
	struct wg_device last_request = { 0 };
	int error = 0;

	if (!in.applied) { /* perhaps wg(8) has set the endpoints */
		error = ipc_last_request(&r->host->ipc, &last_request, r->file.name, &r->file.device);
		in.last_request = &last_request;
	}
	if (in.applied && in.applied->changes.n > 0) {
		error = hook_changes_init(&changes, &in.applied->changes, &r->file);
		in.changes = &changes;
	}
	if (error == 0)
		error = plan_diff(&r->plan, &r->old_dns, &in);
	hook_changes_free(&changes);
	device_free(&last_request);
	return report_failure("plan the steps", error);
}

/* The hooks of `up` ran, and those of `down` are the counterparts of the hooks that ran. */
static void warn_of_changed_hooks(const struct tunnel_file *f, const struct hook_lines *before)
{
	struct hook_lines now;
	char phases[64];
	struct text t = text_fixed(phases, sizeof phases);

	hook_lines_of_file(&now, f);
	for (int i = 0; i < HOOK_PHASES; i++)
		if (before->of_phase[i][0] && strcmp(before->of_phase[i], now.of_phase[i]) != 0)
			text_f(&t, "%s%s", t.n > 0 ? ", " : "", hook_phase_names[i]);
	if (t.n == 0)
		return;
	report_warning("%s changed since the last `up'; reload does not run hooks", phases);
	report_help("run `wg-quick restart %s' to apply the change", f->name);
}

/* ---- apply ---- */

/* From the first step on, the journal contains the previous state and all of the plan: `down` removes everything, whenever
 * this process is killed. dns: the name servers that may be set. */
static int journal_reload(struct reload *r, const struct dns_config *dns)
{
	struct applied both = { 0 };
	int error;

	if (!r->journal.exists || r->old_dns.n + r->plan.n == 0)
		return 0;
	error = report_failure("write the journal", applied_during_reload(&both, &r->journal.applied, &r->file,
									  &r->plan, dns));
	if (error == 0)
		error = journal_write_applied(&r->journal, &both);
	applied_free(&both);
	return error;
}

/* The journal that was written before the steps serves `down` as well, so failures here are only warnings. */
static void journal_result(struct reload *r)
{
	struct applied now = { 0 };
	int error;

	if (!r->journal.exists)
		return;
	error = applied_after_reload(&now, &r->journal.applied, &r->file, &r->plan);
	string_list_free(&now.endpoints);
	now.endpoints = r->endpoints;
	r->endpoints = (struct string_list){ 0 };
	applied_free(&r->journal.applied);
	r->journal.applied = now;
	if (error < 0 || journal_write(&r->journal) < 0)
		report_warning("cannot update the journal; it still lists the previous state as well");
}

static bool removes_address(const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->steps[i].kind == STEP_ADDRESS && p->steps[i].remove)
			return true;
	return false;
}

static int apply(struct reload *r)
{
	const struct dns_config *old_dns = &r->journal.applied.plan.dns, *dns = &r->file.interface.dns;
	int error = journal_reload(r, r->old_dns.n > 0 ? old_dns : dns);

	if (error == 0)
		error = apply_plan(&r->apply, &r->old_dns, 0, false);
	if (error == 0 && r->old_dns.n > 0)
		error = journal_reload(r, dns);
	if (error == 0 && removes_address(&r->plan))
		sysctl_promote_secondaries(r->file.name);
	return error < 0 ? error : apply_plan(&r->apply, &r->plan, 0, false);
}

/* ---- undo ---- */

/* Reads the device again, because only it knows how much of the patch was applied. */
static int plan_device_rollback(struct reload *r)
{
	struct wg_device now = { 0 };
	bool changed = false;
	int error;

	for (size_t i = 0; i < r->plan.n; i++)
		changed |= r->plan.steps[i].kind == STEP_WG && r->plan.steps[i].done;
	if (!changed)
		return 0;
	error = ipc_get(&r->host->ipc, &now, r->file.name);
	if (error == 0)
		error = device_rollback(&r->plan.device_rollback, &now, &r->state.device);
	device_free(&now);
	return error;
}

static void roll_back_reload(struct reload *r)
{
	const struct applied *applied = applied_of(&r->journal);
	struct plan undo = { 0 }, dns = { 0 };
	int failures = r->apply.failures, error = plan_device_rollback(r);

	if (error == 0)
		error = plan_undo_diff(&undo, &r->plan, applied);
	if (error == 0)
		apply_undo(&r->apply, &undo);
	if (applied && journal_reload(r, &applied->plan.dns) < 0)
		r->apply.failures++;
	if (error == 0)
		error = plan_undo(&dns, &r->old_dns, false);
	if (error == 0)
		apply_undo(&r->apply, &dns);
	plan_free(&undo);
	plan_free(&dns);
	if (error < 0 || r->apply.failures > failures) {
		report_error("failed to roll back the reload completely");
		return; /* the journal contains the previous state and the plan */
	}
	report_warning("the reload was rolled back");
	if (applied && journal_write(&r->journal) < 0)
		r->apply.failures++;
}

/* ---- the commands ---- */

/* A file without a line, most likely the result of a failed command or a full disk. */
static bool may_reload(const struct reload *r)
{
	struct span text = { r->file.text, r->file.n_text };

	if (!conf_is_empty(text) || r->state.device.n_peers == 0)
		return true;
	report_error("cannot reload: %s is empty, so that all peers would be removed", r->file.path);
	report_help("to remove them, write a line [Interface]");
	return false;
}

static int remove_stale(struct reload *r, const struct command_options *o, struct command_trace *trace)
{
	struct apply a;

	apply_init(&a, o, r->host, trace, &r->journal, r->file.path);
	return remove_stale_tunnels(&a, &r->state, 0);
}

static int reload_or_diff(struct reload *r, const struct command_options *o, struct command_trace *trace, bool change)
{
	if (read_inputs(r, o->argument, change) < 0 || (change && remove_stale(r, o, trace) < 0) || inspect(r, change) < 0 ||
	    compare(r) < 0)
		return 1;
	if (r->journal.exists)
		warn_of_changed_hooks(&r->file, &r->journal.applied.lines);
	if (!change) {
		plan_print(&trace->t, &r->old_dns);
		plan_print(&trace->t, &r->plan);
		return 0;
	}
	if (!may_reload(r))
		return 1;
	apply_init(&r->apply, o, r->host, trace, &r->journal, r->file.path);
	r->apply.performer.ifindex = r->state.link.index;
	if (apply(r) < 0) {
		roll_back_reload(r);
		return apply_error_status(&r->apply);
	}
	journal_result(r);
	warn_captured_endpoints(r->host, &r->file, r->state.link.index, true);
	return apply_status(&r->apply);
}

static int run(const struct command_options *o, struct host *host, struct command_trace *trace, bool change)
{
	struct reload r = { .host = host, .journal = JOURNAL_CLOSED, .shared_lock = -1 };
	int status = reload_or_diff(&r, o, trace, change);

	command_trace_flush(trace);
	shared_lock_release(r.shared_lock);
	plan_free(&r.old_dns);
	plan_free(&r.plan);
	string_list_free(&r.endpoints);
	host_state_free(&r.state);
	tunnel_file_free(&r.file);
	journal_close(&r.journal);
	return status;
}

int command_reload(const struct command_options *o, struct host *host, struct command_trace *trace)
{
	return run(o, host, trace, true);
}

int command_diff(const struct command_options *o, struct host *host, struct command_trace *trace)
{
	return run(o, host, trace, false);
}
