/* Throw routes in the routing table of a default route. */
#include "throw_routes.h"

#include <errno.h>

int plan_throw_routes(struct plan *p, const struct tunnel_file *f, const struct host_state *s, uint8_t family, uint32_t table,
		      bool same_table)
{
	const struct prefix_set *excluded = &f->interface.excluded;

	for (size_t i = 0; i < excluded->n; i++) {
		const struct ip_prefix *prefix = &excluded->list[i];
		struct step *step;
		if (prefix->addr.family != family || (same_table && routes_have(&s->throws, prefix)))
			continue;
		step = plan_add(p, STEP_ROUTE);
		if (!step)
			return -ENOMEM;
		step->route = (struct step_route){ .prefix = *prefix, .throw = true, .table = table };
	}
	return 0;
}

bool throw_route_exists(const struct step_route *r, const struct host_state *s)
{
	return r->table == s->device.fwmark && routes_have(&s->throws, &r->prefix);
}

bool throw_route_is_outdated(const struct step_route *r, const struct tunnel_file *f, const struct host_state *s)
{
	return r->throw && !prefix_set_has(&f->interface.excluded, &r->prefix) && throw_route_exists(r, s);
}

bool throw_routes_are_complete(const struct tunnel_file *f, const struct host_state *s, const struct applied *applied,
			       uint8_t family)
{
	const struct prefix_set *excluded = &f->interface.excluded;

	for (size_t i = 0; i < excluded->n; i++)
		if (excluded->list[i].addr.family == family && !routes_have(&s->throws, &excluded->list[i]))
			return false;
	for (size_t i = 0; applied && i < applied->plan.n; i++) {
		const struct step *step = &applied->plan.steps[i];
		if (step->kind == STEP_ROUTE && step->route.prefix.addr.family == family &&
		    throw_route_is_outdated(&step->route, f, s))
			return false;
	}
	return true;
}
