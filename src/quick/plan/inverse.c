/* Plans that undo another plan. */
#include "inverse.h"

#include <errno.h>
#include <stdlib.h>

#include "policy_rules.h"

static int add_inverse(struct plan *out, const struct step *s)
{
	struct step inverse, *step;

	if (!step_inverse(&inverse, s))
		return 0;
	step = plan_add(out, (enum step_kind)s->kind);
	if (!step)
		return -ENOMEM;
	*step = inverse;
	return 0;
}

/* Undone by the kernel when the interface is deleted. */
static bool ends_with_link(const struct step *s)
{
	switch ((enum step_kind)s->kind) {
	case STEP_ADDRESS:
	case STEP_LINK_UP:
	case STEP_WG:
	case STEP_BIND:
		return true;
	case STEP_ROUTE:
		return route_is_of_link(&s->route);
	case STEP_LINK:
	case STEP_HOOK:
	case STEP_RULE:
	case STEP_SYSCTL:
	case STEP_FIREWALL:
	case STEP_DNS:
	case STEP_KILL_SWITCH:
	case STEP_NETNS:
		return false;
	}
	unreachable();
}

static int copy_context(struct plan *out, const struct plan *p)
{
	memcpy(out->name, p->name, sizeof out->name);
	memcpy(out->netns, p->netns, sizeof out->netns);
	memcpy(out->dns_prefix, p->dns_prefix, sizeof out->dns_prefix);
	out->dns_backend = p->dns_backend;
	out->firewall = p->firewall;
	for (size_t i = 0; i < p->guarded.n; i++)
		if (!addresses_add(&out->guarded, &p->guarded.list[i]))
			return -ENOMEM;
	return dns_config_append(&out->dns, &p->dns) ? 0 : -ENOMEM;
}

static const struct step *find_link(const struct plan *done, bool all)
{
	const struct step *link = NULL;

	for (size_t i = 0; i < done->n; i++)
		if (done->steps[i].kind == STEP_LINK && !done->steps[i].remove &&
		    (all || done->steps[i].done))
			link = &done->steps[i];
	return link;
}

/* The interface is deleted before its firewall rules are: as long as it has addresses, they are protected. */
int plan_undo(struct plan *out, const struct plan *done, bool all)
{
	const struct step *link = find_link(done, all);
	bool link_deleted = false;
	int r = copy_context(out, done);

	for (size_t i = done->n; r == 0 && i-- > 0;) {
		const struct step *s = &done->steps[i];
		bool guard = s->kind == STEP_FIREWALL && !s->remove;
		if ((!all && !s->done) || (link && ends_with_link(s)))
			continue;
		if (link && !link_deleted && (s == link || guard)) {
			r = add_inverse(out, link);
			link_deleted = true;
		}
		if (r == 0 && s != link)
			r = add_inverse(out, s);
	}
	return r;
}

static bool is_kept(const struct step *s)
{
	return s->failed && s->kind != STEP_HOOK;
}

/* From the newest to the oldest step of `undo`, which is the order in which they were done. What is left in a network namespace is
 * not found without it. */
int plan_keep_failed(struct plan *done, const struct plan *undo)
{
	bool any = false;

	for (size_t i = 0; i < undo->n; i++)
		any |= is_kept(&undo->steps[i]);
	if (!vector_reserve(&done->steps, &done->cap, undo->n, sizeof *done->steps))
		return -ENOMEM;
	done->n = 0;
	for (size_t i = undo->n; i-- > 0;) {
		const struct step *s = &undo->steps[i];
		if ((is_kept(s) || (any && s->kind == STEP_NETNS)) && add_inverse(done, s) < 0)
			unreachable(); /* there is space for it */
	}
	for (size_t i = 0; i < done->n; i++)
		done->steps[i].failed = done->steps[i].hidden = false;
	return 0;
}

bool rule_is_ambiguous(const struct host_state *s, const struct step_rule *rule)
{
	size_t n = 0;

	for (size_t i = 0; i < s->rules.n; i++) {
		const struct step_rule *other = &s->rules.list[i];
		n += other->family == rule->family && other->suppress == rule->suppress &&
		     other->table == rule->table && (rule->invert || other->mark == rule->mark);
	}
	return n > 1;
}

/* The mark of the tunnel whose default route is removed; 0: none is. A tunnel that found all of its rules on the host has a
 * route only. */
static uint32_t mark_of_rules(const struct plan *undo, uint8_t family)
{
	uint32_t mark = 0;

	for (size_t i = 0; i < undo->n; i++) {
		const struct step *s = &undo->steps[i];
		if (s->kind == STEP_RULE && s->rule.family == family && rule_is_tunnel(&s->rule))
			return s->rule.mark;
		if (s->kind == STEP_ROUTE && s->route.unreachable && s->route.prefix.addr.family == family &&
		    s->route.table != TABLE_MAIN)
			mark = s->route.table;
	}
	return mark;
}

static bool may_remove(const struct step_rule *rule, const struct host_state *s, uint32_t mark)
{
	return host_has_rule(s, rule) && (rule_is_tunnel(rule) || policy_rule_is_free(&s->rules, rule, mark));
}

void plan_drop_absent_rules(struct plan *undo, const struct host_state *s)
{
	const uint32_t marks[] = { mark_of_rules(undo, IP_V4), mark_of_rules(undo, IP_V6) };
	size_t kept = 0;

	for (size_t i = 0; i < undo->n; i++) {
		const struct step *step = &undo->steps[i];
		if (step->kind == STEP_RULE && step->remove &&
		    !may_remove(&step->rule, s, marks[step->rule.family == IP_V6]))
			continue;
		undo->steps[kept] = *step;
		if (step->kind == STEP_RULE)
			undo->steps[kept].rule.ambiguous = rule_is_ambiguous(s, &step->rule);
		kept++;
	}
	undo->n = kept;
}

static bool removes_rule(const struct plan *undo, const struct step_rule *rule)
{
	for (size_t i = 0; i < undo->n; i++)
		if (undo->steps[i].kind == STEP_RULE && rule_equal(&undo->steps[i].rule, rule))
			return true;
	return false;
}

static int undo_other_rules(struct plan *undo, const struct plan *done, const struct host_state *s, uint8_t family)
{
	uint32_t mark = mark_of_rules(done, family);
	struct rules found = { 0 };
	int r = mark ? policy_rules_of_tunnel(&found, &s->rules, family, mark) : 0;

	while (r == 0 && found.n-- > 0) {
		struct step *step;
		if (removes_rule(undo, &found.list[found.n]))
			continue;
		step = plan_add(undo, STEP_RULE);
		if (!step) {
			r = -ENOMEM;
			break;
		}
		step->remove = true;
		step->rule = found.list[found.n];
		step->rule.ambiguous = rule_is_ambiguous(s, &step->rule);
	}
	free(found.list);
	return r;
}

int plan_undo_other_rules(struct plan *undo, const struct plan *done, const struct host_state *s)
{
	int r = undo_other_rules(undo, done, s, IP_V4);

	return r < 0 ? r : undo_other_rules(undo, done, s, IP_V6);
}
