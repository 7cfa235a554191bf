/* The state of the host: look-ups and freeing. */
#include "host_state.h"

#include <errno.h>
#include <stdlib.h>

static int compare_prefixes(const void *a, const void *b)
{
	const struct step_route *x = a, *y = b;
	int family = (int)x->prefix.addr.family - (int)y->prefix.addr.family;
	int bytes = family ? family : memcmp(x->prefix.addr.b, y->prefix.addr.b, 16);

	return bytes ? bytes : (int)x->prefix.bits - (int)y->prefix.bits;
}

static int compare_routes(const void *a, const void *b)
{
	const uint32_t x = route_metric_shown(a), y = route_metric_shown(b);
	int prefix = compare_prefixes(a, b);

	return prefix ? prefix : x < y ? -1 : x > y;
}

bool routes_append(struct routes *r, const struct step_route *route)
{
	if (!vector_reserve(&r->list, &r->cap, r->n + 1, sizeof *r->list))
		return false;
	r->list[r->n++] = *route;
	return true;
}

void routes_sort(struct routes *r)
{
	if (r->n > 0)
		qsort(r->list, r->n, sizeof *r->list, compare_routes);
}

size_t routes_find(const struct routes *sorted, const struct ip_prefix *p)
{
	struct step_route key = { .prefix = *p };
	const struct step_route *found =
		sorted->n > 0 ? bsearch(&key, sorted->list, sorted->n, sizeof key, compare_prefixes) : NULL;

	while (found && found > sorted->list && prefix_equal(&found[-1].prefix, p))
		found--;
	return found ? (size_t)(found - sorted->list) : sorted->n;
}

bool routes_have(const struct routes *sorted, const struct ip_prefix *p)
{
	return routes_find(sorted, p) < sorted->n;
}

bool routes_have_metric(const struct routes *sorted, const struct step_route *r)
{
	return sorted->n > 0 && bsearch(r, sorted->list, sorted->n, sizeof *r, compare_routes) != NULL;
}

bool host_has_ipv6_rules(const struct host_state *s)
{
	for (size_t i = 0; i < s->rules.n; i++)
		if (s->rules.list[i].family == IP_V6)
			return true;
	return false;
}

uint32_t default_route_table(const struct host_state *s, uint8_t family, uint32_t mark)
{
	return family == IP_V4 || host_has_ipv6_rules(s) ? mark : TABLE_MAIN;
}

bool host_has_rule(const struct host_state *s, const struct step_rule *rule)
{
	for (size_t i = 0; i < s->rules.n; i++)
		if (rule_equal(&s->rules.list[i], rule))
			return true;
	return false;
}

const struct step_rule *host_tunnel_rule(const struct host_state *s, uint8_t family, uint32_t mark)
{
	for (size_t i = 0; i < s->rules.n; i++)
		if (s->rules.list[i].family == family && rule_is_tunnel(&s->rules.list[i]) &&
		    s->rules.list[i].mark == mark)
			return &s->rules.list[i];
	return NULL;
}

int tunnels_in_use_add(struct tunnels_in_use *u, uint32_t mark)
{
	if (!vector_reserve(&u->marks.list, &u->marks.cap, u->marks.n + 1, sizeof *u->marks.list))
		return -ENOMEM;
	u->marks.list[u->marks.n++] = mark;
	return 0;
}

bool tunnels_in_use_have(const struct tunnels_in_use *u, uint32_t mark)
{
	for (size_t i = 0; i < u->marks.n; i++)
		if (u->marks.list[i] == mark)
			return true;
	return false;
}

void tunnels_in_use_free(struct tunnels_in_use *u)
{
	string_list_free(&u->names);
	free(u->rules.list);
	free(u->marks.list);
	*u = (struct tunnels_in_use){ 0 };
}

void host_state_free(struct host_state *s)
{
	free(s->links.list);
	addresses_free(&s->addresses);
	free(s->rules.list);
	for (int v6 = 0; v6 < 2; v6++)
		free(s->firewall_rules[v6]);
	device_free(&s->device);
	free(s->routes.list);
	free(s->routes_before.list);
	free(s->mark_routes.list);
	free(s->throws.list);
	free(s->kill_switches.list);
	free(s->kill_switch_rules);
	resolv_conf_free(&s->resolv_conf);
	*s = (struct host_state){ 0 };
}
