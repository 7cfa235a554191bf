/* The part of plan_diff() about routes and policy routing. */
#include "diff_routes.h"

#include <errno.h>
#include <stdlib.h>

#include "applied_routes.h"
#include "ipv6.h"
#include "policy_rules.h"
#include "route_prefixes.h"
#include "throw_routes.h"

static int add_route(struct plan *p, const struct step_route *route, bool remove)
{
	struct step *s = plan_add(p, STEP_ROUTE);

	if (!s)
		return -ENOMEM;
	s->route = *route;
	s->remove = remove;
	return 0;
}

static int add_removal(struct plan *p, const struct step *old)
{
	struct step *s = plan_add(p, (enum step_kind)old->kind);

	if (!s)
		return -ENOMEM;
	*s = *old;
	s->remove = true;
	s->hidden = false;
	return 0;
}

static uint8_t family_of(int v6)
{
	return v6 ? IP_V6 : IP_V4;
}

/* ---- policy routing as it is ---- */

/* Other programs may have removed any of its rules and routes. Tunnels that another implementation brought up have no
 * unreachable route, and its `down` would leave ours. */
static bool has_rules_and_routes(const struct diff_input *in, uint8_t family, enum default_mode mode)
{
	const struct host_state *s = in->actual;
	uint32_t mark = s->device.fwmark;
	bool in_main = default_route_table(s, family, mark) != mark;

	return mark && (s->unreachable[family == IP_V6] || !in->applied) &&
	       (in_main || (policy_rules_are_complete(&s->rules, family, mark) &&
			    throw_routes_are_complete(in->desired, s, in->applied, family))) &&
	       default_route_exists(s, family) == (mode != DEFAULT_BLOCKED);
}

static bool is_rule_or_route(const struct step *s, uint8_t family)
{
	return (s->kind == STEP_RULE && s->rule.family == family) ||
	       (s->kind == STEP_ROUTE && s->route.prefix.addr.family == family);
}

static bool was_made(const struct diff_input *in, uint8_t family)
{
	uint32_t mark = in->actual->device.fwmark;

	for (size_t i = 0; in->applied && i < in->applied->plan.n; i++)
		if (is_rule_or_route(&in->applied->plan.steps[i], family))
			return true;
	return !in->applied && mark && host_tunnel_rule(in->actual, family, mark);
}

static enum default_mode find_mode(const struct route_diff *d, int v6)
{
	bool wanted = false;

	for (size_t i = 0; i < d->desired.n; i++)
		wanted |= d->desired.list[i].prefix.bits == 0 && d->desired.list[i].prefix.addr.family == family_of(v6);
	return default_route_mode_if(wanted, d->in->desired, d->in->actual, family_of(v6));
}

/* ---- addresses ---- */

/* True when the reload removes it. */
static bool is_outdated_address(const struct diff_input *in, const struct interface_address *a)
{
	const struct addresses *own = in->applied ? &in->applied->addresses : &in->actual->addresses;

	return addresses_have(own, a) && !addresses_have(&in->desired->interface.addresses, a) &&
	       (in->applied || !ip_is_v6_link_local(&a->local));
}

static int find_remaining(struct addresses *out, const struct diff_input *in)
{
	const struct addresses *now = &in->actual->addresses;

	for (size_t i = 0; i < now->n; i++)
		if (!is_outdated_address(in, &now->list[i]) && !addresses_add(out, &now->list[i]))
			return -ENOMEM;
	return 0;
}

static bool gains_ipv4(const struct diff_input *in)
{
	const struct addresses *desired = &in->desired->interface.addresses;

	for (size_t i = 0; i < desired->n; i++)
		if (desired->list[i].local.family == IP_V4 && !hook_changed_address(in->changes, &desired->list[i]))
			return true;
	return false;
}

