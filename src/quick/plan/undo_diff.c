/* The plan that undoes a reload which failed. */
#include "undo_diff.h"

#include <errno.h>
#include <stdlib.h>

#include "desired_routes.h"
#include "diff_kill_switch.h"
#include "inverse.h"
#include "kill_switch.h"

/* The inverses, newest first, but with the addresses in their order of before, and after them the routes that the kernel removes with
 * an address, or refuses while the interface has it. */
struct undo {
	const struct plan *inverses;     /* of the steps of the reload */
	const struct applied *applied;   /* null: the tunnel has no journal */
	const struct host_state *before;
	struct plan addresses;           /* the steps that restore the addresses; owned */
	bool flushed_ipv4;               /* with the last IPv4 address, the kernel removed all IPv4 routes, or does so now */
};

static int add_step(struct plan *out, const struct step *s)
{
	struct step *copy = plan_add(out, (enum step_kind)s->kind);

	if (!copy)
		return -ENOMEM;
	*copy = *s;
	return 0;
}

/* ---- addresses ---- */

static int change_address(struct plan *out, const struct interface_address *a, bool remove)
{
	const struct step s = { .kind = STEP_ADDRESS, .remove = remove, .address = *a };

	return add_step(out, &s);
}

static bool is_restored(const struct undo *u, const struct interface_address *a)
{
	for (size_t i = 0; i < u->inverses->n; i++) {
		const struct step *s = &u->inverses->steps[i];
		if (s->kind == STEP_ADDRESS && !s->remove && address_equal(&s->address, a))
			return true;
	}
	return false;
}

/* The one of the reload that the interface cannot have as well as this one; or null. */
static const struct interface_address *find_conflict(const struct undo *u, const struct interface_address *a)
{
	for (size_t i = 0; i < u->inverses->n; i++) {
		const struct step *s = &u->inverses->steps[i];
		const struct addresses one = { .list = (struct interface_address *)(uintptr_t)&s->address, .n = 1 };
		if (s->kind == STEP_ADDRESS && s->remove && addresses_find_conflict(&one, a))
			return &s->address;
	}
	return NULL;
}

static const struct interface_address *address_at(const struct undo *u, uint8_t family, size_t i)
{
	const struct addresses *before = &u->before->addresses;

	return &before->list[family == IP_V4 ? i : before->n - 1 - i]; /* the kernel lists IPv6 addresses newest first */
}

static bool is_removed(const struct undo *u, const struct interface_address *a)
{
	for (size_t i = 0; i < u->addresses.n; i++)
		if (u->addresses.steps[i].remove && address_equal(&u->addresses.steps[i].address, a))
			return true;
	return false;
}

/* Those of the reload. */
static int remove_added(struct undo *u, uint8_t family)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < u->inverses->n; i++) {
		const struct step *s = &u->inverses->steps[i];
		if (s->kind == STEP_ADDRESS && s->remove && s->address.local.family == family && !is_removed(u, &s->address))
			r = add_step(&u->addresses, s);
	}
	return r;
}

/* Those of other programs have attributes that are not known here. */
static bool is_own(const struct undo *u, const struct interface_address *a)
{
	return u->applied ? addresses_have(&u->applied->addresses, a) : !ip_is_v6_link_local(&a->local);
}

/* That of the reload which the interface cannot have as well goes first. */
static int restore_oldest(struct undo *u, const struct interface_address *a)
{
	const struct interface_address *conflict = find_conflict(u, a);
	int r = conflict ? change_address(&u->addresses, conflict, true) : 0;

	return r < 0 ? r : change_address(&u->addresses, a, false);
}

static int remove_younger(struct undo *u, uint8_t family, size_t from)
{
	int r = remove_added(u, family);

	for (size_t i = from; r == 0 && i < u->before->addresses.n; i++) {
		const struct interface_address *a = address_at(u, family, i);
		if (a->local.family == family && !is_restored(u, a) && is_own(u, a))
			r = change_address(&u->addresses, a, true);
	}
	return r;
}

