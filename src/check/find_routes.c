/* Findings about routes and name servers, which wg-quick sets up from the file. */
#include "finding.h"
#include "model/endpoint_inside.h"

/* False if the file leaves the routes to others. */
static bool adds_routes(const struct check_file *f)
{
	return f->in.is_quick && !f->table_off && !f->table_other;
}

enum { HOOK_READ = 4096 }; /* bytes of a hook */

static bool hooks_contain(const struct check_file *f, const char *text)
{
	for (size_t i = 0; i < f->n_hooks; i++)
		if (span_contains(span_sub(f->hooks[i].text, 0, HOOK_READ), text))
			return true;
	return false;
}

/* The first route of this family with at most one bit. */
static size_t find_default(const struct check_file *f, enum ip_family family)
{
	size_t i = 0;

	while (i < f->n_routed && (f->routed[i].prefix.addr.family != family || f->routed[i].prefix.bits > 1))
		i++;
	return i;
}

static bool is_excluded(const struct check_file *f, const struct ip_addr *a)
{
	struct ip_prefix one;

	return prefix_make(&one, a, ip_bits(a)) && prefix_set_covers(&f->excluded, &one);
}

static void default_v4_without_v6(struct check *c, const struct check_file *f, const struct finding *self)
{
	const struct ip_prefix all_v6 = { .addr.family = IP_V6 };
	size_t i = find_default(f, IP_V4);

	if (!adds_routes(f) || f->kill_switch_at.line || prefix_set_covers(&f->excluded, &all_v6) || !f->routes_v4 || f->routes_v6 || i == f->n_routed || hooks_contain(f, "ip6tables") ||
	    hooks_contain(f, "ipv6") || hooks_contain(f, "-6") || hooks_contain(f, "nft"))
		return;
	found(c, self, f, &f->routed_at[i], "all IPv4 traffic goes through the tunnel, but IPv6 traffic, if the host has any, does not");
	found_help(c, "add ::/0 to AllowedIPs: IPv6 traffic is then carried or blocked, but does not leave outside the tunnel");
}

/* ---- dns-outside-tunnel ---- */

static bool is_private(const struct ip_addr *a)
{
	static const struct ip_prefix private[] = {
		{ { IP_V4, { 10 } }, 8 }, { { IP_V4, { 172, 16 } }, 12 }, { { IP_V4, { 192, 168 } }, 16 },
		{ { IP_V4, { 100, 64 } }, 10 }, { { IP_V6, { 0xfc } }, 7 },
	};

	for (size_t i = 0; i < ARRAY_LEN(private); i++)
		if (prefix_contains(&private[i], a))
			return true;
	return false;
}

static bool is_local(const struct ip_addr *a)
{
	static const uint8_t loopback[16] = { [15] = 1 };

	return a->family == IP_V4 ? a->b[0] == 127 || (a->b[0] == 169 && a->b[1] == 254)
				  : ip_is_v6_link_local(a) || memcmp(a->b, loopback, sizeof loopback) == 0;
}

/* Address networks are routed into the tunnel as well. */
static bool in_own_network(const struct check_file *f, const struct ip_addr *a)
{
	struct ip_prefix network;

	for (size_t i = 0; i < f->n_addresses; i++)
		if (prefix_make(&network, &f->addresses[i].addr, f->addresses[i].bits) && prefix_contains(&network, a))
			return true;
	return false;
}

static void dns_outside_tunnel(struct check *c, const struct check_file *f, const struct finding *self)
{
	char text[IP_PREFIX_TEXT_MAX];

	if (!adds_routes(f) || f->n_ips == 0 || f->has_errors)
		return;
	for (size_t i = 0; i < f->n_servers; i++) {
		const struct check_server *s = &f->servers[i];
		bool excluded = is_excluded(f, &s->addr);
		if (is_local(&s->addr) || (prefix_table_find(&f->routed_table, &s->addr, 128) && !excluded) ||
		    in_own_network(f, &s->addr) || hooks_contain(f, address_text(text, &s->addr)))
			continue;
		found(c, self, f, &s->at, "queries to the name server %s do not go through the tunnel: it is in %s",
		      address_text(text, &s->addr), excluded ? "ExcludeIPs" : f->routed == f->ips ? "no AllowedIPs" : "no route");
		if (!is_private(&s->addr) && !f->routes_v4 && !f->routes_v6)
			found_level(c, DIAG_NOTE);
		if (excluded)
			found_help(c, "leave %s out of ExcludeIPs, or use a name server that is reached through the tunnel", text);
		else
			found_help(c, "add %s/%u to the AllowedIPs of the peer that reaches it", text, ip_bits(&s->addr));
	}
}

