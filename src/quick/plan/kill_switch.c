/* The kill switch: its steps. */
#include "kill_switch.h"

#include <errno.h>

#include "default_route.h"

bool tunnel_needs_mark(const struct tunnel_file *f, const struct host_state *s)
{
	return default_routes_are_desired(f, s) || f->interface.kill_switch != KILL_SWITCH_OFF;
}

int plan_add_kill_switches(struct plan *p, const struct kill_switches *others)
{
	p->kill_switches.n = 0;
	for (size_t i = 0; i < others->n; i++)
		if (!kill_switches_add(&p->kill_switches, &others->list[i]))
			return -ENOMEM;
	return 0;
}

uint8_t kill_switch_new_tables(const struct host_state *s)
{
	uint8_t tables = s->kill_switch_new_tables;

	for (size_t i = 0; i < s->kill_switches.n; i++)
		tables |= s->kill_switches.list[i].new_tables;
	return tables;
}

enum firewall_tool kill_switch_tool(const struct kill_switches *others, enum firewall_tool tool)
{
	return others->n > 0 ? (enum firewall_tool)others->list[0].tool : tool;
}

int plan_kill_switch(struct plan *p, const struct tunnel_file *f, const struct host_state *s)
{
	bool given;
	struct step *step;

	if (f->interface.kill_switch == KILL_SWITCH_OFF)
		return 0;
	step = plan_add(p, STEP_KILL_SWITCH);
	if (!step)
		return -ENOMEM;
	memcpy(p->name, f->name, sizeof p->name);
	step->kill_switch.tool = (uint8_t)kill_switch_tool(&s->kill_switches, s->firewall);
	step->kill_switch.mode = (uint8_t)f->interface.kill_switch;
	step->kill_switch.new_tables = kill_switch_new_tables(s);
	step->kill_switch.mark = tunnel_mark(f, s, &given);
	return plan_add_kill_switches(p, &s->kill_switches);
}

int plan_kill_switch_mark(struct plan *p, uint32_t mark)
{
	struct step before, *step;

	if (p->n == 0 || p->steps[0].kind != STEP_KILL_SWITCH || p->steps[0].kill_switch.mark == mark)
		return 0;
	before = p->steps[0];
	step = plan_add(p, STEP_KILL_SWITCH);
	if (!step)
		return -ENOMEM;
	step->kill_switch = before.kill_switch;
	step->kill_switch.mark = mark;
	return 0;
}
