/* Plans that undo another plan. */
#include "inverse.h"

#include <errno.h>

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
		return true;
	case STEP_ROUTE:
		return !s->route.unreachable;
	case STEP_LINK:
	case STEP_HOOK:
	case STEP_RULE:
	case STEP_SYSCTL:
	case STEP_FIREWALL:
	case STEP_DNS:
		return false;
	}
	unreachable();
}

static int copy_context(struct plan *out, const struct plan *p)
{
	memcpy(out->name, p->name, sizeof out->name);
	memcpy(out->dns_prefix, p->dns_prefix, sizeof out->dns_prefix);
	out->dns_backend = p->dns_backend;
	out->firewall = p->firewall;
	for (size_t i = 0; i < p->guarded.n; i++)
		if (!addresses_add(&out->guarded, &p->guarded.list[i]))
			return -ENOMEM;
	return dns_config_copy(&out->dns, &p->dns) ? 0 : -ENOMEM;
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

static bool tunnel_rule_exists(const struct plan *undo, const struct host_state *s, uint8_t family)
{
	for (size_t i = 0; i < undo->n; i++) {
		const struct step *step = &undo->steps[i];
		if (step->kind == STEP_RULE && step->rule.family == family &&
		    rule_is_tunnel(&step->rule) && host_has_rule(s, &step->rule))
			return true;
	}
	return false;
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

void plan_drop_absent_rules(struct plan *undo, const struct host_state *s)
{
	const bool tunnel[] = { tunnel_rule_exists(undo, s, IP_V4), tunnel_rule_exists(undo, s, IP_V6) };
	size_t kept = 0;

	for (size_t i = 0; i < undo->n; i++) {
		const struct step *step = &undo->steps[i];
		if (step->kind == STEP_RULE && step->remove &&
		    (!host_has_rule(s, &step->rule) || !tunnel[step->rule.family == IP_V6]))
			continue;
		undo->steps[kept] = *step;
		if (step->kind == STEP_RULE)
			undo->steps[kept].rule.ambiguous = rule_is_ambiguous(s, &step->rule);
		kept++;
	}
	undo->n = kept;
}
