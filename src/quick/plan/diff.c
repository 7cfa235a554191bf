/* The plan of `reload` and `diff`. */
#include "diff.h"

#include <assert.h>
#include <errno.h>

#include "binding.h"
#include "diff_device.h"
#include "diff_firewall.h"
#include "diff_kill_switch.h"
#include "diff_routes.h"
#include "inverse.h"
#include "ipv6.h"
#include "kill_switch.h"
#include "mtu.h"

/* ---- addresses and MTU ---- */

static bool address_is_missing(const struct diff_input *in, const struct interface_address *a)
{
	return !addresses_have(&in->actual->addresses, a) && !hook_changed_address(in->changes, a);
}

static int change_address(struct plan *p, const struct interface_address *a, bool remove)
{
	struct step *s = plan_add(p, STEP_ADDRESS);

	if (!s)
		return -ENOMEM;
	s->address = *a;
	s->remove = remove;
	return 0;
}

/* Without a journal every address counts as the tunnel's own, but link-local ones, which may be the kernel's. */
static const struct addresses *own_addresses(const struct diff_input *in)
{
	return in->applied ? &in->applied->addresses : &in->actual->addresses;
}

static bool is_possible(const struct diff_input *in, const struct interface_address *a)
{
	return a->local.family == IP_V4 || tunnel_carries_ipv6(in->desired, in->actual);
}

static bool is_desired(const struct diff_input *in, const struct interface_address *a)
{
	return addresses_have(&in->desired->interface.addresses, a) && is_possible(in, a);
}

/* The one of a hook stays; the tunnel's own is replaced. */
static int add_address(struct plan *p, const struct diff_input *in, const struct interface_address *a)
{
	const struct interface_address *conflict = addresses_find_conflict(&in->actual->addresses, a);
	int r = 0;

	if (conflict && !addresses_have(own_addresses(in), conflict))
		return 0;
	if (conflict)
		r = change_address(p, conflict, true);
	return r < 0 ? r : change_address(p, a, false);
}

static int add_addresses(struct plan *p, const struct diff_input *in)
{
	const struct addresses *desired = &in->desired->interface.addresses;
	int r = 0;

	for (size_t i = 0; r == 0 && i < desired->n; i++)
		if (address_is_missing(in, &desired->list[i]) && is_possible(in, &desired->list[i]))
			r = add_address(p, in, &desired->list[i]);
	return r;
}

static bool was_replaced(const struct diff_input *in, const struct interface_address *a)
{
	return is_possible(in, a) && addresses_find_conflict(&in->desired->interface.addresses, a);
}

static int remove_addresses(struct plan *p, const struct diff_input *in)
{
	const struct addresses *own = own_addresses(in);
	int r = 0;

	for (size_t i = 0; r == 0 && i < own->n; i++) {
		const struct interface_address *a = &own->list[i];
		if (!is_desired(in, a) && addresses_have(&in->actual->addresses, a) &&
		    (in->applied || !ip_is_v6_link_local(&a->local)) && !was_replaced(in, a))
			r = change_address(p, a, true);
	}
	return r;
}

static int change_mtu(struct plan *p, const struct diff_input *in)
{
	const struct link_info *link = &in->actual->link;
	unsigned int mtu = plan_mtu(in->desired, in->actual);
	struct step *s;

	if ((mtu == link->mtu && link->up) || hook_changed_tunnel(in->changes, SETTING_LINK))
		return 0;
	s = plan_add(p, STEP_LINK_UP);
	if (!s)
		return -ENOMEM;
	s->link_up.mtu = mtu;
	s->link_up.mtu_before = link->mtu;
	s->link_up.was_up = link->up;
	return 0;
}

/* Only if it is known what they are bound to. */
static int change_binding(struct plan *p, const struct diff_input *in)
{
	const struct host_state *s = in->actual;

	if (!s->binding_known || binding_equal(&s->binding, &in->desired->interface.bind.to))
		return 0;
	return plan_binding(p, in->desired, &s->binding);
}

/* ---- DNS ---- */

static int remove_dns(struct plan *old_dns, const struct diff_input *in)
{
	const struct plan *applied = &in->applied->plan;
	struct step *s;

	memcpy(old_dns->name, in->desired->name, sizeof old_dns->name);
	plan_netns_context(old_dns, in->desired);
	memcpy(old_dns->dns_prefix, applied->dns_prefix, sizeof old_dns->dns_prefix);
	old_dns->dns_backend = applied->dns_backend;
	old_dns->resolv_conf = &in->actual->resolv_conf;
	old_dns->dns_id = in->actual->dns_id;
	s = dns_config_append(&old_dns->dns, &applied->dns) ? plan_add(old_dns, STEP_DNS) : NULL;
	if (!s)
		return -ENOMEM;
	s->remove = true;
	return 0;
}

/* Another program changed or replaced the file. */
static bool dns_file_is_lost(const struct diff_input *in)
{
	const struct plan *applied = &in->applied->plan;

	return applied->dns_backend == DNS_FILE &&
	       !resolv_conf_has(&in->actual->resolv_conf, in->actual->dns_id, &applied->dns);
}

/* Only the journal knows the tunnel's name servers, so without one they are left alone. The back-end is that of the
 * journal while it can still be used; the file back-end makes the file one that no other back-end manages. */
