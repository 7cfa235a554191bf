/* A model of a host for tests of plans: its state, tunnel files, and steps performed on the state as the kernel would. */
#ifndef TESTS_MODEL_HOST_H
#define TESTS_MODEL_HOST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/conf.h"
#include "quick/plan/applied.h"
#include "quick/plan/default_route.h"
#include "quick/plan/desired_routes.h"
#include "quick/plan/host_state.h"
#include "quick/plan/mtu.h"
#include "quick/plan/policy_rules.h"
#include "quick/plan/print.h"
#include "../../../lib/slow_device.h"

struct model_host {
	struct host_state state;
	struct routes all_routes; /* over the interface, of all tables */
};

/* A host as most are: IPv6, nft, the kernel's own rules, table 51820 free. */
static inline void model_host_init(struct model_host *h)
{
	static const struct step_rule rules[] = {
		{ .family = IP_V4, .pref = 0, .table = 255 },
		{ .family = IP_V4, .pref = 32766, .table = 254 },
		{ .family = IP_V4, .pref = 32767, .table = 253 },
		{ .family = IP_V6, .pref = 0, .table = 255 },
		{ .family = IP_V6, .pref = 32766, .table = 254 },
	};

	*h = (struct model_host){ .state = { .ipv6 = true,
					     .free_table = 51820,
					     .path_mtu = 1500,
					     .firewall = FIREWALL_NFT,
					     .dns = DNS_RESOLVCONF,
					     .src_valid_mark_before = -1 } };
	h->state.rules.list = malloc(sizeof rules);
	h->state.rules.cap = h->state.rules.n = ARRAY_LEN(rules);
	memcpy(h->state.rules.list, rules, sizeof rules);
}

static inline void model_host_free(struct model_host *h)
{
	host_state_free(&h->state);
	free(h->all_routes.list);
}

/* resolv.conf is the one that the file back-end writes for this tunnel, over "nameserver 192.0.2.1". */
static inline void model_resolv_conf(struct model_host *h, const char *id, const char *server)
{
	struct resolv_conf_tunnel top = { .index = 7, .boot = "-", .init = "-" };
	struct text t = text_heap(), words = text_fixed(top.id, sizeof top.id);

	text_add(&words, id);
	words = text_fixed(h->state.dns_id, sizeof h->state.dns_id);
	text_add(&words, id);
	resolv_conf_free(&h->state.resolv_conf);
	assert_true(string_list_add(&top.dns.servers, span_of(server)));
	assert_true(resolv_conf_parse(&h->state.resolv_conf, SPAN("nameserver 192.0.2.1\n")));
	resolv_conf_print(&t, &h->state.resolv_conf, NULL, &top);
	resolv_conf_free(&h->state.resolv_conf);
	assert_true(resolv_conf_parse(&h->state.resolv_conf, text_of(&t)));
	assert_true(h->state.resolv_conf.intact);
	dns_config_free(&top.dns);
	text_heap_free(&t);
}

/* A kernel without IPV6_MULTIPLE_TABLES. */
static inline void model_without_ipv6_rules(struct model_host *h)
{
	struct rules *r = &h->state.rules;
	size_t kept = 0;

	for (size_t i = 0; i < r->n; i++)
		if (r->list[i].family != IP_V6)
			r->list[kept++] = r->list[i];
	r->n = kept;
}

/* ---- tunnel files ---- */

struct model_reader {
	struct interface_keys_reader interface;
	struct peer_keys_reader peer;
	struct tunnel_file *file;
};

static inline void model_read_section(void *ctx, const struct diag_at *at, bool is_peer)
{
	struct model_reader *r = ctx;
	struct tunnel_file *f = r->file;

	(void)at;
	if (!is_peer)
		return;
	assert_true(vector_reserve(&f->peers, &f->cap_peers, f->n_peers + 1, sizeof *f->peers));
	f->peers[f->n_peers++] = (struct peer_keys){ 0 };
	r->peer.keys = &f->peers[f->n_peers - 1];
}

static inline bool model_read_key(void *ctx, const struct conf_extra *x, int peer, struct diag *d)
{
	struct model_reader *r = ctx;

	return peer < 0 ? interface_keys_read(&r->interface, x, d) : peer_keys_read(&r->peer, x, d);
}

