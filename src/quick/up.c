/* `up`: plan, record, apply; and everything back when that fails. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "firewall.h"
#include "hooks.h"
#include "quick.h"
#include "run.h"

/* Takes back what was done, runs the counterparts of hooks that ran, forgets. */
static void roll_back(struct quick *q)
{
	struct plan undo = { 0 };

	if (q->record.began[HOOK_POST_UP])
		apply_hooks(q, &q->file.hooks[HOOK_PRE_DOWN], HOOK_PRE_DOWN);
	if (plan_undo(&undo, &q->plan, false) == 0 && apply_plan(q, &undo, 0, true) < 0)
		say_error("%s could not be taken back whole", q->file.name);
	if (q->record.began[HOOK_PRE_UP] || q->record.began[HOOK_POST_UP])
		apply_hooks(q, &q->file.hooks[HOOK_POST_DOWN], HOOK_POST_DOWN);
	plan_free(&undo);
	record_end(&q->record);
}

static int say_why(int r)
{
	if (r < 0)
		say_error("%s", strerror(-r));
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
	int r = say_why(record_fill(&q->record, &q->file, &q->plan));

	return r < 0 ? r : record_write(&q->record);
}

static int plan_and_record(struct quick *q, bool with_link)
{
	struct plan_options o = options_of(q);
	int r = with_link ? plan_link(&q->plan, &q->file, &o) : 0, held = -1;

	if (r == 0 && with_link)
		r = record_fill_peers(&q->record, &q->file);
	if (r < 0)
		return say_why(r);
	if (!with_link || q->file.hooks[HOOK_PRE_UP].n == 0 || !o.hooks || q->dry_run) {
		r = quick_resolve(q, !q->dry_run);
		if (!q->dry_run && !q->record.no_folder)
			held = record_hold_all();
		if (r == 0)
			r = quick_look_further(q);
		if (r == 0)
			r = say_why(plan_rest(&q->plan, &q->file, &q->state, &o));
	}
	if (!q->dry_run) /* a tunnel that goes leaves it to those that want it: we do once it is set */
		plan_leave_out(&q->plan, STEP_SYSCTL);
	if (r == 0 && !q->dry_run)
		r = write_record(q);
	record_let_go(held);
	return r;
}

/* Other default-route tunnels may have come and gone since the plan was made, and the places of its
 * rules depend on theirs. */
static int apply_defaults(struct quick *q)
{
	struct plan *p = &q->plan;
	int held = q->record.no_folder ? -1 : record_hold_all(), r = quick_look_shared(q);

	if (r == 0)
		r = say_why(plan_defaults(p, &q->file, &q->state));
	if (r == 0)
		r = write_record(q);
	if (r == 0)
		r = apply_plan(q, p, p->defaults_at, false);
	if (!sysctl_is_done(p))
		record_gives_up_sysctl(&q->record);
	record_let_go(held);
	return r;
}

static int apply_rest(struct quick *q, size_t from)
{
	struct plan_options o = options_of(q);
	struct plan *p = &q->plan;
	int r;

	if (!plan_makes_default(&q->file, &q->state))
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
	int r = state_look(&q->state, &q->rt, q->file.name, &q->settings);

	if (r == 0)
		r = state_look_device(&q->state, &q->ipc, q->file.name);
	r = r < 0 ? say_why(r) : plan_and_record(q, false);
	return r < 0 ? r : apply_rest(q, from);
}

/* For save and reload: what the interface has that is not from the file. */
static void note_result(struct quick *q)
{
	struct addresses now = { 0 };
	struct wg_device d = { 0 };

	q->record.complete = true;
	if (!record_note(&q->record, "complete"))
		q->record.exists = false; /* a hook took the tunnel down again */
	if (q->record.no_folder || !q->record.exists)
		return;
	if (rt_addresses(&q->rt, q->ifindex, &now) == 0)
		for (size_t i = 0; i < now.n; i++)
			if (!addresses_have(&q->file.addresses, &now.list[i]) &&
			    !addresses_add(&q->record.foreign, &now.list[i]))
				break;
	if (q->file.device.n_peers <= 1000 && ipc_get(&q->ipc, &d, q->file.name) == 0)
		q->record.port = d.listen_port;
	device_free(&d);
	addresses_free(&now);
	if (record_write(&q->record) < 0)
		say_warning("save will not know which addresses of %s are not its own",
			    q->file.name);
}

static int bring_up(struct quick *q)
{
	bool in_two = q->file.hooks[HOOK_PRE_UP].n > 0 && !q->no_hooks;
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
	const struct record *r = &q->record;

	if (!r->exists || r->complete || r->lock < 0)
		return false;
	return r->ifindex ? r->ifindex == q->state.link.index : quick_is_wireguard(q, q->file.name);
}

int command_up(struct quick *q)
{
	int r;

	if (!quick_read_file(q) || (!q->no_hooks && !q->dry_run && !file_hooks_are_safe(&q->file)))
		return 1;
	if (!q->dry_run) {
		r = record_open(&q->record, q->file.name);
		if (r == -EINTR)
			return quick_stopped();
		if (r < 0)
			say_warning("the record of %s cannot be read: %s", q->file.name,
				    strerror(-r));
	}
	r = state_look(&q->state, &q->rt, q->file.name, &q->settings);
	if (r < 0) {
		say_error("netlink: %s", strerror(-r));
		return 1;
	}
	if (q->state.link.index && is_half_up(q)) {
		say_warning("an earlier wg-quick up %s was killed; what it did is taken back first", q->file.name);
		q->ifindex = q->state.link.index;
		quick_take_back(q);
		r = state_look(&q->state, &q->rt, q->file.name, &q->settings);
		q->failures = q->status = 0;
		q->ifindex = 0;
	}
	if (r < 0 || q->state.link.index) {
		say_error("`%s' already exists", q->file.name);
		return 1;
	}
	if (q->dry_run) {
		q->plan.implementation = q->state.implementation;
		r = plan_and_record(q, true);
		if (r == 0)
			quick_print_plan(q, &q->plan);
		return r < 0;
	}
	q->trace.silent = true;
	if (q->record.exists) /* an earlier wg-quick was killed, or somebody took the interface down */
		quick_sweep_record(q);
	q->trace.silent = false;
	q->failures = q->status = 0;
	return bring_up(q);
}