static bool gains_address(const struct diff_input *in)
{
	const struct addresses *desired = &in->desired->interface.addresses;

	for (size_t i = 0; i < desired->n; i++)
		if (!addresses_have(&in->actual->addresses, &desired->list[i]) && !hook_changed_address(in->changes, &desired->list[i]))
			return true;
	return false;
}

static bool loses_ipv4(const struct route_diff *d)
{
	return addresses_have_family(&d->in->actual->addresses, IP_V4) && !addresses_have_family(&d->remaining, IP_V4) &&
	       !gains_ipv4(d->in);
}

static bool is_lost(const struct route_diff *d, const struct ip_prefix *prefix)
{
	return d->loses_ipv4 && prefix->addr.family == IP_V4;
}

int route_diff_init(struct route_diff *d, const struct diff_input *in)
{
	const struct applied *applied = in->applied;
	bool given;
	int r;

	*d = (struct route_diff){ .in = in, .table = tunnel_file_table(in->desired) };
	d->table_before = applied && applied->has_table ? applied->table : d->table;
	d->metric_before = applied ? applied->route_metric : in->desired->interface.route_metric;
	d->mark = tunnel_mark(in->desired, in->actual, &given);
	if (!given && in->actual->device.fwmark) /* "FwMark = off": the present one was chosen by `up` */
		d->mark = in->actual->device.fwmark;
	r = desired_routes_init(&d->desired, in->desired, NULL);
	d->by_parts = in->desired->interface.excluded.n > 0 || file_has_routes_key(in->desired) ||
		      (applied && (applied->excluded.n > 0 || applied->routes.n > 0));
	for (size_t i = 0; r == 0 && d->by_parts && i < d->desired.n; i++)
		r = prefix_set_append(&d->covered, &d->desired.list[i].prefix) ? 0 : -ENOMEM;
	prefix_set_normalize(&d->covered);
	if (r == 0)
		r = find_remaining(&d->remaining, in);
	d->gains_address = gains_address(in);
	d->loses_ipv4 = r == 0 && loses_ipv4(d);
	for (int v6 = 0; r == 0 && v6 < 2; v6++) {
		struct default_route_diff *route = &d->defaults[v6];
		route->mode = find_mode(d, v6);
		route->desired = route->mode != DEFAULT_NONE;
		route->changed = hook_changed_family(in->changes, SETTING_DEFAULT_ROUTE, family_of(v6));
		route->made = was_made(in, family_of(v6));
		route->complete = has_rules_and_routes(in, family_of(v6), route->mode) &&
				  (!route->desired || in->actual->device.fwmark == d->mark);
	}
	return r;
}

void route_diff_free(struct route_diff *d)
{
	desired_routes_free(&d->desired);
	prefix_set_free(&d->covered);
	addresses_free(&d->remaining);
}

/* ---- removals ---- */

static bool is_part_of_default(const struct step *s, uint8_t family)
{
	return is_rule_or_route(s, family) || (s->kind == STEP_FIREWALL && s->firewall.family == family) ||
	       (s->kind == STEP_SYSCTL && family == IP_V4);
}

/* Hooks and other programs may have removed it. */
static bool still_exists(const struct step *s, const struct host_state *actual)
{
	if (s->kind == STEP_RULE)
		return host_has_rule(actual, &s->rule);
	if (s->kind == STEP_ROUTE && s->route.throw)
		return throw_route_exists(&s->route, actual);
	return s->kind != STEP_ROUTE || actual->unreachable[s->route.prefix.addr.family == IP_V6];
}

static int remove_default(struct plan *p, const struct route_diff *d, int v6)
{
	const struct applied *applied = d->in->applied;
	struct step_route route = { .prefix.addr.family = family_of(v6),
				    .table = d->in->actual->device.fwmark };
	int r = 0;

	for (size_t i = applied ? applied->plan.n : 0; r == 0 && i-- > 0;)
		if (is_part_of_default(&applied->plan.steps[i], family_of(v6)) &&
		    still_exists(&applied->plan.steps[i], d->in->actual))
			r = add_removal(p, &applied->plan.steps[i]);
	return r == 0 && default_route_exists(d->in->actual, family_of(v6)) ? add_route(p, &route, true) : r;
}

