/* A plan and its steps. */
#include "step.h"

#include <stdlib.h>

void plan_free(struct plan *p)
{
	free(p->steps);
	addresses_free(&p->guarded);
	dns_config_free(&p->dns);
	free(p->kill_switches.list);
	device_free(&p->mark_patch);
	device_free(&p->device_patch);
	device_free(&p->device_rollback);
	*p = (struct plan){ 0 };
}

struct step *plan_add(struct plan *p, enum step_kind kind)
{
	struct step *s;

	if (!vector_reserve(&p->steps, &p->cap, p->n + 1, sizeof *p->steps))
		return NULL;
	s = &p->steps[p->n++];
	memset(s, 0, sizeof *s);
	s->kind = (uint8_t)kind;
	return s;
}

void plan_drop_kind(struct plan *p, enum step_kind kind)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++)
		if (p->steps[i].kind != kind)
			p->steps[kept++] = p->steps[i];
	p->n = kept;
}

bool route_is_of_link(const struct step_route *r)
{
	return !r->unreachable && !r->throw;
}

uint32_t route_metric(const struct step_route *r)
{
	enum { METRIC_FIRST = 1, METRIC_LAST = 32767 };

	if (route_is_of_link(r))
		return r->metric;
	return r->table == TABLE_MAIN ? METRIC_FIRST : METRIC_LAST;
}

uint32_t route_metric_shown(const struct step_route *r)
{
	enum { METRIC_OF_IPV6 = 1024 };
	uint32_t metric = route_metric(r);

	return metric == 0 && r->prefix.addr.family == IP_V6 ? METRIC_OF_IPV6 : metric;
}

bool route_metric_is_usual(const struct step_route *r)
{
	const struct step_route usual = { .prefix = r->prefix };

	return r->metric == 0 || r->metric == route_metric_shown(&usual);
}

bool rule_equal(const struct step_rule *a, const struct step_rule *b)
{
	return a->family == b->family && a->invert == b->invert && a->suppress == b->suppress &&
	       a->pref == b->pref && a->mark == b->mark && a->table == b->table;
}

bool rule_is_tunnel(const struct step_rule *r)
{
	return r->invert && r->mark != 0 && r->mark == r->table && !r->suppress;
}

bool rule_is_suppress(const struct step_rule *r)
{
	return r->suppress && !r->invert && r->mark == 0 && r->table == TABLE_MAIN;
}

bool rule_is_main_for_mark(const struct step_rule *r)
{
	return !r->suppress && !r->invert && r->mark != 0 && r->table == TABLE_MAIN;
}

bool step_inverse(struct step *out, const struct step *s)
{
	*out = *s;
	out->remove = !s->remove;
	out->done = false;
	switch ((enum step_kind)s->kind) {
	case STEP_HOOK:
		return false;
	case STEP_WG:
		out->wg.patch = s->wg.inverse;
		out->wg.inverse = s->wg.patch;
		out->wg.command = WG_SET;
		return s->wg.inverse;
	case STEP_BIND:
		out->remove = false;
		out->bind = (struct step_bind){ .to = s->bind.before, .before = s->bind.to };
		out->bind.to.may_be_missing = true; /* it may have gone meanwhile; then nothing leaves, as before */
		return true;
	case STEP_LINK_UP:
		out->link_up.mtu = s->link_up.mtu_before;
		out->link_up.mtu_before = s->link_up.mtu;
		return s->link_up.mtu_before != 0;
	case STEP_LINK:
	case STEP_ADDRESS:
	case STEP_ROUTE:
	case STEP_RULE:
	case STEP_FIREWALL:
	case STEP_DNS:
	case STEP_KILL_SWITCH:
	case STEP_NETNS:
		return true;
	case STEP_SYSCTL:
		out->hidden = false;
		return true;
	}
	unreachable();
}