/* Of several source addresses, the kernel chooses by age: those that are younger than a restored one are removed, and added again
 * after it. The oldest one is added before they are removed, because an interface without an address loses its IPv4 routes; the
 * others afterwards, because the kernel would make them secondary to one that goes, and then promotes them to the last place. */
static int restore_addresses(struct undo *u, uint8_t family)
{
	bool found = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < u->before->addresses.n; i++) {
		const struct interface_address *a = address_at(u, family, i);
		if (a->local.family != family || (!is_restored(u, a) && !(found && is_own(u, a))))
			continue;
		r = found ? change_address(&u->addresses, a, false) : restore_oldest(u, a);
		if (r == 0 && !found)
			r = remove_younger(u, family, i + 1);
		found = true;
	}
	return r < 0 || found ? r : remove_added(u, family);
}

/* The reload removed all IPv4 addresses, or the undo does: the reload added the first ones. */
static bool loses_ipv4(const struct undo *u)
{
	bool had = false, lost = true, added = false;

	for (size_t i = 0; i < u->before->addresses.n; i++) {
		const struct interface_address *a = &u->before->addresses.list[i];
		had |= a->local.family == IP_V4;
		lost &= a->local.family != IP_V4 || is_restored(u, a);
	}
	for (size_t i = 0; i < u->inverses->n; i++)
		added |= u->inverses->steps[i].kind == STEP_ADDRESS && u->inverses->steps[i].remove &&
			 u->inverses->steps[i].address.local.family == IP_V4;
	return had ? lost && !added : added;
}

static int plan_addresses(struct undo *u)
{
	int r = restore_addresses(u, IP_V4);

	u->flushed_ipv4 = loses_ipv4(u);
	return r < 0 ? r : restore_addresses(u, IP_V6);
}

/* ---- routes that the kernel removes with an address ---- */

static bool is_network_of_removed(const struct undo *u, const struct step_route *route)
{
	for (size_t i = 0; i < u->addresses.n; i++) {
		const struct step *s = &u->addresses.steps[i];
		if (s->remove && route->table == TABLE_MAIN && route_is_of_address(&route->prefix, &s->address))
			return true;
	}
	return false;
}

/* And not a route of an address, which the kernel adds itself. */
static bool is_flushed(const struct undo *u, const struct step_route *route)
{
	bool of_address = route->table == TABLE_MAIN && route->metric == route_metric_of_address(IP_V4) &&
			  route_is_connected(&u->before->addresses, &route->prefix);

	return u->flushed_ipv4 && route->prefix.addr.family == IP_V4 && route_is_of_link(route) && !of_address;
}

static bool restores_route(const struct step *s)
{
	return s->kind == STEP_ROUTE && !s->remove && route_is_of_link(&s->route);
}

/* Until then, the kernel has the route of an address and refuses this one, or will remove it. */
static bool waits_for_addresses(const struct undo *u, const struct step *s)
{
	return restores_route(s) && (is_network_of_removed(u, &s->route) || is_flushed(u, &s->route));
}

static bool is_among_inverses(const struct undo *u, const struct step_route *route)
{
	for (size_t i = 0; i < u->inverses->n; i++) {
		const struct step *s = &u->inverses->steps[i];
		if (restores_route(s) && s->route.table == route->table && prefix_equal(&s->route.prefix, &route->prefix) &&
		    route_metric_shown(&s->route) == route_metric_shown(route))
			return true;
	}
	return false;
}

/* True for a route that the kernel would remove in place of that of an address. */
static bool is_taken(const struct undo *u, const struct step_route *route)
{
	return route_metric_shown(route) < route_metric_of_address(route->prefix.addr.family) && is_network_of_removed(u, route) &&
	       !is_among_inverses(u, route);
}

typedef bool route_filter(const struct undo *u, const struct step_route *route);

static int change_routes(struct plan *out, const struct undo *u, const struct routes *routes, route_filter *filter, bool remove)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < routes->n; i++) {
		const struct step s = { .kind = STEP_ROUTE, .route = routes->list[i], .remove = remove };
		if (filter(u, &s.route))
			r = add_step(out, &s);
	}
	return r;
}

