/* Inspects resources that tunnels use or left behind. */
#include "inspect_tunnels.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>

#include "inspect.h"

static bool has_table(const struct table_uses *uses, uint32_t table)
{
	for (size_t i = 0; i < uses->n; i++)
		if (uses->list[i].table == table)
			return true;
	return false;
}

static int inspect_family(struct table_use *use, struct routes *throws, struct rtnetlink *rt, uint8_t family, size_t *n)
{
	struct routes routes = { 0 };
	int r = rtnetlink_routes(rt, family, use->table, 0, &routes);
	size_t v6 = family == IP_V6;

	for (size_t i = 0; i < routes.n; i++) {
		const struct step_route *route = &routes.list[i];
		use->unreachable[v6] |= route->prefix.bits == 0 && route->unreachable;
		use->other_default[v6] |= route->prefix.bits == 0 && !route->unreachable;
		if (r == 0 && route->throw && !routes_append(throws, route))
			r = -ENOMEM;
	}
	*n += routes.n;
	free(routes.list);
	return r;
}

/* *routes (may be null): how many the table has. */
static int add_table(struct table_uses *out, struct rtnetlink *rt, uint32_t table, size_t *routes)
{
	struct table_use use = { .table = table };
	size_t n = 0, throws = out->throws.n;
	int r = inspect_family(&use, &out->throws, rt, IP_V4, &n);

	if (r == 0)
		r = inspect_family(&use, &out->throws, rt, IP_V6, &n);
	if (routes)
		*routes = n;
	if (r < 0 || has_table(out, table)) {
		out->throws.n = throws;
		return r;
	}
	if (!vector_reserve(&out->list, &out->cap, out->n + 1, sizeof *out->list))
		return -ENOMEM;
	out->list[out->n++] = use;
	return 0;
}

/* Those that an `up` would skip in its search for a free one. */
static int add_chosen_tables(struct table_uses *out, struct rtnetlink *rt)
{
	size_t routes = 1;
	int r = 0;

	for (uint32_t table = FIRST_TABLE; r == 0 && routes > 0 && table < FIRST_TABLE + TABLES_TRIED; table++)
		r = add_table(out, rt, table, &routes);
	return r;
}

int host_inspect_tables(struct table_uses *out, struct rtnetlink *rt, const struct rules *rules, uint32_t table)
{
	bool rules6 = false, tunnels = false;
	int r = add_chosen_tables(out, rt);

	for (size_t i = 0; r == 0 && i < rules->n; i++) {
		const struct step_rule *rule = &rules->list[i];
		rules6 |= rule->family == IP_V6;
		tunnels |= rule_is_tunnel(rule);
		if (rule_is_tunnel(rule) && !has_table(out, rule->mark))
			r = add_table(out, rt, rule->mark, NULL);
	}
	if (r == 0 && table && !has_table(out, table))
		r = add_table(out, rt, table, NULL);
	return r < 0 || rules6 || !tunnels ? r : add_table(out, rt, TABLE_MAIN, NULL);
}

int host_inspect_marks(struct tunnels_in_use *out, struct ipc *ipc)
{
	struct ipc_names names;
	int r = ipc_list(ipc, &names);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		struct wg_device d;
		r = ipc_get_listed(ipc, &d, &names.list[i]);
		if (r == 0 && d.fwmark)
			r = tunnels_in_use_add(out, d.fwmark);
		device_free(&d);
		if (r == -ECONNREFUSED || ipc_error_is_no_device(r))
			r = 0;
	}
	ipc_names_free(&names);
	return r;
}

static bool is_listed(const struct ipc_names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->list[i].name, name) == 0)
			return true;
	return false;
}

int host_inspect_unknown(struct string_list *out, const struct string_list *names, struct ipc *ipc)
{
	struct ipc_names known;
	int r = ipc_list(ipc, &known);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < names->n; i++)
		if (if_nametoindex(names->list[i]) != 0 && !is_listed(&known, names->list[i]) &&
		    !string_list_add(out, span_of(names->list[i])))
			r = -ENOMEM;
	ipc_names_free(&known);
	return r;
}

static int add_links(struct tunnels_in_use *out, struct rtnetlink *rt)
{
	struct links links = { 0 };
	int r = rtnetlink_links(rt, &links);

	for (size_t i = 0; r == 0 && i < links.n; i++)
		if (!string_list_add(&out->names, span_of(links.list[i].name)))
			r = -ENOMEM;
	free(links.list);
	return r;
}

int host_inspect_names(struct tunnels_in_use *out, struct rtnetlink *rt, struct ipc *ipc)
{
	struct ipc_names names;
	int r = ipc_list(ipc, &names);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (!string_list_add(&out->names, span_of(names.list[i].name)))
			r = -ENOMEM;
	ipc_names_free(&names);
	return r < 0 ? r : add_links(out, rt);
}