static int change_dns(struct plan *p, struct plan *old_dns, const struct diff_input *in)
{
	const struct dns_config *desired = &in->desired->interface.dns;
	const struct plan *applied = in->applied ? &in->applied->plan : NULL;
	bool had = applied && dns_is_configured(&applied->dns);
	bool lost = had && dns_file_is_lost(in), moved;
	int r = plan_dns_context(p, in->desired, in->actual);

	if (r < 0 || !applied)
		return r;
	if (had && applied->dns_backend == DNS_FILE && !lost)
		p->dns_backend = DNS_FILE;
	moved = had && applied->dns_backend != p->dns_backend;
	if ((!lost && !moved && dns_config_equal(&applied->dns, desired)) ||
	    hook_changed_tunnel(in->changes, SETTING_DNS))
		return 0;
	if (had && !(lost && dns_is_configured(desired)))
		r = remove_dns(old_dns, in);
	if (r < 0 || !dns_is_configured(desired) || p->dns_backend == DNS_NONE)
		return r;
	return plan_add(p, STEP_DNS) ? 0 : -ENOMEM;
}

/* ---- firewall ---- */

/* The mark that default routes need, except for those that a hook changed, or the kill switch; 0: none does. */
static uint32_t mark_to_set(const struct route_diff *routes, const struct diff_input *in)
{
	for (int v6 = 0; v6 < 2; v6++)
		if (routes->defaults[v6].desired && !routes->defaults[v6].changed)
			return routes->mark;
	return in->desired->interface.kill_switch != KILL_SWITCH_OFF ? routes->mark : 0;
}

/* After the addresses that the rules protect. Where the kernel has removed these already, `down` removes the rules. Those
 * of a default route that is not desired at all are route_diff_remove_defaults()'s. */
static int remove_firewall(struct plan *p, const struct diff_input *in, const struct route_diff *routes)
{
	if (!in->applied || !addresses_have_ipv6(&in->actual->addresses))
		return 0;
	for (size_t i = 0; i < in->applied->plan.n; i++) {
		const struct step *old = &in->applied->plan.steps[i];
		struct step *s;
		if (old->kind != STEP_FIREWALL || routes->defaults[old->firewall.family == IP_V6].mode != DEFAULT_BLOCKED)
			continue;
		s = plan_add(p, STEP_FIREWALL);
		if (!s)
			return -ENOMEM;
		s->firewall = old->firewall;
		s->remove = true;
	}
	return 0;
}

/* Another program set it back. Its value from before the tunnel stays that of the journal. */
static int restore_sysctl(struct plan *p, const struct diff_input *in, const struct route_diff *routes)
{
	const struct step *old = NULL;
	struct step *s;

	for (size_t i = 0; in->applied && i < in->applied->plan.n; i++)
		if (in->applied->plan.steps[i].kind == STEP_SYSCTL)
			old = &in->applied->plan.steps[i];
	for (size_t i = 0; i < p->n; i++)
		if (p->steps[i].kind == STEP_SYSCTL)
			return 0;
	if (!old || in->actual->src_valid_mark < 0 || in->actual->src_valid_mark == old->sysctl.value ||
	    !routes->defaults[0].desired || routes->defaults[0].changed)
		return 0;
	s = plan_add(p, STEP_SYSCTL);
	if (!s)
		return -ENOMEM;
	*s = *old;
	s->hidden = s->done = false;
	return 0;
}

static void set_context(struct plan *p, const struct tunnel_file *f)
{
	memcpy(p->name, f->name, sizeof p->name);
	plan_netns_context(p, f);
	p->config = f->path;
	p->table_word = f->interface.table_kind == TABLE_GIVEN ? f->interface.table_word : NULL;
	p->table = f->interface.table;
}

int plan_diff(struct plan *p, struct plan *old_dns, const struct diff_input *in)
{
	const struct plan_options o = { .warn = in->warn, .ctx = in->ctx };
	bool gains_ipv6 = in->actual->link.mtu < MTU_MIN_IPV6; /* if the MTU is large enough: that comes first */
	struct route_diff routes;
	uint32_t mark;
	int r = route_diff_init(&routes, in);

	assert(p->n == 0 && old_dns->n == 0);
	set_context(p, in->desired);
	mark = mark_to_set(&routes, in);
	if (r == 0)
		r = diff_kill_switch_begin(p, in, mark);
	if (r == 0)
		r = plan_firewall_change(p, in, &routes, mark);
	if (r == 0)
		r = route_diff_remove_defaults(p, &routes);
	if (r == 0)
		r = change_binding(p, in);
	if (r == 0)
		r = plan_device_change(p, in, mark);
	if (r == 0)
		r = route_diff_remove_routes(p, &routes);
	if (r == 0)
		r = route_diff_block_defaults(p, &routes);
	if (r == 0 && gains_ipv6)
		r = change_mtu(p, in);
	if (r == 0)
		r = route_diff_remove_lost(p, &routes);
	/* New addresses first: an interface that loses its last address loses its routes as well. */
	if (r == 0)
		r = add_addresses(p, in);
	if (r == 0)
		r = remove_addresses(p, in);
	if (r == 0 && !gains_ipv6)
		r = change_mtu(p, in);
	if (r == 0)
		r = remove_firewall(p, in, &routes);
	if (r == 0)
		r = change_dns(p, old_dns, in);
	if (r == 0)
		r = route_diff_add_routes(p, &routes);
	if (r == 0)
		r = route_diff_remove_replaced(p, &routes);
	if (r == 0)
		r = restore_sysctl(p, in, &routes);
	if (r == 0)
		r = diff_kill_switch_end(p, in);
	ipv6_warn_if_changed(in->desired, in->actual, in->applied, p, &o);
	route_diff_free(&routes);
	return r;
}
