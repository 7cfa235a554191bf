/* `reload` and `diff`: read, inspect, compare; `reload` then journals and applies, all or nothing. Sessions of peers
 * that do not change are not interrupted. */
#include <errno.h>

#include "apply.h"
#include "comparison.h"
#include "messages.h"
#include "quick/host/netns_place.h"
#include "quick/host/sysctl.h"
#include "quick/plan/diff.h"
#include "quick/plan/diff_device.h"
#include "quick/plan/inverse.h"
#include "quick/plan/print.h"
#include "quick/plan/undo_diff.h"
#include "report/json.h"
#include "report/report.h"
#include "session_check.h"
#include "stale.h"
#include "unconfirmed.h"
#include "warn_captured.h"

struct reload {
	struct comparison c;
	struct apply apply;
	struct pending before; /* with --confirm: what the change is rolled back to */
	const struct pending *recorded; /* the state to go back to; null: that of the file */
};

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

	if (!r->c.journal.exists || r->c.old_dns.n + r->c.plan.n == 0)
		return 0;
	error = report_failure("write the journal", applied_during_reload(&both, &r->c.journal.applied, &r->c.file,
									  &r->c.plan, dns));
	if (error == 0)
		error = journal_write_applied(&r->c.journal, &both);
	applied_free(&both);
	return error;
}

/* The journal that was written before the steps serves `down` as well, so failures here are only warnings. */
static void journal_result(struct reload *r)
{
	struct applied now = { 0 };
	int error;

	if (!r->c.journal.exists)
		return;
	error = applied_after_reload(&now, &r->c.journal.applied, &r->c.file, &r->c.plan);
	string_list_free(&now.endpoints);
	now.endpoints = r->c.endpoints;
	r->c.endpoints = (struct string_list){ 0 };
	applied_free(&r->c.journal.applied);
	r->c.journal.applied = now;
	if (error < 0 || journal_write(&r->c.journal) < 0)
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
	const struct dns_config *old_dns = &r->c.journal.applied.plan.dns, *dns = &r->c.file.interface.dns;
	int error = journal_reload(r, r->c.old_dns.n > 0 ? old_dns : dns);

	if (error == 0)
		error = apply_plan(&r->apply, &r->c.old_dns, 0, false);
	if (error == 0 && r->c.old_dns.n > 0)
		error = journal_reload(r, dns);
	if (error == 0 && removes_address(&r->c.plan))
		sysctl_promote_secondaries(r->c.file.name);
	return error < 0 ? error : apply_plan(&r->apply, &r->c.plan, 0, false);
}

/* ---- undo ---- */

/* Reads the device again, because only it knows how much of the patch was applied. */
static int plan_device_rollback(struct reload *r)
{
	struct wg_device now = { 0 };
	bool changed = false;
	int error;

	for (size_t i = 0; i < r->c.plan.n; i++)
		changed |= r->c.plan.steps[i].kind == STEP_WG && r->c.plan.steps[i].done;
	if (!changed)
		return 0;
	error = ipc_get(&r->c.host->ipc, &now, r->c.file.name);
	if (error == 0)
		error = device_rollback(&r->c.plan.device_rollback, &now, &r->c.state.device);
	device_free(&now);
	return error;
}

/* False, after reporting: not completely. */
static bool roll_back_reload(struct reload *r)
{
	const struct applied *applied = comparison_applied(&r->c.journal);
	struct plan undo = { 0 }, dns = { 0 };
	int failures = r->apply.failures, error = plan_device_rollback(r);

	if (error == 0)
		error = plan_undo_diff(&undo, &r->c.plan, applied, &r->c.state);
	if (error == 0)
		apply_undo(&r->apply, &undo);
	if (applied && journal_reload(r, &applied->plan.dns) < 0)
		r->apply.failures++;
	if (error == 0)
		error = plan_undo(&dns, &r->c.old_dns, false);
	if (error == 0)
		apply_undo(&r->apply, &dns);
	plan_free(&undo);
	plan_free(&dns);
	if (error < 0 || r->apply.failures > failures) {
		report_error("failed to roll back the reload completely");
		return false; /* the journal contains the previous state and the plan */
	}
	report_warning("the reload was rolled back");
	if (applied && journal_write(&r->c.journal) < 0)
		r->apply.failures++;
	return true;
}

/* ---- the commands ---- */

/* A file without a line, most likely the result of a failed command or a full disk. */
static bool may_reload(const struct reload *r)
{
	struct span text = { r->c.file.text, r->c.file.n_text };

	if (!conf_is_empty(text) || r->c.state.device.n_peers == 0)
		return true;
	report_error("cannot reload: %s is empty, so that all peers would be removed", r->c.file.path);
	report_help("to remove them, write a line [Interface]");
	return false;
}