/* As tunnel_file_parse(), except that several peers may have one key. */
static inline void model_read_file(struct tunnel_file *f, const char *text)
{
	struct model_reader reader = { .interface = { .keys = &f->interface, .file = "wg0.conf" },
				       .peer = { .file = "wg0.conf" }, .file = f };
	struct conf_options o = { .file = "wg0.conf", .extra = model_read_key, .section = model_read_section, .ctx = &reader };
	struct diag d = { 0 };

	memcpy(f->name, "wg0", 4);
	memcpy(f->device.name, "wg0", 4);
	f->path = span_dup(SPAN("/etc/wireguard/wg0.conf"));
	assert_int_equal(conf_read(&f->device, span_of(text), &o, &d), 0);
	prefix_set_normalize(&f->interface.excluded);
	assert_false(reader.interface.no_memory || reader.peer.no_memory);
}

/* ---- performing steps ---- */

static inline void model_routes_change(struct routes *r, const struct step_route *route, bool remove)
{
	size_t kept = 0;

	/* Without a metric, the kernel removes the route with the lowest one. */
	for (size_t i = 0; remove && route->metric == 0 && route_is_of_link(route) && i < r->n; i++)
		assert_false(route_is_of_link(&r->list[i]) && r->list[i].table == route->table &&
			     prefix_equal(&r->list[i].prefix, &route->prefix) &&
			     route_metric_shown(&r->list[i]) < route_metric_shown(route));
	for (size_t i = 0; i < r->n; i++)
		if (r->list[i].table != route->table || r->list[i].unreachable != route->unreachable ||
		    r->list[i].throw != route->throw ||
		    route_metric_shown(&r->list[i]) != route_metric_shown(route) ||
		    !prefix_equal(&r->list[i].prefix, &route->prefix))
			r->list[kept++] = r->list[i];
	assert_int_equal(r->n - kept, remove); /* the kernel refuses to add it twice, and to remove what is not there */
	r->n = kept;
	if (remove)
		return;
	assert_true(vector_reserve(&r->list, &r->cap, r->n + 1, sizeof *r->list));
	r->list[r->n] = *route;
	if (route->prefix.addr.family == IP_V6 && route->metric == 1024)
		r->list[r->n].metric = 0; /* the kernel's default */
	r->n++;
}

static inline void model_rules_change(struct rules *r, const struct step_rule *rule, bool remove)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n; i++)
		if (!rule_equal(&r->list[i], rule))
			r->list[kept++] = r->list[i];
	assert_int_equal(r->n - kept, remove);
	r->n = kept;
	if (remove)
		return;
	assert_int_equal(rules_insert(r, rule), 0);
}

static inline bool model_is_secondary(const struct addresses *a, size_t i)
{
	struct ip_prefix network = address_prefix(&a->list[i]);

	for (size_t k = 0; a->list[i].local.family == IP_V4 && k < i; k++) {
		struct ip_prefix other = address_prefix(&a->list[k]);
		if (prefix_equal(&network, &other))
			return true;
	}
	return false;
}

/* The last one: the kernel lists primary IPv4 addresses before secondary ones, and IPv6 addresses newest first. */
static inline void model_address_move(struct addresses *a)
{
	size_t last = a->n - 1, to = last;
	struct interface_address one = a->list[last];
	bool secondary = model_is_secondary(a, last);

	for (size_t i = last; i-- > 0;)
		if (a->list[i].local.family == one.local.family && (one.local.family == IP_V6 || (!secondary && model_is_secondary(a, i))))
			to = i;
	memmove(&a->list[to + 1], &a->list[to], (last - to) * sizeof one);
	a->list[to] = one;
}

/* When a primary address goes, a secondary one becomes the last primary one. */
static inline void model_address_promote(struct addresses *a, const struct ip_prefix *network)
{
	for (size_t i = 0; i < a->n; i++) {
		struct interface_address one = a->list[i];
		struct ip_prefix other = address_prefix(&one);
		if (one.local.family != IP_V4 || !prefix_equal(network, &other))
			continue;
		a->n--;
		memmove(&a->list[i], &a->list[i + 1], (a->n - i) * sizeof one);
		assert_true(addresses_add(a, &one));
		model_address_move(a);
		return;
	}
}

