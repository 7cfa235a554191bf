/* Inspects the host. */
#include "inspect.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "dns.h"
#include "firewall.h"
#include "firewall_chains.h"
#include "link_create.h"
#include "path_mtu.h"
#include "quick/plan/mtu.h"
#include "sysctl.h"

/* Of an interface that does not exist yet, or has no IPv6 yet because its MTU is too small. */
static bool ipv6_is_default(void)
{
	int disabled = sysctl_read("/proc/sys/net/ipv6/conf/default/disable_ipv6");

	if (disabled < 0 && access("/proc/sys/net", F_OK) < 0)
		return true; /* /proc is not mounted: the kernel will refuse the address */
	return disabled == 0;
}

static void inspect_ipv6(struct host_state *s)
{
	const struct link_info *own = &s->link;

	if (own->index && (own->mtu6 || own->mtu >= MTU_MIN_IPV6))
		s->ipv6 = own->ipv6;
	else
		s->ipv6 = ipv6_is_default();
	s->ipv6_elsewhere = false;
	for (size_t i = 0; i < s->links.n; i++) {
		const struct link_info *l = &s->links.list[i];
		s->ipv6_elsewhere |= l->ipv6 && !l->loopback && l->index != own->index;
	}
}

void host_inspect_firewall(struct host_state *s, const char *name, const struct settings *set)
{
	s->firewall_unwanted = strcmp(set->firewall, "none") == 0;
	if (s->firewall_unwanted)
		s->firewall = FIREWALL_NONE;
	else if (strcmp(set->firewall, "nft") == 0)
		s->firewall = FIREWALL_NFT;
	else if (strcmp(set->firewall, "iptables") == 0)
		s->firewall = FIREWALL_IPTABLES;
	else
		s->firewall = firewall_choose(name);
}

int host_inspect_shared(struct host_state *s, struct rtnetlink *rt)
{
	int r;

	free(s->rules.list);
	s->rules = (struct rules){ 0 };
	r = rtnetlink_rules(rt, IP_V4, &s->rules);
	if (r == 0)
		r = rtnetlink_rules(rt, IP_V6, &s->rules);
	s->src_valid_mark = sysctl_read(sysctl_src_valid_mark);
	return r;
}

int host_inspect(struct host_state *s, struct rtnetlink *rt, const char *name, const struct settings *set)
{
	int r;

	free(s->links.list);
	s->links = (struct links){ 0 };
	addresses_free(&s->addresses);
	s->link = (struct link_info){ 0 };
	r = rtnetlink_links(rt, &s->links);
	for (size_t i = 0; i < s->links.n; i++)
		if (strcmp(s->links.list[i].name, name) == 0)
			s->link = s->links.list[i];
	if (r == 0 && s->link.index)
		r = rtnetlink_addresses(rt, s->link.index, &s->addresses);
	if (r == 0)
		r = host_inspect_shared(s, rt);
	inspect_ipv6(s);
	s->implementation = link_create_program(set);
	return r;
}

int host_inspect_dns(struct host_state *s, const struct dns_file *file, const struct settings *set)
{
	struct text id = text_fixed(s->dns_id, sizeof s->dns_id);
	int r = dns_file_read(&s->resolv_conf, file);

	text_add(&id, dns_file_id(file->journal));
	s->dns = dns_choose(set, &s->resolv_conf, s->dns_prefix);
	return r == -ENOMEM ? r : 0; /* a file that cannot be read is reported when it cannot be written */
}

int host_inspect_device(struct host_state *s, struct ipc *ipc, const char *name)
{
	int r;

	device_free(&s->device);
	r = ipc_get(ipc, &s->device, name);
	return ipc_error_is_no_device(r) ? 0 : r;
}

static int compare_endpoints(const void *a, const void *b)
{
	const struct ip_endpoint *x = a, *y = b;
	int addr = memcmp(&x->addr, &y->addr, sizeof x->addr);

	if (addr || x->port != y->port)
		return addr ? addr : (int)x->port - (int)y->port;
	return x->scope < y->scope ? -1 : x->scope > y->scope;
}

