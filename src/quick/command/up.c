/* `up`: plan, record, apply; and everything back when that fails. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "quick/host/firewall.h"
#include "quick/host/hooks.h"
#include "quick.h"
#include "quick/host/subprocess.h"
#include "quick/host/tunnel_file_load.h"

/* Takes back what was done, runs the counterparts of hooks that ran, forgets. */
static void roll_back(struct quick *q)
{
	struct plan undo = { 0 };

	if (q->journal.began[HOOK_POST_UP])
		apply_hooks(q, &q->file.interface.hooks[HOOK_PRE_DOWN], HOOK_PRE_DOWN);
	if (plan_undo(&undo, &q->plan, false) == 0 && apply_plan(q, &undo, 0, true) < 0)
		report_error("%s could not be taken back whole", q->file.name);
	if (q->journal.began[HOOK_PRE_UP] || q->journal.began[HOOK_POST_UP])
		apply_hooks(q, &q->file.interface.hooks[HOOK_POST_DOWN], HOOK_POST_DOWN);
	plan_free(&undo);
	journal_end(&q->journal);
}

static int say_why(int r)
{
	if (r < 0)
		report_error("%s", strerror(-r));
	return r;
}

static struct plan_options options_of(const struct quick *q)
{
	return (struct plan_options){ .hooks = !q->no_hooks, .warn = quick_warn };
}

static bool sysctl_is_done(const struct plan *p)
{
	bool done = false;

	for (size_t i = 0; i < p->n; i++)
		done |= p->steps[i].kind == STEP_SYSCTL && p->steps[i].done;
	return done;
}

/* 0, or -errno after saying why; so do the next five. */
static int write_record(struct quick *q)
{
	int r = say_why(journal_fill(&q->journal, &q->file, &q->plan));

	return r < 0 ? r : journal_write(&q->journal);
}

static int plan_and_record(struct quick *q, bool with_link)
{
	struct plan_options o = options_of(q);
	int r = with_link ? plan_link(&q->plan, &q->file, &o) : 0, held = -1;

	if (r == 0 && with_link)
		r = journal_fill_peers(&q->journal, &q->file);
	if (r < 0)
		return say_why(r);
	if (!with_link || q->file.interface.hooks[HOOK_PRE_UP].n == 0 || !o.hooks || q->dry_run) {
		r = quick_resolve(q, !q->dry_run);
		if (!q->dry_run && !q->journal.no_folder)
			held = journal_lock_all();
		if (r == 0)
			r = quick_look_further(q);
		if (r == 0)
			r = say_why(plan_rest(&q->plan, &q->file, &q->host, &o));
	}
	if (!q->dry_run) /* a tunnel that goes leaves it to those that want it: we do once it is set */
		plan_leave_out(&q->plan, STEP_SYSCTL);
	if (r == 0 && !q->dry_run)
		r = write_record(q);
	journal_unlock_all(held);
	return r;
}

/* Other default-route tunnels may have come and gone since the plan was made, and the places of its
 * rules depend on theirs. */
static int apply_defaults(struct quick *q)
{
	struct plan *p = &q->plan;
	int held = q->journal.no_folder ? -1 : journal_lock_all(), r = quick_look_shared(q);

	if (r == 0)
		r = say_why(plan_defaults(p, &q->file, &q->host));
	if (r == 0)
		r = write_record(q);
	if (r == 0)
		r = apply_plan(q, p, p->defaults_at, false);
	if (!sysctl_is_done(p))
		journal_release_sysctl(&q->journal);
	journal_unlock_all(held);
	return r;
}

static int apply_rest(struct quick *q, size_t from)
{
	struct plan_options o = options_of(q);
	struct plan *p = &q->plan;
	int r;

	if (!plan_makes_default(&q->file, &q->host))
		return apply_plan(q, p, from, false);
	p->n = p->defaults_at;
	r = apply_plan(q, p, from, false);
	if (r == 0)
		r = apply_defaults(q);
	from = p->n;
	if (r == 0)
		r = say_why(plan_post_up(p, &q->file, &o));
	return r < 0 ? r : apply_plan(q, p, from, false);
}