static inline void model_addresses_change(struct addresses *a, const struct interface_address *one, bool remove)
{
	struct ip_prefix network = address_prefix(one);
	bool primary = false;
	size_t kept = 0;

	for (size_t i = 0; i < a->n; i++) {
		if (address_equal(&a->list[i], one))
			primary = !model_is_secondary(a, i);
		else
			a->list[kept++] = a->list[i];
	}
	assert_int_equal(a->n - kept, remove);
	a->n = kept;
	if (remove && primary)
		model_address_promote(a, &network);
	if (remove)
		return;
	assert_null(addresses_find_conflict(a, one));
	assert_true(addresses_add(a, one));
	model_address_move(a);
}

/* With the last IPv6 address of a network, the kernel removes the route with the lowest metric: that of the address, if steps
 * have removed the others. */
static inline void model_assert_own_route_goes(const struct model_host *h, const struct interface_address *a)
{
	struct ip_prefix network = address_prefix(a);

	for (size_t i = 0; i < h->state.addresses.n; i++) {
		struct ip_prefix other = address_prefix(&h->state.addresses.list[i]);
		if (prefix_equal(&network, &other))
			return;
	}
	for (size_t i = 0; a->local.family == IP_V6 && i < h->all_routes.n; i++) {
		const struct step_route *r = &h->all_routes.list[i];
		assert_false(route_is_of_link(r) && r->table == TABLE_MAIN && prefix_equal(&r->prefix, &network) &&
			     route_metric_shown(r) < route_metric_of_address(IP_V6));
	}
}

/* The kernel refuses a second IPv4 route with the same metric as that of an address. */
static inline bool model_is_refused(const struct model_host *h, const struct step *s)
{
	const struct step_route *r = &s->route;

	return s->kind == STEP_ROUTE && !s->remove && route_is_of_link(r) && r->table == TABLE_MAIN &&
	       r->prefix.addr.family == IP_V4 && r->metric == 0 && route_is_connected(&h->state.addresses, &r->prefix);
}

/* An interface that loses its last IPv4 address loses its IPv4 routes. */
static inline void model_routes_flush(struct model_host *h)
{
	size_t kept = 0;

	for (size_t i = 0; i < h->all_routes.n; i++)
		if (!route_is_of_link(&h->all_routes.list[i]) || h->all_routes.list[i].prefix.addr.family != IP_V4)
			h->all_routes.list[kept++] = h->all_routes.list[i];
	h->all_routes.n = kept;
}

/* The kernel has no IPv6 on an interface with a smaller MTU: what it would remove silently was removed by a step. */
static inline void model_assert_no_ipv6(const struct model_host *h)
{
	for (size_t i = 0; i < h->state.addresses.n; i++)
		assert_int_not_equal(h->state.addresses.list[i].local.family, IP_V6);
	for (size_t i = 0; i < h->all_routes.n; i++)
		assert_true(h->all_routes.list[i].unreachable || h->all_routes.list[i].prefix.addr.family != IP_V6);
}

/* Or down: the kernel removes the routes over it. */
static inline void model_link_is_gone(struct model_host *h)
{
	size_t kept = 0;

	for (size_t i = 0; i < h->all_routes.n; i++)
		if (h->all_routes.list[i].unreachable)
			h->all_routes.list[kept++] = h->all_routes.list[i];
	h->all_routes.n = kept;
}

static inline void model_link_change(struct model_host *h, bool remove)
{
	struct host_state *s = &h->state;

	if (remove) {
		addresses_free(&s->addresses);
		device_free(&s->device);
		model_link_is_gone(h);
	}
	s->link = remove ? (struct link_info){ 0 } : (struct link_info){ .index = 7, .mtu = 1420, .name = "wg0" };
}