int route_diff_remove_defaults(struct plan *p, const struct route_diff *d)
{
	int r = 0;

	for (int v6 = 0; r == 0 && v6 < 2; v6++)
		if (d->defaults[v6].made && !d->defaults[v6].desired && !d->defaults[v6].changed)
			r = remove_default(p, d, v6);
	return r;
}

/* That of an address of the interface. */
static bool is_of_kernel(const struct route_diff *d, const struct step_route *route)
{
	return route->table == TABLE_MAIN && route_is_connected(&d->in->actual->addresses, &route->prefix);
}

/* A route for which the file gave no metric is recognised with any. */
static bool routes_have_applied(const struct routes *existing, const struct step_route *route)
{
	return route->metric ? routes_have_metric(existing, route) : routes_have(existing, &route->prefix);
}

static const struct routes *routes_before(const struct route_diff *d)
{
	return d->table == d->table_before ? &d->in->actual->routes : &d->in->actual->routes_before;
}

static bool is_possible(const struct route_diff *d, const struct ip_prefix *prefix)
{
	return prefix->addr.family == IP_V4 || ipv6_routes_are_possible(d->in->desired, d->in->actual);
}

/* `up` adds no route inside the network of an address. That of a new address replaces the route; if it is the same prefix,
 * both stay: the kernel may remove the one or the other. */
static bool becomes_covered(const struct route_diff *d, const struct ip_prefix *prefix)
{
	const struct host_state after = { .addresses = d->remaining };
	const struct addresses *desired = &d->in->desired->interface.addresses;

	return d->gains_address && d->in->desired->interface.table_kind == TABLE_AUTO &&
	       is_possible(d, prefix) && desired_routes_have(&d->desired, prefix) && route_is_covered(d->in->desired, &after, prefix) &&
	       !addresses_cover_route(&d->in->actual->addresses, prefix) && !route_is_connected(desired, prefix);
}

/* To the same network as the route of an address, with another metric. With an IPv6 address, the kernel would remove only the
 * one with the lower metric. */
static bool is_additional(const struct route_diff *d, const struct step_route *route)
{
	uint32_t of_kernel = route_metric_of_address(route->prefix.addr.family);

	return is_of_kernel(d, route) && route_metric_shown(route) != of_kernel && routes_have_metric(routes_before(d), route);
}

static bool is_default(const struct route_diff *d, const struct ip_prefix *prefix)
{
	return prefix->bits == 0 && tunnel_file_has_policy_routing(d->in->desired);
}

/* A default route without policy routing gives way to one with it. */
static bool is_kept(const struct route_diff *d, const struct ip_prefix *prefix)
{
	bool moves = is_default(d, prefix) && !d->defaults[prefix->addr.family == IP_V6].made;

	return d->table == d->table_before && !moves && is_possible(d, prefix) && desired_routes_have(&d->desired, prefix) &&
	       !becomes_covered(d, prefix);
}

/* True for a route that the kernel would remove in place of that of an address, with the last IPv6 address of this network. */
static bool is_taken(const struct route_diff *d, const struct step_route *route)
{
	return is_additional(d, route) && route_metric_shown(route) < route_metric_of_address(route->prefix.addr.family) &&
	       !route_is_connected(&d->remaining, &route->prefix) &&
	       !route_is_connected(&d->in->desired->interface.addresses, &route->prefix) && is_kept(d, &route->prefix) &&
	       !hook_changed_route(d->in->changes, &route->prefix, route->table);
}

static bool is_obsolete(const struct route_diff *d, const struct step_route *route)
{
	return routes_have_applied(routes_before(d), route) && !is_kept(d, &route->prefix) &&
	       (!is_of_kernel(d, route) || is_additional(d, route)) &&
	       !hook_changed_route(d->in->changes, &route->prefix, route->table);
}