/* PreUp hooks may set keys, marks and addresses, so the rest is planned after they ran. */
static int go_on_after_hooks(struct quick *q)
{
	size_t from = q->plan.n;
	int r = host_inspect(&q->host, &q->rtnetlink, q->file.name, &q->settings);

	if (r == 0)
		r = host_inspect_device(&q->host, &q->ipc, q->file.name);
	r = r < 0 ? say_why(r) : plan_and_record(q, false);
	return r < 0 ? r : apply_rest(q, from);
}

/* For save and reload: what the interface has that is not from the file. */
static void note_result(struct quick *q)
{
	struct addresses now = { 0 };
	struct wg_device d = { 0 };

	q->journal.complete = true;
	if (!journal_append(&q->journal, "complete"))
		q->journal.exists = false; /* a hook took the tunnel down again */
	if (q->journal.no_folder || !q->journal.exists)
		return;
	if (rtnetlink_addresses(&q->rtnetlink, q->ifindex, &now) == 0)
		for (size_t i = 0; i < now.n; i++)
			if (!addresses_have(&q->file.interface.addresses, &now.list[i]) &&
			    !addresses_add(&q->journal.foreign, &now.list[i]))
				break;
	if (q->file.device.n_peers <= 1000 && ipc_get(&q->ipc, &d, q->file.name) == 0)
		q->journal.port = d.listen_port;
	device_free(&d);
	addresses_free(&now);
	if (journal_write(&q->journal) < 0)
		report_warning("save will not know which addresses of %s are not its own",
			    q->file.name);
}

static int bring_up(struct quick *q)
{
	bool in_two = q->file.interface.hooks[HOOK_PRE_UP].n > 0 && !q->no_hooks;
	int r = plan_and_record(q, true);

	if (r == 0)
		r = in_two ? apply_plan(q, &q->plan, 0, false) : apply_rest(q, 0);
	if (r == 0 && in_two)
		r = go_on_after_hooks(q);
	if (r == 0) {
		note_result(q);
		return 0;
	}
	roll_back(q);
	return quick_status(q);
}

/* Whoever made the interface did not come to the end, and is not there any more: the turn is ours. */
static bool is_half_up(struct quick *q)
{
	const struct journal *r = &q->journal;

	if (!r->exists || r->complete || r->lock < 0)
		return false;
	return r->ifindex ? r->ifindex == q->host.link.index : quick_is_wireguard(q, q->file.name);
}

int command_up(struct quick *q)
{
	int r;

	if (!quick_read_file(q) || (!q->no_hooks && !q->dry_run && !tunnel_file_hooks_are_safe(&q->file)))
		return 1;
	if (!q->dry_run) {
		r = journal_open(&q->journal, q->file.name);
		if (r == -EINTR)
			return quick_stopped();
		if (r < 0)
			report_warning("the record of %s cannot be read: %s", q->file.name,
				    strerror(-r));
	}
	r = host_inspect(&q->host, &q->rtnetlink, q->file.name, &q->settings);
	if (r < 0) {
		report_error("netlink: %s", strerror(-r));
		return 1;
	}
	if (q->host.link.index && is_half_up(q)) {
		report_warning("an earlier wg-quick up %s was killed; what it did is taken back first", q->file.name);
		q->ifindex = q->host.link.index;
		quick_roll_back(q);
		r = host_inspect(&q->host, &q->rtnetlink, q->file.name, &q->settings);
		q->failures = q->status = 0;
		q->ifindex = 0;
	}
	if (r < 0 || q->host.link.index) {
		report_upstream("`%s' already exists", q->file.name);
		return 1;
	}
	if (q->dry_run) {
		q->plan.implementation = q->host.implementation;
		r = plan_and_record(q, true);
		if (r == 0)
			quick_print_plan(q, &q->plan);
		return r < 0;
	}
	q->trace.silent = true;
	if (q->journal.exists) /* an earlier wg-quick was killed, or somebody took the interface down */
		quick_sweep_record(q);
	q->trace.silent = false;
	q->failures = q->status = 0;
	return bring_up(q);
}