/* As firewall_is_complete() counts them. */
static inline void model_firewall_change(struct host_state *s, const struct plan *p, const struct step *step)
{
	char **rules = &s->firewall_rules[step->firewall.family == IP_V6];
	struct text t = text_heap();

	for (size_t i = 0; !step->remove && i < p->guarded.n; i++) {
		if (p->guarded.list[i].local.family != step->firewall.family)
			continue;
		text_add(&t, "\t\tdaddr ");
		ip_print(&t, &p->guarded.list[i].local);
		text_add(&t, " drop\n");
	}
	text_add(&t, step->remove ? "" : "\t\tsave\n\t\trestore\n");
	free(*rules);
	*rules = span_dup(text_of(&t));
	text_heap_free(&t);
}

/* As another program does. */
static inline void model_lose_firewall(struct model_host *h, unsigned int v6)
{
	free(h->state.firewall_rules[v6]);
	h->state.firewall_rules[v6] = span_dup(SPAN(""));
}

static inline void model_perform_step(struct model_host *h, const struct plan *p, const struct step *step)
{
	struct host_state *s = &h->state;

	switch ((enum step_kind)step->kind) {
	case STEP_LINK:
		model_link_change(h, step->remove);
		return;
	case STEP_WG:
		slow_apply(&s->device, step->wg.patch);
		s->device.flags = s->device.fwmark ? WG_DEVICE_HAS_FWMARK : 0; /* as ipc_get() reports it */
		return;
	case STEP_ADDRESS:
		assert_true(step->remove || step->address.local.family != IP_V6 || s->link.mtu >= MTU_MIN_IPV6);
		model_addresses_change(&s->addresses, &step->address, step->remove);
		if (step->remove)
			model_assert_own_route_goes(h, &step->address);
		if (step->address.local.family == IP_V4 && !addresses_have_family(&s->addresses, IP_V4))
			model_routes_flush(h);
		return;
	case STEP_LINK_UP:
		s->link.mtu = step->link_up.mtu;
		s->link.up = !step->remove || step->link_up.was_up;
		if (s->link.mtu < MTU_MIN_IPV6)
			model_assert_no_ipv6(h);
		return;
	case STEP_ROUTE:
		assert_true(step->remove || !route_is_of_link(&step->route) || step->route.prefix.addr.family != IP_V6 ||
			    s->link.mtu >= MTU_MIN_IPV6);
		model_routes_change(&h->all_routes, &step->route, step->remove);
		return;
	case STEP_RULE:
		assert_true(step->rule.family != IP_V6 || host_has_ipv6_rules(s));
		model_rules_change(&s->rules, &step->rule, step->remove);
		return;
	case STEP_SYSCTL:
		s->src_valid_mark = step->remove ? step->sysctl.before : step->sysctl.value;
		return;
	case STEP_FIREWALL:
		model_firewall_change(s, p, step);
		return;
	case STEP_BIND:
		assert_true(binding_equal(&s->binding, &step->bind.before));
		s->binding = step->bind.to;
		return;
	case STEP_HOOK:
	case STEP_DNS:
	case STEP_KILL_SWITCH:
	case STEP_NETNS:
		return;
	}
	unreachable();
}

/* Marks those steps done that the kernel does not refuse. */
static inline void model_perform(struct model_host *h, struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		p->steps[i].done = !model_is_refused(h, &p->steps[i]);
		if (p->steps[i].done)
			model_perform_step(h, p, &p->steps[i]);
	}
}

/* Of the main table, with those that the kernel adds for addresses. */
static inline void model_append_connected(const struct host_state *s, struct routes *out)
{
	for (size_t i = 0; i < s->addresses.n; i++) {
		const struct interface_address *a = &s->addresses.list[i];
		struct step_route route = { .prefix = address_prefix(a), .table = TABLE_MAIN, .metric = a->local.family == IP_V4 ? 0 : 256 };
		if (address_has_route(a))
			assert_true(routes_append(out, &route));
	}
}

