/* Policy routing of a default route. */
#include "default_route.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "mtu.h"
#include "policy_rules.h"
#include "route_prefixes.h"
#include "throw_routes.h"

enum default_mode default_route_mode_if(bool wanted, const struct tunnel_file *f, const struct host_state *s, uint8_t family)
{
	const struct ip_prefix all = { .addr.family = family };

	if (!wanted || !tunnel_file_has_policy_routing(f) || prefix_set_covers(&f->interface.excluded, &all))
		return DEFAULT_NONE;
	if (family == IP_V4 || (tunnel_carries_ipv6(f, s) && host_has_ipv6_rules(s)))
		return DEFAULT_TUNNEL;
	return s->ipv6_elsewhere ? DEFAULT_BLOCKED : DEFAULT_NONE;
}

enum default_mode default_route_mode(const struct tunnel_file *f, const struct host_state *s, uint8_t family)
{
	return default_route_mode_if(default_parts(f, s, family) & ROUTES_ALL, f, s, family);
}

bool default_routes_are_desired(const struct tunnel_file *f, const struct host_state *s)
{
	return default_route_mode(f, s, IP_V4) != DEFAULT_NONE || default_route_mode(f, s, IP_V6) != DEFAULT_NONE;
}

static bool has_ipv6_endpoint(const struct wg_device *d)
{
	for (uint32_t i = 0; i < d->n_peers; i++)
		if ((d->peers[i].flags & WG_PEER_HAS_ENDPOINT) && d->peers[i].endpoint.addr.family == IP_V6)
			return true;
	return false;
}

bool default_route_blocks_endpoints(const struct tunnel_file *f, const struct host_state *s)
{
	return default_route_mode(f, s, IP_V6) == DEFAULT_BLOCKED && !host_has_ipv6_rules(s) &&
	       has_ipv6_endpoint(&f->device);
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

	if (!default_routes_are_desired(f, s) && f->interface.kill_switch == KILL_SWITCH_OFF)
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

bool default_route_exists(const struct host_state *s, uint8_t family)
{
	for (size_t i = 0; i < s->mark_routes.n; i++)
		if (s->mark_routes.list[i].prefix.addr.family == family && s->mark_routes.list[i].prefix.bits == 0)
			return true;
	return false;
}

static int add_route(struct plan *p, const struct ip_prefix *prefix, uint32_t table, bool unreachable)
{
	struct step *s = plan_add(p, STEP_ROUTE);

	if (!s)
		return -ENOMEM;
	s->route = (struct step_route){ .prefix = *prefix, .unreachable = unreachable, .table = table };
	return 0;
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
 * route comes before both and stays: no packet for the tunnel leaves by the old route after the first rule, nor when
 * the interface is down or gone. Throw routes come before the first rule as well, so that excluded addresses are always
 * reached. Where IPv6 is blocked in the main table, they are blocked with it. */
int plan_policy_routing(struct plan *p, const struct tunnel_file *f, const struct host_state *s, const struct ip_prefix *prefix,
			enum default_mode mode, uint32_t mark, const struct rules *rules)
{
	uint8_t family = prefix->addr.family;
	uint32_t table = default_route_table(s, family, mark);
	bool same_table = table != mark || s->device.fwmark == mark; /* else the state is that of another table */
	int r = 0;

	assert(mark != 0 && prefix->bits == 0);
	if (!same_table || !s->unreachable[family == IP_V6])
		r = add_route(p, prefix, table, true);
	if (r == 0 && table == mark)
		r = plan_throw_routes(p, f, s, family, table, same_table);
	if (r == 0)
		r = policy_rules_plan(p, s, rules);
	if (r == 0 && mode == DEFAULT_TUNNEL && (!same_table || !default_route_exists(s, family)))
		r = add_route(p, prefix, mark, false);
	return r < 0 || family != IP_V4 ? r : add_sysctl(p, s);
}

static int add_default_route(struct plan *p, const struct tunnel_file *f, const struct host_state *s, uint8_t family,
			     enum default_mode mode, uint32_t mark)
{
	const struct ip_prefix all = { .addr.family = family };
	struct rules rules = { 0 };
	int r = family == IP_V4 || host_has_ipv6_rules(s) ? policy_rules_place(&rules, s, family, mark) : 0;

	if (r == 0)
		r = plan_policy_routing(p, f, s, &all, mode, mark, &rules);
	free(rules.list);
	return r;
}

int plan_default_routes(struct plan *p, const struct tunnel_file *f, const struct host_state *s)
{
	static const uint8_t families[] = { IP_V6, IP_V4 };
	bool given;
	uint32_t mark = tunnel_mark(f, s, &given);
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(families); i++) {
		enum default_mode mode = default_route_mode(f, s, families[i]);
		if (mode != DEFAULT_NONE)
			r = add_default_route(p, f, s, families[i], mode, mark);
	}
	return r;
}