/* Parts of a prefix take over from the whole or from other parts, or the whole from its parts: where both exist for a moment, no
 * packet leaves outside the tunnel. */
static bool is_replaced(const struct route_diff *d, const struct step_route *route)
{
	if (is_lost(d, &route->prefix) || !is_possible(d, &route->prefix) || is_additional(d, route))
		return false; /* the kernel may have removed it by then */
	return becomes_covered(d, &route->prefix) || (d->by_parts && prefix_set_overlaps(&d->covered, &route->prefix));
}

struct removals {
	struct plan *p;
	const struct route_diff *d;
	bool replaced; /* only those that are, or only the others */
	bool *done;    /* of routes_before(): several prefixes may have the same parts */
};

static int remove_once(const struct removals *m, struct step_route *route)
{
	bool *done = &m->done[routes_find(routes_before(m->d), &route->prefix)];

	if (*done)
		return 0;
	*done = true;
	if (is_additional(m->d, route))
		route->metric = route_metric_shown(route);
	return add_route(m->p, route, true);
}

static int remove_parts(const struct removals *m, const struct ip_prefix *prefix, bool changed)
{
	const struct route_diff *d = m->d;
	const struct applied *applied = d->in->applied;
	struct prefix_set parts = { 0 };
	int r = prefix_set_subtract(&parts, prefix, applied ? &applied->excluded : &d->in->desired->interface.excluded) ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < parts.n; i++) {
		struct step_route route = { .prefix = parts.list[i], .table = d->table_before, .metric = d->metric_before };
		if (is_replaced(d, &route) == m->replaced && (!changed || desired_routes_have(&d->desired, &route.prefix)) &&
		    is_obsolete(d, &route))
			r = remove_once(m, &route);
	}
	prefix_set_free(&parts);
	return r;
}

/* Only the routes of allowed IPs of the device, and not from a hook: other routes over the interface are a hook's or the
 * administrator's. */
static int remove_routes(struct plan *p, const struct route_diff *d, bool replaced)
{
	static const struct string_list none;
	const struct string_list *routes = d->in->applied ? &d->in->applied->routes : &none;
	const struct wg_device *now = &d->in->actual->device;
	struct removals m = { .p = p, .d = d, .replaced = replaced, .done = calloc(routes_before(d)->n + 1, sizeof *m.done) };
	struct prefix_set had = { 0 };
	int r = m.done ? 0 : -ENOMEM;

	for (uint32_t i = 0; r == 0 && i < now->n_peers; i++) {
		const struct wg_peer *peer = &now->peers[i];
		bool changed = hook_changed_peer(d->in->changes, SETTING_PEER, &peer->public_key) ||
			       hook_changed_peer(d->in->changes, SETTING_ALLOWEDIPS, &peer->public_key);
		had.n = 0;
		if (!applied_routes_prefixes(&had, routes, peer))
			r = -ENOMEM;
		for (size_t k = 0; r == 0 && k < had.n; k++)
			r = remove_parts(&m, &had.list[k], changed);
	}
	free(m.done);
	prefix_set_free(&had);
	return r;
}

int route_diff_remove_routes(struct plan *p, const struct route_diff *d)
{
	return remove_routes(p, d, false);
}

int route_diff_remove_replaced(struct plan *p, const struct route_diff *d)
{
	return d->by_parts || d->gains_address ? remove_routes(p, d, true) : 0;
}

/* ---- additions ---- */

/* Those of the journal, as far as they make the default route complete: then only what was lost is added. */
static int restore_rules(struct rules *wanted, const struct route_diff *d, uint8_t family, bool *restored)
{
	const struct applied *applied = d->in->applied;
	struct rules now;
	int r = rules_copy(&now, &d->in->actual->rules);

	for (size_t i = 0; r == 0 && applied && i < applied->plan.n; i++) {
		const struct step *s = &applied->plan.steps[i];
		if (s->kind != STEP_RULE || s->rule.family != family)
			continue;
		r = rules_append(wanted, &s->rule);
		if (r == 0 && !rules_have(&now, &s->rule))
			r = rules_insert(&now, &s->rule);
	}
	*restored = r == 0 && policy_rules_are_complete(&now, family, d->mark);
	free(now.list);
	return r;
}