/* ---- endpoints ---- */

static const char *endpoint_text(char *buffer, const struct ip_endpoint *e)
{
	struct text t = text_fixed(buffer, IP_ENDPOINT_TEXT_MAX);

	endpoint_print(&t, e, NULL);
	return buffer;
}

/* A hook may add a route to the endpoint. */
static bool hook_has_endpoint(const struct check_file *f, const struct ip_endpoint *e)
{
	char text[IP_PREFIX_TEXT_MAX];

	return hooks_contain(f, address_text(text, &e->addr));
}

/* In a private network, the host may have a longer connected prefix that leads to the endpoint. */
static bool may_be_connected(const struct ip_addr *a, unsigned int bits)
{
	return (is_private(a) && bits < (a->family == IP_V4 ? 24 : 64)) || ip_is_v6_link_local(a);
}

static void endpoint_in_allowed_ips(struct check *c, const struct check_file *f, const struct finding *self)
{
	for (size_t i = 0; adds_routes(f) && i < f->n_peers; i++) {
		const struct ip_endpoint *e = &f->peers[i].endpoint;
		const struct prefix_of *p = prefix_table_find(&f->routed_table, &e->addr, 128);
		char endpoint[IP_ENDPOINT_TEXT_MAX], prefix[IP_PREFIX_TEXT_MAX];
		if (!p || p->prefix.bits == 0 || hook_has_endpoint(f, e) || is_excluded(f, &e->addr))
			continue; /* policy rules keep encrypted packets out of a default route */
		found(c, self, f, &f->peers[i].endpoint_at, "the endpoint %s is inside %s of AllowedIPs: unless the host has a longer route "
		      "to it, " ENDPOINT_INSIDE_CONSEQUENCE, endpoint_text(endpoint, e), prefix_text(prefix, &p->prefix));
		if (may_be_connected(&e->addr, p->prefix.bits))
			found_level(c, DIAG_NOTE);
		found_note(c, f, &f->routed_at[p->order], f->routed == f->ips ? "the allowed IP" : "the route");
		if (p->prefix.bits == 1)
			found_help(c, "use %s instead of its two halves: then policy rules keep the encrypted packets out of the tunnel",
				   e->addr.family == IP_V6 ? "::/0" : "0.0.0.0/0");
		else
			found_help(c, "use prefixes that do not contain the endpoint, or exclude it: ExcludeIPs = %s",
				   address_text(prefix, &e->addr));
	}
}

static void route_covers_endpoint(struct check *c, const struct check_file *f, const struct finding *self)
{
	for (size_t i = 0; f->in.is_quick && i < f->n_peers; i++) {
		const struct ip_endpoint *e = &f->peers[i].endpoint;
		char endpoint[IP_ENDPOINT_TEXT_MAX], prefix[IP_PREFIX_TEXT_MAX];
		for (size_t k = 0; k < f->n_addresses; k++) {
			const struct check_address *a = &f->addresses[k];
			struct ip_prefix network;
			if (!prefix_make(&network, &a->addr, a->bits) || a->bits == ip_bits(&a->addr) ||
			    !prefix_contains(&network, &e->addr) || hook_has_endpoint(f, e))
				continue;
			found(c, self, f, &f->peers[i].endpoint_at, "the endpoint %s is inside %s of Address: unless the host has another "
			      "route to it, " ENDPOINT_INSIDE_CONSEQUENCE, endpoint_text(endpoint, e), prefix_text(prefix, &network));
			if (may_be_connected(&e->addr, a->bits))
				found_level(c, DIAG_NOTE);
			found_note(c, f, &a->at, "the network of the interface");
			found_help(c, "use a network for the tunnel in which no endpoint is, or a /%u", ip_bits(&a->addr));
		}
	}
}

