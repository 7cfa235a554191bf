/* Applies plans. */
#include "apply.h"

#include <assert.h>
#include <errno.h>

#include "elsewhere.h"
#include "messages.h"
#include "quick/host/step_batch.h"
#include "quick/host/signals.h"
#include "quick/host/subprocess.h"
#include "quick/journal/locks.h"
#include "quick/journal/other_tunnels.h"
#include "quick/plan/print.h"
#include "report/report.h"

enum { IP_FAILED = 2 }; /* ip(8)'s exit status when the kernel refuses */

/* One call of apply_plan(). */
struct run {
	struct apply *a;
	struct plan *p;
	bool tolerant;
	int error; /* the failure that ends it, or 0 */
	struct step_batch batch;
};

void apply_init(struct apply *a, const struct command_options *o, struct host *host, struct command_trace *trace,
		struct journal *journal, const char *config)
{
	*a = (struct apply){ .performer = { .host = host, .trace = trace, .config = config, .is_elsewhere = tunnel_is_elsewhere },
			     .journal = journal,
			     .no_hooks = o->no_hooks };
	journal_path_of(journal->name, a->journal_path, sizeof a->journal_path);
	a->performer.journal = a->journal_path;
}

int apply_error_status(const struct apply *a)
{
	return a->status ? a->status : 1;
}

int apply_status(const struct apply *a)
{
	return a->failures > 0 ? apply_error_status(a) : 0;
}

static void count_failure(struct run *run, int error, int status)
{
	run->a->failures++;
	if (!run->a->status)
		run->a->status = status;
	if (!run->tolerant && run->error == 0)
		run->error = error;
}

/* A kernel interface opens its port when it is brought up. */
static void help_with_port(const struct plan *p, const struct step *s, int error)
{
	if (s->kind != STEP_LINK_UP || error != -EADDRINUSE)
		return;
	for (size_t i = 0; i < p->n; i++)
		if (p->steps[i].kind == STEP_WG && (p->steps[i].wg.patch->flags & WG_DEVICE_HAS_LISTEN_PORT))
			report_help("choose another port, or stop the program that uses UDP port %u", p->steps[i].wg.patch->listen_port);
}

static void batch_failed(void *ctx, const struct step *s, int error, const char *why)
{
	struct run *run = ctx;
	struct text what = text_heap();

	command_trace_flush(run->a->performer.trace);
	if (s) {
		step_describe(&what, run->p, s);
		report_error("cannot %s: %s", what.p ? what.p : "", why ? why : strerror(-error));
		help_with_port(run->p, s, error);
	} else {
		report_error("netlink: %s", strerror(-error));
	}
	text_heap_free(&what);
	count_failure(run, error, IP_FAILED);
}

static void perform_one(struct run *run, struct step *s)
{
	struct performer *performer = &run->a->performer;
	int r;

	if (s->kind == STEP_HOOK)
		journal_note_hooks(run->a->journal, (enum hook_phase)s->hook.phase);
	subprocess_status = 0;
	r = perform_step(performer, run->p, s);
	run->batch.ifindex = performer->ifindex;
	if (r == 0 && s->kind == STEP_LINK && !s->remove)
		journal_note_interface(run->a->journal, performer->ifindex);
	if (s->kind == STEP_DNS && !s->remove)
		journal_note_dns(run->a->journal, performer->dns_failed);
	s->failed = r < 0;
	if (r < 0)
		count_failure(run, r, subprocess_status ? subprocess_status : 1);
}

static void fail_unknown_sysctl(struct run *run, struct step *s, int error)
{
	command_trace_flush(run->a->performer.trace);
	report_error("cannot determine whether another tunnel needs src_valid_mark: %s", strerror(-error));
	s->failed = true;
	count_failure(run, error, 1);
}