static int choose_rules(struct rules *wanted, const struct route_diff *d, uint8_t family)
{
	bool restored;
	int r = restore_rules(wanted, d, family, &restored);

	if (r < 0 || restored || default_route_table(d->in->actual, family, d->mark) != d->mark)
		return r;
	wanted->n = 0;
	return policy_rules_place(wanted, d->in->actual, family, d->mark);
}

static bool is_outdated(const struct step *s, const struct route_diff *d, uint8_t family, const struct rules *wanted)
{
	if (s->kind == STEP_RULE)
		return s->rule.family == family && !rules_have(wanted, &s->rule) &&
		       host_has_rule(d->in->actual, &s->rule);
	if (s->kind != STEP_ROUTE || s->route.prefix.addr.family != family)
		return false;
	if (s->route.table != default_route_table(d->in->actual, family, d->mark))
		return !s->route.throw || throw_route_exists(&s->route, d->in->actual);
	return throw_route_is_outdated(&s->route, d->in->desired, d->in->actual);
}

/* True when route_diff_remove_lost() removes it. */
static bool loses_default(const struct route_diff *d, const struct ip_prefix *prefix)
{
	const struct default_route_diff *route = &d->defaults[prefix->addr.family == IP_V6];

	return is_lost(d, prefix) && route->mode == DEFAULT_TUNNEL && !route->changed &&
	       default_route_exists(d->in->actual, prefix->addr.family);
}

static int add_default(struct plan *p, const struct ip_prefix *prefix, uint32_t table, bool remove)
{
	const struct step_route route = { .prefix = *prefix, .table = table };

	return add_route(p, &route, remove);
}

/* The new rules and routes come first, so that what is left of the old ones can then be removed. */
static int replace_default(struct plan *p, const struct route_diff *d, const struct ip_prefix *prefix)
{
	const struct applied *applied = d->in->applied;
	const struct host_state *actual = d->in->actual;
	uint32_t table = actual->device.fwmark;
	uint8_t family = prefix->addr.family;
	enum default_mode mode = d->defaults[family == IP_V6].mode;
	struct rules wanted = { 0 };
	int r = choose_rules(&wanted, d, family);

	if (r == 0)
		r = plan_policy_routing(p, d->in->desired, actual, prefix, mode, d->mark, &wanted);
	if (r == 0 && loses_default(d, prefix))
		r = table == d->mark ? add_default(p, prefix, table, false) : 0;
	else if (r == 0 && table && (table != d->mark || mode == DEFAULT_BLOCKED) && default_route_exists(actual, family))
		r = add_default(p, prefix, table, true);
	for (size_t i = 0; r == 0 && applied && i < applied->plan.n; i++) {
		const struct step *s = &applied->plan.steps[i];
		if (!is_outdated(s, d, family, &wanted))
			continue;
		r = add_removal(p, s);
		if (r == 0 && s->kind == STEP_RULE)
			p->steps[p->n - 1].rule.ambiguous = true; /* the new one looks like it */
	}
	free(wanted.list);
	return r;
}

int route_diff_block_defaults(struct plan *p, const struct route_diff *d)
{
	const struct default_route_diff *route = &d->defaults[1];
	const struct ip_prefix all = { .addr.family = IP_V6 };

	return route->mode == DEFAULT_BLOCKED && !route->complete && !route->changed ? replace_default(p, d, &all) : 0;
}

static size_t count_routes(const struct routes *existing, const struct ip_prefix *prefix)
{
	size_t n = 0;

	for (size_t i = 0; i < existing->n; i++)
		n += prefix_equal(&existing->list[i].prefix, prefix);
	return n;
}

