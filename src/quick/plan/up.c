/* The plan of `up`. */
#include "up.h"

#include <assert.h>
#include <errno.h>

#include "binding.h"
#include "default_route.h"
#include "desired_routes.h"
#include "full_tunnel.h"
#include "kill_switch.h"
#include "ipv6.h"
#include "mtu.h"

static void warn(const struct plan_options *o, const char *text)
{
	if (o->warn)
		o->warn(o->ctx, text);
}

static int add_hooks(struct plan *p, const struct tunnel_file *f, enum hook_phase phase,
		     const struct plan_options *o)
{
	const struct string_list *hooks = &f->interface.hooks[phase];

	for (size_t i = 0; o->hooks && i < hooks->n; i++) {
		const struct diag_at at = tunnel_file_hook_at(f, phase, i);
		struct step *s = plan_add(p, STEP_HOOK);
		if (!s)
			return -ENOMEM;
		s->hook = (struct step_hook){ .phase = (uint8_t)phase,
					      .number = (unsigned int)i + 1,
					      .line = at.line,
					      .file = at.file,
					      .text = hooks->list[i] };
	}
	return 0;
}

void plan_netns_context(struct plan *p, const struct tunnel_file *f)
{
	memcpy(p->netns, f->interface.netns, sizeof p->netns);
	p->netns_is_option = f->interface.netns_is_option;
}

int plan_interface(struct plan *p, const struct tunnel_file *f, const struct plan_options *o)
{
	static const struct wg_binding none;
	const struct interface_keys *keys = &f->interface;

	memcpy(p->name, f->name, sizeof p->name);
	p->config = f->path;
	p->table_word = keys->table_kind == TABLE_GIVEN ? keys->table_word : NULL;
	p->table = keys->table;
	plan_netns_context(p, f);
	if ((keys->netns[0] && !plan_add(p, STEP_NETNS)) || !plan_add(p, STEP_LINK))
		return -ENOMEM;
	if (!binding_is_empty(&keys->bind.to) && plan_binding(p, f, &none) < 0)
		return -ENOMEM;
	return add_hooks(p, f, HOOK_PRE_UP, o);
}

/* ---- the parts of plan_tunnel ---- */

static int guard_addresses(struct plan *p, const struct addresses *more)
{
	for (size_t i = 0; i < more->n; i++)
		if (!addresses_have(&p->guarded, &more->list[i]) &&
		    !addresses_add(&p->guarded, &more->list[i]))
			return -ENOMEM;
	return 0;
}

int plan_firewall(struct plan *p, const struct tunnel_file *f, const struct host_state *s,
		  const struct addresses *also, const bool families[2], uint32_t mark,
		  const struct plan_options *o)
{
	int r;

	p->firewall = s->firewall;
	for (int v6 = 0; v6 < 2; v6++)
		p->iptables_rules[v6] = s->firewall == FIREWALL_IPTABLES ? s->firewall_rules[v6] : NULL;
	if (s->firewall_unwanted)
		return 0;
	if ((families[0] || families[1]) && s->firewall == FIREWALL_NONE) {
		warn(o, "neither nft nor iptables is available: hosts on the local network can send "
			"packets to the tunnel's addresses");
		return 0;
	}
	r = guard_addresses(p, &f->interface.addresses);
	if (r == 0)
		r = guard_addresses(p, also);
	for (int v6 = 1; r == 0 && v6 >= 0; v6--) {
		struct step *step;
		if (!families[v6])
			continue;
		step = plan_add(p, STEP_FIREWALL);
		if (!step)
			return -ENOMEM;
		step->firewall.family = v6 ? IP_V6 : IP_V4;
		step->firewall.mark = mark;
		step->firewall.new_chains = s->missing_chains[v6];
	}
	return r;
}

static int add_wg(struct plan *p, const struct tunnel_file *f, bool set_mark, uint32_t mark)
{
	struct step *s = plan_add(p, STEP_WG);

	if (!s)
		return -ENOMEM;
	s->wg.command = WG_ADDCONF;
	s->wg.patch = &f->device;
	if (!set_mark)
		return 0;
	s = plan_add(p, STEP_WG);
	if (!s)
		return -ENOMEM;
	memcpy(p->mark_patch.name, p->name, sizeof p->name);
	p->mark_patch.flags = WG_DEVICE_HAS_FWMARK;
	p->mark_patch.fwmark = mark;
	s->wg.command = WG_SET;
	s->wg.patch = &p->mark_patch;
	return 0;
}