/* What host_inspect_routes() does. */
static inline void model_inspect_routes(struct model_host *h, uint32_t table, uint32_t before)
{
	struct host_state *s = &h->state;
	const struct { uint32_t table; struct routes *out; } tables[] = {
		{ table, &s->routes },
		{ before != table ? before : 0, &s->routes_before },
		{ s->device.fwmark, &s->mark_routes },
	};

	for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
		struct routes *out = tables[t].out;
		out->n = 0;
		for (size_t i = 0; tables[t].table && i < h->all_routes.n; i++) {
			if (h->all_routes.list[i].table != tables[t].table || !route_is_of_link(&h->all_routes.list[i]))
				continue;
			assert_true(vector_reserve(&out->list, &out->cap, out->n + 1, sizeof *out->list));
			out->list[out->n++] = h->all_routes.list[i];
		}
		if (tables[t].table == TABLE_MAIN)
			model_append_connected(s, out);
		routes_sort(out);
	}
	s->throws.n = 0;
	for (size_t i = 0; i < h->all_routes.n; i++)
		if (h->all_routes.list[i].throw && h->all_routes.list[i].table == s->device.fwmark)
			assert_true(routes_append(&s->throws, &h->all_routes.list[i]));
	routes_sort(&s->throws);
	s->unreachable[0] = s->unreachable[1] = false;
	for (size_t i = 0; i < h->all_routes.n; i++)
		if (h->all_routes.list[i].unreachable &&
		    h->all_routes.list[i].table ==
			    default_route_table(s, h->all_routes.list[i].prefix.addr.family, s->device.fwmark))
			s->unreachable[h->all_routes.list[i].prefix.addr.family == IP_V6] = true;
}

/* ---- texts to compare ---- */

static inline int model_compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static inline void model_add_line(struct string_list *lines, struct text *t)
{
	assert_true(string_list_add(lines, text_of(t)));
	t->n = 0;
}

/* In their order. */
static inline void model_print_addresses(struct string_list *lines, const struct addresses *a, uint8_t family)
{
	struct text t = text_heap();

	text_add(&t, "addresses");
	for (size_t i = 0; i < a->n; i++) {
		if (a->list[i].local.family != family)
			continue;
		text_char(&t, ' ');
		address_print(&t, &a->list[i]);
	}
	model_add_line(lines, &t);
	text_heap_free(&t);
}

/* All of the state but the device, sorted lines. */
static inline void model_print(struct string_list *lines, const struct model_host *h)
{
	const struct host_state *s = &h->state;
	char line[256];
	struct text t = text_fixed(line, sizeof line);

	text_f(&t, "link %u mtu %u up %u", s->link.index, s->link.mtu, (unsigned int)s->link.up);
	model_add_line(lines, &t);
	text_f(&t, "firewall %s|%s sysctl %d", s->firewall_rules[0] ? s->firewall_rules[0] : "",
	       s->firewall_rules[1] ? s->firewall_rules[1] : "", s->src_valid_mark);
	model_add_line(lines, &t);
	for (size_t i = 0; i < s->rules.n; i++) {
		const struct step_rule *r = &s->rules.list[i];
		text_f(&t, "rule %u pref %u mark %u table %u %u%u", (unsigned int)r->family, r->pref, r->mark, r->table,
		       (unsigned int)r->invert, (unsigned int)r->suppress);
		model_add_line(lines, &t);
	}
	model_print_addresses(lines, &s->addresses, IP_V4);
	model_print_addresses(lines, &s->addresses, IP_V6);
	for (size_t i = 0; i < h->all_routes.n; i++) {
		text_f(&t, "%sroute %u ", h->all_routes.list[i].unreachable ? "unreachable " : "",
		       h->all_routes.list[i].table);
		prefix_print(&t, &h->all_routes.list[i].prefix);
		text_f(&t, " metric %u", h->all_routes.list[i].metric);
		model_add_line(lines, &t);
	}
	qsort(lines->list, lines->n, sizeof *lines->list, model_compare_lines);
}

static inline void assert_same_strings(const struct string_list *a, const struct string_list *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++)
		assert_string_equal(a->list[i], b->list[i]);
}

static inline void assert_lines(const struct plan *p, const char *expected)
{
	struct text t = text_heap();

	for (size_t i = 0; i < p->n; i++)
		step_print(&t, p, &p->steps[i], false);
	text_char(&t, '\0');
	assert_string_equal(t.p, expected);
	text_heap_free(&t);
}

#define PEER "[Peer]\nPublicKey = Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk=\n"
#define OTHER_PEER "[Peer]\nPublicKey = 0fL+RwDYPBZ9BSD/0o5uJjBVnDHyPBTbqNZ6mZ+nNHU=\n"

#endif