/* False also for a route with the previous metric of the file, and for the kernel's own if it is the only one. Of IPv4 there
 * there can be no other. */
static bool route_exists(const struct route_diff *d, const struct step_route *wanted)
{
	bool by_metric = wanted->metric || d->metric_before;

	if (is_of_kernel(d, wanted) && !wanted->metric)
		return (wanted->prefix.addr.family == IP_V4 && route_is_connected(&d->remaining, &wanted->prefix)) || count_routes(&d->in->actual->routes, &wanted->prefix) > 1;
	return by_metric ? routes_have_metric(&d->in->actual->routes, wanted) :
			   routes_have(&d->in->actual->routes, &wanted->prefix);
}

static struct step_route route_with_metric(const struct route_diff *d, const struct ip_prefix *prefix, uint32_t metric)
{
	return (struct step_route){ .prefix = *prefix, .table = d->table, .metric = metric };
}

int route_diff_remove_lost(struct plan *p, const struct route_diff *d)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < d->desired.n; i++) {
		const struct ip_prefix *prefix = &d->desired.list[i].prefix;
		struct step_route route = route_with_metric(d, prefix, d->metric_before);
		if (is_taken(d, &route))
			r = add_route(p, &route, true);
		else if (!is_lost(d, prefix))
			continue;
		else if (is_default(d, prefix))
			r = loses_default(d, prefix) ? add_default(p, prefix, d->in->actual->device.fwmark, true) : 0;
		else if ((!is_of_kernel(d, &route) || is_additional(d, &route)) && d->table == d->table_before &&
			 routes_have_applied(&d->in->actual->routes, &route))
			r = add_route(p, &route, true);
	}
	return r;
}

/* With another metric, the new route comes first: meanwhile the traffic does not leave outside the tunnel. */
static int add_missing_route(struct plan *p, const struct route_diff *d, const struct host_state *after,
			     const struct ip_prefix *prefix)
{
	const struct tunnel_file *f = d->in->desired;
	const struct step_route wanted = route_with_metric(d, prefix, f->interface.route_metric);
	struct step_route old = route_with_metric(d, prefix, d->metric_before);
	bool lost = is_lost(d, prefix) || is_taken(d, &old);
	int r;

	if ((route_exists(d, &wanted) && !lost) || becomes_covered(d, prefix) || hook_changed_route(d->in->changes, prefix, d->table))
		return 0;
	r = plan_allowedip_route(p, f, after, prefix);
	if (r < 0 || lost || d->table != d->table_before || old.metric == wanted.metric || is_of_kernel(d, &old) ||
	    !routes_have_metric(&d->in->actual->routes, &old))
		return r;
	old.metric = route_metric_shown(&old); /* without one, the kernel may remove the new route */
	return add_route(p, &old, true);
}

int route_diff_add_routes(struct plan *p, const struct route_diff *d)
{
	const struct tunnel_file *f = d->in->desired;
	const struct host_state *actual = d->in->actual;
	bool ipv6 = ipv6_routes_are_possible(f, actual);
	struct host_state after = *actual;
	int r = 0;

	after.addresses = d->remaining; /* all borrowed */
	for (size_t i = 0; r == 0 && f->interface.table_kind != TABLE_OFF && i < d->desired.n; i++) {
		const struct ip_prefix *prefix = &d->desired.list[i].prefix;
		const struct default_route_diff *route = &d->defaults[prefix->addr.family == IP_V6];
		bool by_default = is_default(d, prefix);
		if (by_default && route->mode == DEFAULT_TUNNEL && !route->complete && !route->changed)
			r = replace_default(p, d, prefix);
		else if (by_default && loses_default(d, prefix))
			r = add_default(p, prefix, d->mark, false);
		else if (!by_default && (prefix->addr.family == IP_V4 || ipv6))
			r = add_missing_route(p, d, &after, prefix);
	}
	return r;
}