static int add_addresses(struct plan *p, const struct tunnel_file *f, const struct host_state *s)
{
	const struct addresses *desired = &f->interface.addresses;
	bool ipv6 = tunnel_carries_ipv6(f, s);
	struct step *step;

	for (size_t i = 0; i < desired->n; i++) {
		if (desired->list[i].local.family == IP_V6 && !ipv6)
			continue;
		if (addresses_have(&s->addresses, &desired->list[i]))
			continue; /* a PreUp hook added it */
		step = plan_add(p, STEP_ADDRESS);
		if (!step)
			return -ENOMEM;
		step->address = desired->list[i];
	}
	step = plan_add(p, STEP_LINK_UP);
	if (!step)
		return -ENOMEM;
	step->link_up.mtu = plan_mtu(f, s);
	return 0;
}

bool dns_is_configured(const struct dns_config *d)
{
	return d->servers.n > 0 || d->domains.n > 0;
}

int plan_dns_context(struct plan *p, const struct tunnel_file *f, const struct host_state *s)
{
	p->dns_backend = f->interface.netns[0] ? DNS_FILE : s->dns;
	p->dns_required = tunnel_is_full(f, s);
	p->resolv_conf = &s->resolv_conf;
	p->dns_id = s->dns_id;
	memcpy(p->dns_prefix, s->dns_prefix, sizeof p->dns_prefix);
	return dns_config_append(&p->dns, &f->interface.dns) ? 0 : -ENOMEM;
}

static int add_dns(struct plan *p, const struct tunnel_file *f, const struct host_state *s,
		   const struct plan_options *o)
{
	if (!dns_is_configured(&f->interface.dns))
		return 0;
	if (s->dns == DNS_FILE && !f->interface.netns[0])
		warn(o, "neither resolvconf nor systemd-resolved manages /etc/resolv.conf: it is replaced, and "
			"restored by down");
	if (s->dns == DNS_NONE && !f->interface.netns[0])
		return 0;
	return plan_add(p, STEP_DNS) ? plan_dns_context(p, f, s) : -ENOMEM;
}

/* All but those of plan_default_routes(), which have the shortest prefixes. */
static int add_allowedip_routes(struct plan *p, const struct tunnel_file *f, const struct host_state *s)
{
	bool policy_routing = tunnel_file_has_policy_routing(f), ipv6 = ipv6_routes_are_possible(f, s);
	struct desired_routes routes;
	int r;

	if (f->interface.table_kind == TABLE_OFF)
		return 0;
	r = desired_routes_init(&routes, f, &s->device);
	for (size_t i = 0; r == 0 && i < routes.n; i++) {
		const struct ip_prefix *prefix = &routes.list[i].prefix;
		if ((prefix->bits > 0 || !policy_routing) && (prefix->addr.family == IP_V4 || ipv6))
			r = plan_allowedip_route(p, f, s, prefix);
	}
	desired_routes_free(&routes);
	return r;
}

int plan_post_up(struct plan *p, const struct tunnel_file *f, const struct plan_options *o)
{
	return add_hooks(p, f, HOOK_POST_UP, o);
}

int plan_tunnel(struct plan *p, const struct tunnel_file *f, const struct host_state *s,
		const struct plan_options *o)
{
	const bool tunnel[2] = { default_route_mode(f, s, IP_V4) == DEFAULT_TUNNEL,
				 default_route_mode(f, s, IP_V6) == DEFAULT_TUNNEL };
	bool given;
	uint32_t mark = tunnel_mark(f, s, &given);
	int r;

	assert(p->n > 0);
	r = plan_kill_switch_mark(p, mark);
	if (r == 0)
		r = plan_firewall(p, f, s, &s->addresses, tunnel, mark, o);
	if (r == 0)
		r = add_wg(p, f, tunnel_needs_mark(f, s) && !given, mark);
	if (r == 0)
		r = add_addresses(p, f, s);
	if (r == 0)
		r = add_dns(p, f, s, o);
	if (r == 0)
		r = add_allowedip_routes(p, f, s);
	p->defaults_at = p->n;
	if (r == 0)
		r = plan_default_routes(p, f, s);
	ipv6_warn(f, s, o);
	return r < 0 ? r : plan_post_up(p, f, o);
}
