/* Undoes what a journal records. */
#include "undo.h"

#include "elsewhere.h"
#include "kill_switch.h"
#include "messages.h"
#include "quick/host/dns_file.h"
#include "quick/journal/locks.h"
#include "quick/plan/inverse.h"
#include "report/report.h"

int plan_undo_journal(struct plan *out, const struct journal *j, const struct host_state *s)
{
	int r = plan_undo(out, &j->applied.plan, true);

	if (r < 0)
		return r;
	plan_drop_absent_rules(out, s);
	return plan_undo_other_rules(out, &j->applied.plan, s);
}

static void run_due_hooks(struct apply *a, enum hook_phase phase)
{
	if (journal_hooks_are_due(a->journal, phase))
		apply_hooks(a, &a->journal->applied.hooks[phase], NULL, phase);
}

/* Afterwards the journal is as if it had been deleted, but for its file: the `up` that follows writes it. */
static bool keep_kill_switch_only(struct journal *j)
{
	bool written = journal_write(j) == 0;

	applied_free(&j->applied);
	memset(j->began, 0, sizeof j->began);
	j->complete = j->is_leftover = false;
	j->ifindex = 0;
	return written;
}

static bool has_failed(const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->steps[i].failed)
			return true;
	return false;
}

/* The kill switch is turned off when all else is undone, and before the journal is settled, which may delete it. */
static bool settle_locked(struct apply *a, struct plan *undo, struct plan *off, bool keep)
{
	bool left;

	if (off->n > 0 && !keep) {
		off->steps[0].failed = has_failed(undo);
		if (!off->steps[0].failed)
			apply_undo(a, off);
		if (off->steps[0].failed && vector_reserve(&undo->steps, &undo->cap, undo->n + 1, sizeof *undo->steps))
			undo->steps[undo->n++] = off->steps[0];
	}
	if (off->n == 0 || !keep)
		return journal_settle(a->journal, undo, a->not_started);
	left = journal_keep_failed(a->journal, undo);
	left |= journal_keep_hooks(a->journal, a->not_started);
	left |= kill_switch_finish(a, off, true);
	return left ? journal_finish(a->journal, true) : keep_kill_switch_only(a->journal);
}

static bool settle(struct apply *a, struct plan *undo, struct plan *off, bool keep)
{
	int lock = kill_switch_lock(off, a->journal);
	bool clean = settle_locked(a, undo, off, keep);

	shared_lock_release(lock);
	return clean;
}

bool undo_interrupted_up(struct apply *a, const struct host_state *s, bool keep_kill_switch)
{
	struct plan undo = { 0 }, off = { 0 };
	int r = report_failure("plan the steps", plan_undo_journal(&undo, a->journal, s));
	bool clean = false;

	if (r == 0)
		r = kill_switch_defer(&off, &undo);
	if (r == 0) {
		run_due_hooks(a, HOOK_PRE_DOWN);
		apply_undo(a, &undo);
		run_due_hooks(a, HOOK_POST_DOWN);
		clean = settle(a, &undo, &off, keep_kill_switch);
	}
	plan_free(&undo);
	plan_free(&off);
	return clean;
}

bool undo_leftovers(struct apply *a, const struct host_state *s, bool keep_kill_switch)
{
	struct plan undo = { 0 }, off = { 0 };
	int r = report_failure("plan the steps", plan_undo_journal(&undo, a->journal, s));
	bool clean = false;

	if (r == 0)
		r = kill_switch_defer(&off, &undo);
	if (r == 0) {
		plan_drop_kind(&undo, STEP_LINK);
		/* Hooks that could not be started at the last `down`. */
		if (a->journal->is_leftover)
			run_due_hooks(a, HOOK_PRE_DOWN);
		apply_undo(a, &undo);
		if (a->journal->is_leftover)
			run_due_hooks(a, HOOK_POST_DOWN);
		clean = settle(a, &undo, &off, keep_kill_switch);
	}
	plan_free(&undo);
	plan_free(&off);
	return clean;
}

int undo_stale_dns(const char *name, struct host *host, struct command_trace *trace)
{
	char path[PATH_MAX], reason[256];
	struct text why = text_fixed(reason, sizeof reason);
	struct dns_file file = { .journal = path, .trace = trace, .is_elsewhere = tunnel_is_elsewhere, .ctx = host };
	int r;

	journal_path_of(name, path, sizeof path);
	r = dns_file_sweep(&file, &why);
	command_trace_flush(trace);
	if (r < 0)
		report_error("cannot restore the name servers: %s", reason);
	return r;
}
