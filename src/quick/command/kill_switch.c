/* The kill switch in the commands. */
#include "kill_switch.h"

#include <errno.h>
#include <stdlib.h>

#include "messages.h"
#include "quick/host/inspect.h"
#include "quick/host/kill_switch_rules.h"
#include "quick/journal/locks.h"
#include "quick/journal/other_tunnels.h"

static const struct step *journaled(const struct journal *j)
{
	for (size_t i = 0; i < j->applied.plan.n; i++)
		if (j->applied.plan.steps[i].kind == STEP_KILL_SWITCH)
			return &j->applied.plan.steps[i];
	return NULL;
}

bool kill_switch_is_journaled(const struct journal *j)
{
	return journaled(j) != NULL;
}

static void list_rules(struct host_state *s, enum firewall_tool tool)
{
	struct text rules = text_heap();

	free(s->kill_switch_rules);
	s->kill_switch_rules = NULL;
	if (kill_switch_list(tool, &rules) == 0 && !rules.failed)
		s->kill_switch_rules = span_dup(text_of(&rules));
	text_heap_free(&rules);
}

int inspect_kill_switch(struct host_state *s, struct host *host, const struct tunnel_file *f, const struct journal *j)
{
	const struct step *before = journaled(j);
	bool wanted = f->interface.kill_switch != KILL_SWITCH_OFF;

	if (!wanted && !before)
		return 0;
	if (wanted)
		host_inspect_firewall(s, f->name, &host->settings);
	if (s->firewall == FIREWALL_IPTABLES && !before)
		s->kill_switch_new_tables = kill_switch_missing_tables();
	if (before)
		list_rules(s, (enum firewall_tool)before->kill_switch.tool);
	return report_failure("read the journals of all tunnels", other_tunnels_kill_switches(j, &s->kill_switches));
}

/* ---- turning it off ---- */

int kill_switch_defer(struct plan *off, struct plan *undo)
{
	size_t kept = 0;

	memcpy(off->name, undo->name, sizeof off->name);
	for (size_t i = 0; i < undo->n; i++) {
		struct step *s;
		if (undo->steps[i].kind != STEP_KILL_SWITCH) {
			undo->steps[kept++] = undo->steps[i];
			continue;
		}
		s = off->n > 0 ? &off->steps[0] : plan_add(off, STEP_KILL_SWITCH);
		if (!s)
			return report_failure("plan the steps", -ENOMEM);
		*s = undo->steps[i];
	}
	undo->n = kept;
	return 0;
}

static bool journal_keeps(struct journal *j, const struct step *off)
{
	struct step *s = plan_add(&j->applied.plan, STEP_KILL_SWITCH);
	bool has_link = false;

	if (s)
		s->kill_switch = off->kill_switch;
	for (size_t i = 0; i < j->applied.plan.n; i++)
		has_link |= j->applied.plan.steps[i].kind == STEP_LINK;
	j->is_leftover = !has_link;
	return s;
}

int kill_switch_lock(const struct plan *off, const struct journal *j)
{
	return off->n > 0 ? shared_lock_acquire(j->lock_timeout_s) : -1;
}

bool kill_switch_finish(struct apply *a, struct plan *off, bool keep)
{
	if (off->n == 0)
		return true;
	if (!keep)
		apply_undo(a, off);
	if (!keep && !off->steps[0].failed)
		return true;
	if (!journal_keeps(a->journal, &off->steps[0]))
		report_failure("record that the kill switch is still on", -ENOMEM);
	return false;
}

void kill_switch_remove_unjournaled(struct apply *a)
{
	static const enum firewall_tool tools[] = { FIREWALL_NFT, FIREWALL_IPTABLES };

	for (size_t i = 0; i < ARRAY_LEN(tools); i++) {
		struct plan off = { 0 };
		struct step *s;
		if (!kill_switch_has(tools[i], a->journal->name))
			continue;
		s = plan_add(&off, STEP_KILL_SWITCH);
		memcpy(off.name, a->journal->name, sizeof off.name);
		if (s) {
			s->remove = true;
			s->kill_switch.tool = (uint8_t)tools[i];
			apply_undo(a, &off);
		}
		plan_free(&off);
	}
}
