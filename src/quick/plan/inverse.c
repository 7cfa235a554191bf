/* Plans that take back: what a plan did, or what is found of a tunnel nobody kept a record of. */
#include <errno.h>

#include "plan.h"

static int take_back(struct plan *out, const struct step *s)
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

/* Gone with the link, so not worth a message each. */
static bool goes_with_link(const struct step *s)
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

/* Newest first, but the link goes before its firewall: while there is an address, it is guarded. */
int plan_undo(struct plan *out, const struct plan *done, bool all)
{
	const struct step *link = NULL;
	bool gone = false;
	int r = copy_context(out, done);

	for (size_t i = 0; i < done->n; i++)
		if (done->steps[i].kind == STEP_LINK && !done->steps[i].remove &&
		    (all || done->steps[i].done))
			link = &done->steps[i];
	for (size_t i = done->n; r == 0 && i-- > 0;) {
		const struct step *s = &done->steps[i];
		bool guard = s->kind == STEP_FIREWALL && !s->remove;
		if ((!all && !s->done) || (link && goes_with_link(s)))
			continue;
		if (link && !gone && (s == link || guard)) {
			r = take_back(out, link);
			gone = true;
		}
		if (r == 0 && s != link)
			r = take_back(out, s);
	}
	return r;
}

static bool rule_is_there(const struct host_state *s, const struct step_rule *rule)
{
	for (size_t i = 0; i < s->rules.n; i++)
		if (rule_equal(&s->rules.list[i], rule))
			return true;
	return false;
}

static bool tunnel_rule_is_there(const struct plan *undo, const struct host_state *s, uint8_t family)
{
	for (size_t i = 0; i < undo->n; i++) {
		const struct step *step = &undo->steps[i];
		if (step->kind == STEP_RULE && step->rule.family == family &&
		    rule_is_tunnel(&step->rule) && rule_is_there(s, &step->rule))
			return true;
	}
	return false;
}

/* Rules that a line without a place could mean as well. */
static size_t count_alike(const struct host_state *s, const struct step_rule *rule)
{
	size_t n = 0;

	for (size_t i = 0; i < s->rules.n; i++) {
		const struct step_rule *other = &s->rules.list[i];
		n += other->family == rule->family && other->suppress == rule->suppress &&
		     other->table == rule->table && (rule->invert || other->mark == rule->mark);
	}
	return n;
}

void plan_drop_absent_rules(struct plan *undo, const struct host_state *s)
{
	const bool tunnel[] = { tunnel_rule_is_there(undo, s, IP_V4),
				tunnel_rule_is_there(undo, s, IP_V6) };
	size_t kept = 0;

	for (size_t i = 0; i < undo->n; i++) {
		const struct step *step = &undo->steps[i];
		if (step->kind == STEP_RULE && step->remove &&
		    (!rule_is_there(s, &step->rule) || !tunnel[step->rule.family == IP_V6]))
			continue;
		undo->steps[kept] = *step;
		if (step->kind == STEP_RULE)
			undo->steps[kept].rule.plural = count_alike(s, &step->rule) > 1;
		kept++;
	}
	undo->n = kept;
}

static bool has_default_peer(const struct wg_device *d, uint8_t family)
{
	for (uint32_t i = 0; i < d->n_peers; i++)
		for (uint32_t k = 0; k < d->peers[i].n_allowedips; k++)
			if (d->peers[i].allowedips[k].prefix.bits == 0 &&
			    d->peers[i].allowedips[k].prefix.addr.family == family)
				return true;
	return false;
}

/* Each tunnel has one "suppress" rule; bash's wg-quick makes it right before the tunnel's own. */
static const struct step_rule *suppress_of(const struct host_state *s, const struct step_rule *tunnel)
{
	const struct step_rule *last = NULL;

	for (size_t i = 0; i < s->rules.n; i++) {
		const struct step_rule *r = &s->rules.list[i];
		if (r->family != tunnel->family || !r->suppress || r->table != TABLE_MAIN)
			continue;
		if (r->pref + 1 == tunnel->pref)
			return r;
		last = r;
	}
	return last;
}

static int add_found_rule(struct plan *p, const struct host_state *s, const struct step_rule *rule)
{
	struct step *step = plan_add(p, STEP_RULE);

	if (!step)
		return -ENOMEM;
	step->rule = *rule;
	step->rule.plural = count_alike(s, rule) > 1;
	return 0;
}

static int find_rules(struct plan *p, const struct host_state *s, uint8_t family)
{
	for (size_t i = 0; i < s->rules.n; i++) {
		const struct step_rule *rule = &s->rules.list[i], *suppress;
		int r;
		if (rule->family != family || !rule_is_tunnel(rule) ||
		    rule->mark != s->device.fwmark)
			continue;
		r = add_found_rule(p, s, rule);
		suppress = suppress_of(s, rule);
		if (r == 0 && suppress)
			r = add_found_rule(p, s, suppress);
		if (r < 0)
			return r;
	}
	return 0;
}

int plan_from_host(struct plan *p, const struct host_state *s, const char *name)
{
	static const uint8_t families[] = { IP_V6, IP_V4 };
	int r = 0;

	memcpy(p->name, name, sizeof p->name);
	p->firewall = FIREWALL_NONE; /* firewall_sweep() looks for itself */
	if (s->link.index && !plan_add(p, STEP_LINK))
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (r == 0 && s->device.fwmark && has_default_peer(&s->device, families[i]))
			r = find_rules(p, s, families[i]);
	return r;
}