static int remove_stale(struct reload *r, const struct command_options *o, struct command_trace *trace)
{
	struct apply a;

	apply_init(&a, o, r->c.host, trace, &r->c.journal, r->c.file.path);
	return remove_stale_tunnels(&a, &r->c.state, 0);
}

/* {"interface", "file", "commands"}: the lines of plan_print() without "[#] ". */
static void print_json(const struct tunnel_file *f, struct span lines, struct text *out)
{
	struct span line;
	struct json j;

	json_begin(&j, out, false);
	json_open_object(&j, NULL);
	json_string(&j, "interface", span_of(f->name));
	json_string(&j, "file", span_of(f->path));
	json_open_array(&j, "commands");
	while (lines.n > 0 && span_next(&line, &lines, '\n'))
		json_string(&j, NULL, span_starts(line, "[#] ") ? span_sub(line, 4, line.n) : line);
	json_close(&j);
	json_close(&j);
	json_end(&j);
}

static void print_difference(const struct reload *r, struct text *out, bool json)
{
	struct text lines = text_heap(), *t = json ? &lines : out;

	plan_print(t, &r->c.old_dns);
	plan_print(t, &r->c.plan);
	if (json)
		print_json(&r->c.file, text_of(&lines), out);
	out->failed |= lines.failed;
	text_heap_free(&lines);
}

static int read_desired(struct reload *r, const struct command_options *o, bool change)
{
	int error = r->recorded ? unconfirmed_read(&r->c, r->recorded, o->argument)
				: comparison_read(&r->c, o->argument, change);

	return error < 0 || !change || r->recorded || o->confirm_s > 0 ? error : unconfirmed_refuse(r->c.file.name);
}

/* Where nothing changes, nothing can be lost. */
static int begin_unconfirmed(struct reload *r, const struct command_options *o)
{
	int error;

	if (!o->confirm_s)
		return 0;
	error = unconfirmed_reload(&r->before, &r->c, o);
	if (error == -ENOMSG)
		report_warning("the file has no changes, so there is nothing to confirm");
	return error == -ENOMSG ? 0 : error;
}

static int change_tunnel(struct reload *r, const struct command_options *o, struct command_trace *trace)
{
	apply_init(&r->apply, o, r->c.host, trace, &r->c.journal, r->c.file.path);
	r->apply.performer.ifindex = r->c.state.link.index;
	if (begin_unconfirmed(r, o) < 0)
		return 1;
	if (apply(r) < 0) {
		if (roll_back_reload(r))
			unconfirmed_withdrawn(&r->before, r->c.file.name);
		return apply_error_status(&r->apply);
	}
	journal_result(r);
	warn_captured_endpoints(r->c.host, &r->c.file, r->c.state.link.index, true);
	netns_leave(r->c.host);
	unconfirmed_granted(&r->before, r->c.file.name);
	return apply_status(&r->apply);
}

/* The roll-back of a change leads to a device and addresses that were there before it. Without them nothing is sent, as then. */
static void allow_missing_binding(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->steps[i].kind == STEP_BIND)
			p->steps[i].bind.to.may_be_missing = true;
}

static int reload_or_diff(struct reload *r, const struct command_options *o, struct command_trace *trace, bool change)
{
	if (read_desired(r, o, change) < 0 || (change && remove_stale(r, o, trace) < 0) ||
	    comparison_inspect(&r->c, change) < 0 || comparison_plan(&r->c, report_plan_warning, NULL) < 0)
		return 1;
	if (r->recorded)
		allow_missing_binding(&r->c.plan);
	if (r->c.journal.exists)
		warn_of_changed_hooks(&r->c.file, &r->c.journal.applied.lines);
	if (o->check)
		return check_session(&r->c);
	if (!change) {
		print_difference(r, &trace->t, o->json);
		return 0;
	}
	return may_reload(r) ? change_tunnel(r, o, trace) : 1;
}

static int run(const struct command_options *o, struct host *host, struct command_trace *trace, bool change,
	       const struct pending *recorded)
{
	struct reload r = { .c = COMPARISON_OF(host), .apply = { .failures = 0 }, .before = PENDING_NONE, .recorded = recorded };
	int status = reload_or_diff(&r, o, trace, change);

	command_trace_flush(trace);
	pending_free(&r.before);
	comparison_free(&r.c);
	return status;
}

int command_roll_back(const struct pending *p, const char *name, struct host *host, struct command_trace *trace)
{
	const struct command_options o = { .argument = name };

	return run(&o, host, trace, true, p);
}

int command_reload(const struct command_options *o, struct host *host, struct command_trace *trace)
{
	return run(o, host, trace, !o->check, NULL);
}

int command_diff(const struct command_options *o, struct host *host, struct command_trace *trace)
{
	return run(o, host, trace, false, NULL);
}
