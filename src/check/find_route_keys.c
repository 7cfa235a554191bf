/* Findings about the keys that change which routes wg-quick adds, and how. */
#include "finding.h"

/* The routes that RouteMetric is about: those of allowed IPs other than default routes, unless a table is given. */
static bool has_routes_with_metric(const struct check_file *f)
{
	for (size_t i = 0; i < f->n_routed; i++)
		if (f->routed[i].prefix.bits > 0 || f->table_given)
			return true;
	return false;
}

static void metric_without_effect(struct check *c, const struct check_file *f, const struct finding *self)
{
	if (!f->metric_at.line)
		return;
	if (f->table_off) {
		found(c, self, f, &f->metric_at, "RouteMetric has no effect: with Table = off, wg-quick adds no routes");
		found_help(c, "remove RouteMetric, or use the metric in the hooks that add routes");
	} else if (f->n_routed > 0 && !has_routes_with_metric(f)) {
		found(c, self, f, &f->metric_at, "RouteMetric has no effect: the default route is in a separate routing table, in which no "
		      "other route competes with it");
		found_help(c, "remove RouteMetric, or add Table = main to let the default route compete with that of the host");
	}
}

static void exclusions_without_effect(struct check *c, const struct check_file *f, const struct finding *self)
{
	struct prefix_set routed = { 0 };
	char text[IP_PREFIX_TEXT_MAX];

	for (size_t i = 0; f->n_exclusions > 0 && i < f->n_routed; i++)
		if (!prefix_set_append(&routed, &f->routed[i].prefix))
			c->no_memory = true;
	prefix_set_normalize(&routed);
	for (size_t i = 0; i < f->n_exclusions; i++) {
		const struct check_exclusion *e = &f->exclusions[i];
		if (f->table_off) {
			found(c, self, f, &e->at, "ExcludeIPs has no effect: with Table = off, wg-quick adds no routes");
			found_help(c, "remove ExcludeIPs, or leave these addresses out of the routes that hooks add");
		} else if (f->n_routed > 0 && !prefix_set_overlaps(&routed, &e->prefix)) {
			found(c, self, f, &e->at, "%s is excluded, but no %s any of its addresses", prefix_text(text, &e->prefix),
			      f->routed == f->ips ? "AllowedIPs contain" : "route has");
			found_help(c, "remove it from ExcludeIPs: wg-quick adds no route to it");
		}
	}
	prefix_set_free(&routed);
}

static void routes_without_effect(struct check *c, const struct check_file *f, const struct finding *self)
{
	for (size_t i = 0; f->table_off && i < f->n_routes; i++) {
		if (i > 0 && f->routes[i].section == f->routes[i - 1].section)
			continue;
		found(c, self, f, &f->routes[i].at, "Routes has no effect: with Table = off, wg-quick adds no routes");
		found_help(c, "remove Routes, or Table = off");
	}
}

static void key_without_effect(struct check *c, const struct check_file *f, const struct finding *self)
{
	if (f->has_errors)
		return;
	metric_without_effect(c, f, self);
	exclusions_without_effect(c, f, self);
	routes_without_effect(c, f, self);
}

/* ---- route-outside-allowed-ips: as peer_routes_check() of wg-quick reports it ---- */

static void check_peer_routes(struct check *c, const struct check_file *f, const struct finding *self, const struct check_peer *p)
{
	struct prefix_set allowed = { 0 };
	char text[IP_PREFIX_TEXT_MAX];

	for (size_t i = p->first_ip; i < p->first_ip + p->n_ips; i++)
		if (!prefix_set_append(&allowed, &f->ips[i].prefix))
			c->no_memory = true;
	prefix_set_normalize(&allowed);
	for (size_t i = 0; i < f->n_routes; i++) {
		const struct check_route *r = &f->routes[i];
		if (r->section != p->section.line || prefix_set_covers(&allowed, &r->prefix))
			continue;
		found(c, self, f, &r->at, "Routes: %s is not within the AllowedIPs of this peer", prefix_text(text, &r->prefix));
		found_help(c, "add it to AllowedIPs, without which the peer does not get its packets");
	}
	prefix_set_free(&allowed);
}

static void route_outside_allowed_ips(struct check *c, const struct check_file *f, const struct finding *self)
{
	for (size_t i = 0; i < f->n_peers; i++)
		if (f->peers[i].has_routes && f->peers[i].is_sound)
			check_peer_routes(c, f, self, &f->peers[i]);
}

static const struct finding list[] = {
	{ .id = "key-without-effect", .title = "a key that changes nothing in this file", .level = DIAG_NOTE,
	  .in_file = key_without_effect,
	  .why = "RouteMetric is the metric of the routes that wg-quick adds to the main table, or to the table that Table names. There are "
		 "none with Table = off, and the default routes of Table = auto are in a separate table. ExcludeIPs takes addresses out of "
		 "the routes to AllowedIPs, so that it does nothing for other addresses.",
	  .wrong = "[Interface]\nRouteMetric = 50\nTable = off", .right = "[Interface]\nRouteMetric = 50",
	  .fix = "Remove the key, or the one that makes it useless." },
	{ .id = "route-outside-allowed-ips", .title = "a route for packets that the peer does not get", .level = DIAG_ERROR,
	  .in_file = route_outside_allowed_ips,
	  .why = "Routes names the prefixes that are routed into the tunnel for a peer, instead of all of its AllowedIPs. AllowedIPs decide "
		 "which peer gets a packet in the tunnel: packets to a prefix outside them would be dropped, or reach another peer.",
	  .wrong = "AllowedIPs = 10.0.0.0/24\nRoutes = 10.1.0.0/24", .right = "AllowedIPs = 10.0.0.0/24, 10.1.0.0/24\nRoutes = 10.1.0.0/24",
	  .fix = "Add the prefix to AllowedIPs, or remove it from Routes." },
};
const struct finding_group findings_of_route_keys = { list, ARRAY_LEN(list) };