static void table_off_without_route(struct check *c, const struct check_file *f, const struct finding *self)
{
	size_t i = 0;

	while (i < f->n_ips && in_own_network(f, &f->ips[i].prefix.addr))
		i++;
	if (!f->table_off || f->n_hooks > 0 || i == f->n_ips || f->has_errors)
		return;
	found(c, self, f, &f->table_at, "with Table = off, wg-quick adds no routes to the allowed IPs, and no hook does");
	found_help(c, "add PostUp = ip route add PREFIX dev %%i, unless a routing daemon adds the routes");
}

static const struct finding list[] = {
	{ .id = "default-v4-without-v6", .title = "a default route for IPv4 only", .level = DIAG_WARNING,
	  .in_file = default_v4_without_v6,
	  .why = "0.0.0.0/0 is IPv4. A host that also has IPv6 prefers it for most connections, and these leave outside the "
		 "tunnel, with the host's own address and without encryption by WireGuard.",
	  .wrong = "AllowedIPs = 0.0.0.0/0", .right = "AllowedIPs = 0.0.0.0/0, ::/0",
	  .fix = "Add ::/0, even if the tunnel has no IPv6 address: the traffic is then blocked." },
	{ .id = "dns-outside-tunnel", .title = "a name server that is not reached through the tunnel", .level = DIAG_WARNING,
	  .in_file = dns_outside_tunnel,
	  .why = "DNS sets the name server, AllowedIPs the routes. A server outside AllowedIPs is asked without the tunnel, so that "
		 "the names of all connections can be read, or it is not reached at all because it is behind the tunnel.",
	  .wrong = "[Interface]\nAddress = 10.8.0.2/32\nDNS = 10.0.0.53\n\n[Peer]\nAllowedIPs = 10.8.0.0/24",
	  .right = "[Interface]\nAddress = 10.8.0.2/32\nDNS = 10.0.0.53\n\n[Peer]\nAllowedIPs = 10.8.0.0/24, 10.0.0.53/32",
	  .fix = "Add the address of the name server to AllowedIPs." },
	{ .id = "endpoint-in-allowed-ips", .title = "an endpoint inside the allowed IPs", .level = DIAG_WARNING,
	  .in_file = endpoint_in_allowed_ips,
	  .why = "wg-quick adds a route to each allowed IP into the tunnel. If the endpoint is inside, the encrypted packets take this "
		 "route as well, and are encrypted again and again. Only with 0.0.0.0/0 and ::/0 do policy rules prevent it.",
	  .wrong = "Endpoint = 203.0.113.7:51820\nAllowedIPs = 203.0.113.0/24",
	  .right = "Endpoint = 203.0.113.7:51820\nAllowedIPs = 203.0.113.128/25",
	  .fix = "Leave the endpoint out of the prefixes, or add a route to the endpoint: PreUp = ip route add ENDPOINT via GATEWAY" },
	{ .id = "route-covers-endpoint", .title = "an endpoint inside the network of Address", .level = DIAG_WARNING,
	  .in_file = route_covers_endpoint,
	  .why = "The kernel adds a route to the network of each address of the interface. The encrypted packets to an endpoint "
		 "in this network then enter the tunnel again.",
	  .wrong = "[Interface]\nAddress = 203.0.113.2/24\n\n[Peer]\nEndpoint = 203.0.113.1:51820",
	  .right = "[Interface]\nAddress = 10.0.0.2/24\n\n[Peer]\nEndpoint = 203.0.113.1:51820",
	  .fix = "Addresses in the tunnel are from a private network that is used nowhere else." },
	{ .id = "table-off-without-route", .title = "Table = off, and nothing adds routes", .level = DIAG_NOTE,
	  .in_file = table_off_without_route,
	  .why = "AllowedIPs only decides which peer gets a packet that is already in the interface. Without routes, only the "
		 "addresses in the network of Address are reached.",
	  .wrong = "[Interface]\nAddress = 10.1.1.11/32\nTable = off",
	  .right = "[Interface]\nAddress = 10.1.1.11/32\nTable = off\nPostUp = ip route add 172.16.1.0/24 dev %i",
	  .fix = "Add the routes with hooks or a routing daemon, or remove Table = off." },
};
const struct finding_group findings_of_routes = { list, ARRAY_LEN(list) };