/* Of several tunnels that are removed at the same time, the last one restores the sysctl. */
static void restore_sysctl(struct run *run, struct step *s)
{
	struct journal *journal = run->a->journal;
	int before, lock = shared_lock_acquire(journal->lock_timeout_s), r = other_tunnel_needs_sysctl(journal, &before);

	if (r == 0)
		perform_one(run, s);
	if (r < 0)
		fail_unknown_sysctl(run, s, r);
	else if (run->error == 0)
		journal_note_sysctl_released(journal);
	shared_lock_release(lock);
}

/* The rules are those of all tunnels, whose journals tell which have a kill switch. */
static void apply_kill_switch(struct run *run, struct step *s)
{
	struct journal *journal = run->a->journal;
	int lock = shared_lock_acquire(journal->lock_timeout_s), r = other_tunnels_kill_switches(journal, &run->p->kill_switches);

	if (r == 0 && !s->remove && !journal->exists)
		r = -ENOENT;
	if (r == 0) {
		perform_one(run, s);
	} else {
		command_trace_flush(run->a->performer.trace);
		report_error("cannot turn the kill switch %s: cannot read the journals of all tunnels: %s", s->remove ? "off" : "on",
			     strerror(-r));
		s->failed = true;
		count_failure(run, r, 1);
	}
	shared_lock_release(lock);
}

static void apply_step(struct run *run, size_t index)
{
	struct step *s = &run->p->steps[index];

	if (step_is_message(s)) {
		step_batch_add(&run->batch, index);
		return;
	}
	step_batch_send(&run->batch);
	if (run->error < 0)
		return;
	if (s->kind == STEP_KILL_SWITCH)
		apply_kill_switch(run, s);
	else if (s->kind == STEP_SYSCTL && s->remove)
		restore_sysctl(run, s);
	else
		perform_one(run, s);
}

int apply_plan(struct apply *a, struct plan *p, size_t from, bool tolerant)
{
	struct performer *performer = &a->performer;
	struct run run = { .a = a, .p = p, .tolerant = tolerant };

	run.batch = (struct step_batch){ .rtnetlink = &performer->host->rtnetlink,
					 .trace = performer->trace,
					 .plan = p,
					 .ifindex = performer->ifindex,
					 .tolerant = tolerant,
					 .without_ipv6 = a->without_ipv6,
					 .first = from,
					 .end = from,
					 .failed = batch_failed,
					 .ctx = &run };
	for (size_t i = from; run.error == 0 && i < p->n; i++) {
		if (!tolerant && stop_signal) {
			command_trace_flush(performer->trace);
			exit_status_stopped();
			run.error = -EINTR;
			break;
		}
		apply_step(&run, i);
	}
	if (run.error == 0)
		step_batch_send(&run.batch);
	step_batch_finish(&run.batch);
	a->without_ipv6 = run.batch.without_ipv6;
	command_trace_flush(performer->trace);
	return run.error;
}

void apply_undo(struct apply *a, struct plan *p)
{
	int r = apply_plan(a, p, 0, true);

	assert(r == 0);
	(void)r;
}

void apply_hooks(struct apply *a, const struct string_list *hooks, const struct tunnel_file *f, enum hook_phase phase)
{
	struct plan p = { 0 };

	if (a->no_hooks)
		return;
	memcpy(p.name, a->journal->name, sizeof p.name);
	memcpy(p.netns, a->journal->applied.plan.netns, sizeof p.netns);
	for (size_t i = 0; i < hooks->n; i++) {
		const struct diag_at at = f ? tunnel_file_hook_at(f, phase, i) : (struct diag_at){ .line = 0 };
		struct step *s = plan_add(&p, STEP_HOOK);
		if (!s) {
			a->failures++;
			break;
		}
		s->hook = (struct step_hook){ .phase = (uint8_t)phase,
					      .number = (unsigned int)i + 1,
					      .line = at.line,
					      .file = at.file,
					      .text = hooks->list[i] };
	}
	apply_undo(a, &p);
	for (size_t i = 0; i < p.n; i++)
		if (p.steps[i].hook.not_started && !string_list_add(&a->not_started[phase], span_of(p.steps[i].hook.text)))
			report_error("out of memory: the hook will not be started later");
	plan_free(&p);
}