int host_inspect_mtu(struct host_state *s, struct rtnetlink *rt, const struct wg_device *d, uint32_t mark)
{
	struct ip_endpoint *to = calloc(d->n_peers + 1, sizeof *to);
	struct path_lookup l = { .links = &s->links, .rules = &s->rules, .mark = mark, .tunnel = s->link.index, .device = s->bound_device,
				 .port = d->flags & WG_DEVICE_HAS_LISTEN_PORT ? d->listen_port : s->device.listen_port };
	size_t n = 0, unique = 0;
	int r;

	if (!to)
		return -ENOMEM;
	for (uint32_t i = 0; i < d->n_peers; i++)
		if (d->peers[i].flags & WG_PEER_HAS_ENDPOINT)
			to[n++] = d->peers[i].endpoint;
	qsort(to, n, sizeof *to, compare_endpoints);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || compare_endpoints(&to[i], &to[i - 1]) != 0)
			to[unique++] = to[i];
	r = path_mtu(rt, &l, to, unique, &s->path_mtu);
	free(to);
	if (r == 0 && s->path_mtu == 0)
		r = path_mtu_default(rt, &l, &s->path_mtu);
	return r;
}

int host_inspect_table(struct host_state *s, struct rtnetlink *rt, bool (*taken)(const void *ctx, uint32_t table),
		       const void *ctx)
{
	for (uint32_t table = FIRST_TABLE; table < FIRST_TABLE + TABLES_TRIED; table++) {
		struct routes routes = { 0 };
		bool used = taken && taken(ctx, table);
		int r = used ? 0 : rtnetlink_routes(rt, IP_V4, table, 0, &routes);
		if (r == 0 && !used && routes.n == 0)
			r = rtnetlink_routes(rt, IP_V6, table, 0, &routes);
		free(routes.list);
		if (r < 0)
			return r;
		if (!used && routes.n == 0) {
			s->free_table = table;
			return 0;
		}
	}
	return -ENOSPC;
}

/* Also throw routes, unless it is the main table. */
static int inspect_unreachable(struct host_state *s, struct rtnetlink *rt, uint8_t family)
{
	struct routes all = { 0 };
	uint32_t table = default_route_table(s, family, s->device.fwmark);
	int r = table ? rtnetlink_routes(rt, family, table, 0, &all) : 0;

	s->unreachable[family == IP_V6] = false;
	for (size_t i = 0; i < all.n; i++) {
		s->unreachable[family == IP_V6] |= all.list[i].unreachable && all.list[i].prefix.bits == 0;
		if (r == 0 && table != TABLE_MAIN && all.list[i].throw && !routes_append(&s->throws, &all.list[i]))
			r = -ENOMEM;
	}
	free(all.list);
	return r;
}

int host_inspect_routes(struct host_state *s, struct rtnetlink *rt, uint32_t table, uint32_t table_before)
{
	const struct { uint32_t table; struct routes *out; } tables[] = {
		{ table, &s->routes },
		{ table_before != table ? table_before : 0, &s->routes_before },
		{ s->device.fwmark, &s->mark_routes },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(tables); i++) {
		if (!tables[i].table)
			continue;
		r = rtnetlink_routes(rt, IP_V4, tables[i].table, s->link.index, tables[i].out);
		if (r == 0)
			r = rtnetlink_routes(rt, IP_V6, tables[i].table, s->link.index, tables[i].out);
		routes_sort(tables[i].out);
	}
	s->throws.n = 0;
	if (r == 0)
		r = inspect_unreachable(s, rt, IP_V4);
	if (r == 0)
		r = inspect_unreachable(s, rt, IP_V6);
	routes_sort(&s->throws);
	return r;
}

void host_inspect_firewall_rules(struct host_state *s, const char *name, const bool families[2])
{
	for (int v6 = 0; v6 < 2; v6++) {
		uint8_t family = v6 ? IP_V6 : IP_V4;
		struct text rules = text_heap();
		free(s->firewall_rules[v6]);
		s->firewall_rules[v6] = NULL;
		s->missing_chains[v6] = 0;
		if (families[v6] && firewall_list(s->firewall, name, family, &rules) == 0)
			s->firewall_rules[v6] = span_dup(text_of(&rules));
		if (families[v6] && s->firewall == FIREWALL_IPTABLES)
			s->missing_chains[v6] = firewall_chains_missing(family);
		text_heap_free(&rules);
	}
}

bool host_is_wireguard(struct ipc *ipc, const char *name)
{
	struct ipc_names names = { 0 };
	bool found = false;

	if (ipc_list(ipc, &names) < 0)
		return false;
	for (size_t i = 0; i < names.n; i++)
		found |= strcmp(names.list[i].name, name) == 0;
	ipc_names_free(&names);
	return found;
}
