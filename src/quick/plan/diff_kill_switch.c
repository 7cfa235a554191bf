/* The part of plan_diff() about the kill switch. */
#include "diff_kill_switch.h"

#include <errno.h>

#include "kill_switch.h"

static const struct step *find_step(const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->steps[i].kind == STEP_KILL_SWITCH && !p->steps[i].remove)
			return &p->steps[i];
	return NULL;
}

static bool is_in_force(const struct diff_input *in, const struct step_kill_switch *want)
{
	const struct step *before = in->applied ? find_step(&in->applied->plan) : NULL;
	struct kill_switch one = { .tool = want->tool, .mode = want->mode, .mark = want->mark };
	const char *rules = in->actual->kill_switch_rules;

	memcpy(one.name, in->desired->name, sizeof one.name);
	if (!before || before->kill_switch.mode != want->mode || before->kill_switch.mark != want->mark ||
	    before->kill_switch.also)
		return false;
	return !rules || kill_switch_is_complete(span_of(rules), (enum firewall_tool)before->kill_switch.tool, &one);
}

int diff_kill_switch_begin(struct plan *p, const struct diff_input *in, uint32_t mark)
{
	const struct step *before = in->applied ? find_step(&in->applied->plan) : NULL;
	const struct host_state *actual = in->actual;
	struct step_kill_switch want = { .mode = (uint8_t)in->desired->interface.kill_switch, .mark = mark };
	struct step *s;

	if (want.mode == KILL_SWITCH_OFF)
		return 0;
	want.tool = (uint8_t)kill_switch_tool(&actual->kill_switches, before ? (enum firewall_tool)before->kill_switch.tool
									      : actual->firewall);
	want.new_tables = before ? before->kill_switch.new_tables : kill_switch_new_tables(actual);
	if (is_in_force(in, &want))
		return 0;
	if (actual->device.fwmark && actual->device.fwmark != mark)
		want.also = actual->device.fwmark;
	s = plan_add(p, STEP_KILL_SWITCH);
	if (!s)
		return -ENOMEM;
	s->kill_switch = want;
	return plan_add_kill_switches(p, &actual->kill_switches);
}

int diff_kill_switch_end(struct plan *p, const struct diff_input *in)
{
	const struct step *before = in->applied ? find_step(&in->applied->plan) : NULL, *now = find_step(p);
	bool wanted = in->desired->interface.kill_switch != KILL_SWITCH_OFF;
	struct step_kill_switch last;
	struct step *s;

	if (now ? !now->kill_switch.also : wanted || !before)
		return 0;
	last = now ? now->kill_switch : before->kill_switch;
	last.also = 0;
	s = plan_add(p, STEP_KILL_SWITCH);
	if (!s)
		return -ENOMEM;
	s->kill_switch = last;
	s->remove = !wanted;
	return plan_add_kill_switches(p, &in->actual->kill_switches);
}

void diff_kill_switch_restore(struct plan *undo, const struct plan *applied)
{
	const struct step *before = find_step(applied);

	for (size_t i = 0; before && i < undo->n; i++)
		if (undo->steps[i].kind == STEP_KILL_SWITCH)
			undo->steps[i] = *before;
}
