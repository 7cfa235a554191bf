/* Warnings about IPv6. */
#include "ipv6.h"

#include "default_route.h"
#include "mtu.h"
#include "route_prefixes.h"

bool ipv6_routes_are_possible(const struct tunnel_file *f, const struct host_state *s)
{
	return tunnel_carries_ipv6(f, s) && (host_has_ipv6_rules(s) || tunnel_file_table(f) == TABLE_MAIN);
}

static bool wants_default(const struct tunnel_file *f)
{
	for (uint32_t i = 0; i < f->device.n_peers; i++)
		if (peer_default_parts(f, i, IP_V6) & ROUTES_ALL)
			return true;
	return false;
}

static void add_reason(struct text *t, const struct tunnel_file *f, const struct host_state *s)
{
	if (!s->ipv6)
		text_f(t, "IPv6 is disabled %s", s->ipv6_elsewhere ? "for this interface" : "on this host");
	else if (!tunnel_carries_ipv6(f, s))
		text_f(t, "an MTU of %u is too small for IPv6, which needs %u", plan_mtu(f, s), (unsigned int)MTU_MIN_IPV6);
	else
		text_add(t, "the kernel has no IPv6 policy rules");
}

/* False: nothing is left out. */
static bool add_loss(struct text *t, const struct tunnel_file *f, const struct host_state *s)
{
	bool carries = tunnel_carries_ipv6(f, s);
	bool routes = f->interface.table_kind != TABLE_OFF && device_has_ipv6(&f->device);

	if (!carries && addresses_have_ipv6(&f->interface.addresses))
		text_add(t, "IPv6 addresses and routes are left out");
	else if (!carries && routes)
		text_add(t, "IPv6 routes are left out");
	else if (carries && routes && !ipv6_routes_are_possible(f, s))
		text_f(t, "IPv6 routes for table %s are left out", f->interface.table_word);
	else if (carries && f->interface.table_kind == TABLE_AUTO && wants_default(f))
		text_add(t, "the IPv6 default route is left out");
	return t->n > 0;
}

static void warn_of_loss(const struct tunnel_file *f, const struct host_state *s, const struct plan_options *o)
{
	char text[256], loss[128];
	struct text t = text_fixed(text, sizeof text), l = text_fixed(loss, sizeof loss);

	if ((tunnel_carries_ipv6(f, s) && host_has_ipv6_rules(s)) || !add_loss(&l, f, s))
		return;
	add_reason(&t, f, s);
	text_f(&t, ": %s", loss);
	if (default_route_mode(f, s, IP_V6) == DEFAULT_BLOCKED)
		text_add(&t, ", and IPv6 traffic to other networks is blocked");
	o->warn(o->ctx, text);
}

static void warn_of_fragments(const struct tunnel_file *f, const struct host_state *s, const struct plan_options *o)
{
	char text[256];
	struct text t = text_fixed(text, sizeof text);

	if (f->interface.mtu || plan_mtu(f, s) == plan_path_mtu(s))
		return;
	text_f(&t, "the path to the endpoints has an MTU of %u: full-size packets will be fragmented, because IPv6 needs an MTU of "
	       "%u in the tunnel", s->path_mtu, (unsigned int)MTU_MIN_IPV6);
	o->warn(o->ctx, text);
}

void ipv6_warn(const struct tunnel_file *f, const struct host_state *s, const struct plan_options *o)
{
	if (!o->warn)
		return;
	warn_of_loss(f, s, o);
	warn_of_fragments(f, s, o);
}

/* ---- reload ---- */

static bool removes_ipv6(const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct step *s = &p->steps[i];
		if ((s->kind == STEP_ADDRESS && s->remove && s->address.local.family == IP_V6) ||
		    (s->kind == STEP_ROUTE && s->remove && s->route.prefix.addr.family == IP_V6))
			return true;
	}
	return false;
}

static bool has_new_address(const struct tunnel_file *f, const struct applied *applied)
{
	const struct addresses *a = &f->interface.addresses;

	for (size_t i = 0; i < a->n; i++)
		if (a->list[i].local.family == IP_V6 && !(applied && addresses_have(&applied->addresses, &a->list[i])))
			return true;
	return false;
}

void ipv6_warn_if_changed(const struct tunnel_file *f, const struct host_state *s, const struct applied *applied,
			  const struct plan *p, const struct plan_options *o)
{
	if (o->warn && (removes_ipv6(p) || has_new_address(f, applied) ||
			(device_has_ipv6(&f->device) && !device_has_ipv6(&s->device))))
		ipv6_warn(f, s, o);
}
