/* Policy routing of a default route. */
#include "default_route.h"

#include <assert.h>
#include <errno.h>

static bool has_default_allowedip(const struct wg_device *d, uint8_t family)
{
	for (uint32_t i = 0; i < d->n_peers; i++)
		for (uint32_t k = 0; k < d->peers[i].n_allowedips; k++) {
			const struct wg_allowedip *a = &d->peers[i].allowedips[k];
			if (a->prefix.bits == 0 && a->prefix.addr.family == family &&
			    !(a->flags & WG_ALLOWEDIP_REMOVE))
				return true;
		}
	return false;
}

bool default_route_is_desired(const struct tunnel_file *f, const struct host_state *s, uint8_t family)
{
	if (f->interface.table_kind != TABLE_AUTO || (family == IP_V6 && !s->ipv6))
		return false;
	return has_default_allowedip(&f->device, family) || has_default_allowedip(&s->device, family);
}

bool default_routes_are_desired(const struct tunnel_file *f, const struct host_state *s)
{
	return default_route_is_desired(f, s, IP_V4) || default_route_is_desired(f, s, IP_V6);
}

uint32_t tunnel_mark(const struct tunnel_file *f, const struct host_state *s, bool *given)
{
	*given = true;
	if ((f->device.flags & WG_DEVICE_HAS_FWMARK) && f->device.fwmark)
		return f->device.fwmark;
	if (!(f->device.flags & WG_DEVICE_HAS_FWMARK) && s->device.fwmark)
		return s->device.fwmark; /* a PreUp hook's */
	*given = false;
	return s->free_table;
}

bool default_routes_need_table(const struct tunnel_file *f, const struct host_state *s)
{
	bool given;

	if (!default_routes_are_desired(f, s))
		return false;
	(void)tunnel_mark(f, s, &given);
	return !given;
}

/* The packets of a default-route tunnel do not enter other such tunnels. Before it has rules for its own mark,
 * the mark of another tunnel gives the same routes. */
uint32_t endpoint_lookup_mark(const struct tunnel_file *f, const struct host_state *s)
{
	bool given;
	uint32_t mark = tunnel_mark(f, s, &given);

	if (given)
		return mark;
	for (size_t i = 0; default_routes_are_desired(f, s) && i < s->rules.n; i++)
		if (rule_is_tunnel(&s->rules.list[i]))
			return s->rules.list[i].mark;
	return 0;
}

/* The preference that the kernel gives a rule without one: that of the second rule less one. Rules of this
 * plan count as if they were there. */
static uint32_t next_pref(const struct plan *p, const struct host_state *s, uint8_t family)
{
	uint32_t second = 0;
	unsigned int seen = 0;

	for (size_t i = 0; i < s->rules.n && seen < 2; i++)
		if (s->rules.list[i].family == family && ++seen == 2)
			second = s->rules.list[i].pref;
	for (size_t i = 0; i < p->n; i++)
		if (p->steps[i].kind == STEP_RULE && !p->steps[i].remove &&
		    p->steps[i].rule.family == family && p->steps[i].rule.pref < second)
			second = p->steps[i].rule.pref;
	return second > 0 ? second - 1 : 0;
}

static bool has_suppress_rule(const struct host_state *s, uint8_t family)
{
	for (size_t i = 0; i < s->rules.n; i++)
		if (s->rules.list[i].family == family && s->rules.list[i].suppress)
			return true;
	return false;
}

static int add_rule(struct plan *p, const struct host_state *s, struct step_rule rule)
{
	struct step *step;

	rule.pref = next_pref(p, s, rule.family);
	step = plan_add(p, STEP_RULE);
	if (!step)
		return -ENOMEM;
	step->rule = rule;
	return 0;
}

static int add_unreachable(struct plan *p, const struct ip_prefix *prefix, uint32_t table, bool remove)
{
	struct step *s = plan_add(p, STEP_ROUTE);

	if (!s)
		return -ENOMEM;
	s->hidden = true;
	s->remove = remove;
	s->route = (struct step_route){ .prefix = *prefix, .unreachable = true, .table = table };
	return 0;
}

/* Marked packets of another default-route tunnel must not enter this one, nor this one's packets that one:
 * with both tunnels up, marked packets look in the main table before any tunnel's table. */
static int add_rules_for_other_tunnels(struct plan *p, const struct host_state *s, uint8_t family, uint32_t mark)
{
	bool others = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->rules.n; i++) {
		const struct step_rule *other = &s->rules.list[i];
		if (other->family != family || !rule_is_tunnel(other) || other->mark == mark ||
		    other->mark == s->device.fwmark) /* this tunnel's rule, which is being replaced */
			continue;
		others = true;
		r = add_rule(p, s, (struct step_rule){ .family = family, .mark = other->mark,
						       .table = TABLE_MAIN, .ambiguous = true });
	}
	if (r == 0 && others)
		r = add_rule(p, s, (struct step_rule){ .family = family, .mark = mark,
						       .table = TABLE_MAIN, .ambiguous = true });
	return r;
}

/* Another tunnel may have set the sysctl. This tunnel then needs it too, so that the last of them to be
 * removed restores the value from before the first. */
static int add_sysctl(struct plan *p, const struct host_state *s)
{
	bool shared = s->src_valid_mark == 1 && s->src_valid_mark_before >= 0;
	struct step *step;

	if (s->src_valid_mark == 1 && !shared)
		return 0;
	step = plan_add(p, STEP_SYSCTL);
	if (!step)
		return -ENOMEM;
	step->hidden = shared;
	step->sysctl.value = 1;
	step->sysctl.before = shared		      ? s->src_valid_mark_before
			      : s->src_valid_mark < 0 ? 0
						      : s->src_valid_mark;
	return 0;
}

/* The rules come before the route, so that no packet for the local network enters the tunnel. An unreachable
 * route comes before both, so that after the first rule no packet for the tunnel leaves by the old route. */
int plan_default_route(struct plan *p, const struct host_state *s, const struct ip_prefix *prefix, uint32_t mark)
{
	uint8_t family = prefix->addr.family;
	struct step *step;
	int r;

	assert(mark != 0 && prefix->bits == 0);
	r = add_unreachable(p, prefix, mark, false);
	if (r == 0)
		r = add_rule(p, s, (struct step_rule){ .family = family, .invert = true,
						       .mark = mark, .table = mark });
	if (r == 0)
		r = add_rule(p, s, (struct step_rule){ .family = family, .suppress = true,
						       .table = TABLE_MAIN,
						       .ambiguous = has_suppress_rule(s, family) });
	if (r == 0)
		r = add_rules_for_other_tunnels(p, s, family, mark);
	if (r < 0)
		return r;
	step = plan_add(p, STEP_ROUTE);
	if (!step)
		return -ENOMEM;
	step->route = (struct step_route){ .prefix = *prefix, .table = mark };
	r = add_unreachable(p, prefix, mark, true);
	return r < 0 || family != IP_V4 ? r : add_sysctl(p, s);
}

int plan_default_routes(struct plan *p, const struct tunnel_file *f, const struct host_state *s)
{
	static const uint8_t families[] = { IP_V6, IP_V4 };
	bool given;
	uint32_t mark = tunnel_mark(f, s, &given);
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(families); i++) {
		struct ip_prefix all = { .addr.family = families[i] };
		if (default_route_is_desired(f, s, families[i]))
			r = plan_default_route(p, s, &all, mark);
	}
	return r;
}