/* All lists of routes of before, without duplicates. */
static int change_routes_of_before(struct plan *out, const struct undo *u, route_filter *filter, bool remove)
{
	const struct host_state *s = u->before;
	uint32_t mark = s->device.fwmark;
	bool has_mark = (s->routes.n > 0 && s->routes.list[0].table == mark) ||
			(s->routes_before.n > 0 && s->routes_before.list[0].table == mark);
	int r = change_routes(out, u, &s->routes, filter, remove);

	if (r == 0)
		r = change_routes(out, u, &s->routes_before, filter, remove);
	return r < 0 || has_mark ? r : change_routes(out, u, &s->mark_routes, filter, remove);
}

/* ---- all ---- */

static int add_waiting(struct plan *out, const struct undo *u)
{
	int r = change_routes_of_before(out, u, is_flushed, false);

	for (size_t i = 0; r == 0 && i < u->inverses->n; i++) {
		const struct step *s = &u->inverses->steps[i];
		if (waits_for_addresses(u, s) && !is_flushed(u, &s->route))
			r = add_step(out, s);
	}
	return r;
}

static int add_addresses(struct plan *out, const struct undo *u)
{
	int r = change_routes_of_before(out, u, is_taken, true);

	for (size_t i = 0; r == 0 && i < u->addresses.n; i++)
		r = add_step(out, &u->addresses.steps[i]);
	if (r == 0)
		r = change_routes_of_before(out, u, is_taken, false);
	return r < 0 ? r : add_waiting(out, u);
}

/* The addresses change where the reload changed the last of them. */
static int arrange(struct plan *out, struct undo *u)
{
	bool changed = false;
	int r = plan_addresses(u);

	for (size_t i = 0; r == 0 && i < u->inverses->n; i++) {
		const struct step *s = &u->inverses->steps[i];
		if (s->kind == STEP_ADDRESS && !changed)
			r = add_addresses(out, u);
		else if (s->kind != STEP_ADDRESS && !waits_for_addresses(u, s))
			r = add_step(out, s);
		changed |= s->kind == STEP_ADDRESS;
	}
	return r;
}

/* Replaces the steps of *out, which are the inverses. */
static int arrange_inverses(struct plan *out, const struct applied *applied, const struct host_state *before)
{
	const struct plan inverses = { .steps = out->steps, .n = out->n };
	struct undo u = { .inverses = &inverses, .applied = applied, .before = before };
	int r;

	out->steps = NULL;
	out->n = out->cap = 0;
	r = arrange(out, &u);
	plan_free(&u.addresses);
	free(inverses.steps);
	return r;
}

/* The rules of a family that the reload replaced are those of the journal again, not none. */
static void restore_firewall(struct plan *undo, const struct plan *applied)
{
	for (size_t i = 0; i < undo->n; i++)
		for (size_t k = 0; undo->steps[i].kind == STEP_FIREWALL && k < applied->n; k++)
			if (applied->steps[k].kind == STEP_FIREWALL &&
			    applied->steps[k].firewall.family == undo->steps[i].firewall.family)
				undo->steps[i] = applied->steps[k];
}

/* Without its metric, the kernel would remove the route with the lower one, which has been restored by then. */
static void name_metrics(struct plan *undo)
{
	for (size_t i = 0; i < undo->n; i++) {
		struct step *s = &undo->steps[i];
		if (s->kind == STEP_ROUTE && s->remove && s->route.metric == 0 && route_is_of_link(&s->route))
			s->route.metric = route_metric_shown(&s->route);
	}
}

int plan_undo_diff(struct plan *out, const struct plan *p, const struct applied *applied, const struct host_state *before)
{
	int r = plan_undo(out, p, false);

	if (r == 0)
		r = arrange_inverses(out, applied, before);
	if (r < 0 || !applied)
		return r;
	if (applied->route_metric)
		name_metrics(out);
	restore_firewall(out, &applied->plan);
	diff_kill_switch_restore(out, &applied->plan);
	r = plan_add_kill_switches(out, &p->kill_switches);
	addresses_free(&out->guarded);
	for (size_t i = 0; r == 0 && i < applied->plan.guarded.n; i++)
		r = addresses_add(&out->guarded, &applied->plan.guarded.list[i]) ? 0 : -ENOMEM;
	return r;
}
