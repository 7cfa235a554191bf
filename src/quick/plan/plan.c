#include "plan.h"

#include <errno.h>
#include <stdlib.h>

static void warn(const struct plan_options *o, const char *text)
{
	if (o->warn)
		o->warn(o->ctx, text);
}

static int add_hooks(struct plan *p, const struct tunnel_file *f, enum hook_phase phase,
		     const struct plan_options *o)
{
	for (size_t i = 0; o->hooks && i < f->interface.hooks[phase].n; i++) {
		struct step *s = plan_add(p, STEP_HOOK);
		if (!s)
			return -ENOMEM;
		s->hook.phase = (uint8_t)phase;
		s->hook.text = f->interface.hooks[phase].list[i];
	}
	return 0;
}

int plan_link(struct plan *p, const struct tunnel_file *f, const struct plan_options *o)
{
	memcpy(p->name, f->name, sizeof p->name);
	p->config = f->path;
	p->table_word = f->interface.table_kind == TABLE_GIVEN ? f->interface.table_word : NULL;
	p->table = f->interface.table;
	if (!plan_add(p, STEP_LINK))
		return -ENOMEM;
	return add_hooks(p, f, HOOK_PRE_UP, o);
}

/* ---- which routes ---- */

static int compare_routes(const void *a, const void *b)
{
	const struct desired_route *x = a, *y = b;

	if (x->prefix.bits != y->prefix.bits)
		return (int)y->prefix.bits - (int)x->prefix.bits;
	return strcmp(y->text, x->text);
}

static size_t count_allowed(const struct wg_device *d)
{
	size_t n = 0;

	for (uint32_t i = 0; d && i < d->n_peers; i++)
		n += d->peers[i].n_allowedips;
	return n;
}

static size_t put_allowed(struct desired_route *list, const struct wg_device *d)
{
	size_t n = 0;

	for (uint32_t i = 0; d && i < d->n_peers; i++)
		for (uint32_t k = 0; k < d->peers[i].n_allowedips; k++) {
			const struct wg_allowedip *a = &d->peers[i].allowedips[k];
			struct text t = text_fixed(list[n].text, sizeof list[n].text);
			if (a->flags & WG_ALLOWEDIP_REMOVE)
				continue;
			list[n].prefix = a->prefix;
			prefix_print(&t, &a->prefix);
			n++;
		}
	return n;
}

int plan_routes(struct desired_route **out, size_t *n, const struct wg_device *d,
		const struct wg_device *also)
{
	size_t all = count_allowed(d) + count_allowed(also), unique = 0;
	struct desired_route *list = calloc(all + 1, sizeof *list);

	if (!list)
		return -ENOMEM;
	all = put_allowed(list, d);
	all += put_allowed(list + all, also);
	qsort(list, all, sizeof *list, compare_routes);
	for (size_t i = 0; i < all; i++)
		if (i == 0 || !prefix_equal(&list[i].prefix, &list[i - 1].prefix))
			list[unique++] = list[i];
	*out = list;
	*n = unique;
	return 0;
}

static bool wants_default(const struct wg_device *d, uint8_t family)
{
	for (uint32_t i = 0; i < d->n_peers; i++)
		for (uint32_t k = 0; k < d->peers[i].n_allowedips; k++) {
			const struct wg_allowedip *a = &d->peers[i].allowedips[k];
			if (a->prefix.bits == 0 && a->prefix.addr.family == family &&
			    !(a->flags & WG_ALLOWEDIP_REMOVE))
				return true;
		}
	return false;
}

static bool makes_default(const struct tunnel_file *f, const struct host_state *s, uint8_t family)
{
	if (f->interface.table_kind != TABLE_AUTO || (family == IP_V6 && !s->ipv6))
		return false;
	return wants_default(&f->device, family) || wants_default(&s->device, family);
}

uint32_t plan_mark(const struct tunnel_file *f, const struct host_state *s, bool *given)
{
	*given = true;
	if ((f->device.flags & WG_DEVICE_HAS_FWMARK) && f->device.fwmark)
		return f->device.fwmark;
	if (!(f->device.flags & WG_DEVICE_HAS_FWMARK) && s->device.fwmark)
		return s->device.fwmark; /* a PreUp hook's */
	*given = false;
	return s->free_table;
}

bool plan_makes_default(const struct tunnel_file *f, const struct host_state *s)
{
	return makes_default(f, s, IP_V4) || makes_default(f, s, IP_V6);
}

/* A default route's own packets will not enter other tunnels, whose marks tell what that looks like
 * before there are rules for our own. */
uint32_t plan_lookup_mark(const struct tunnel_file *f, const struct host_state *s)
{
	bool given;
	uint32_t mark = plan_mark(f, s, &given);

	if (given)
		return mark;
	for (size_t i = 0; plan_makes_default(f, s) && i < s->rules.n; i++)
		if (rule_is_tunnel(&s->rules.list[i]))
			return s->rules.list[i].mark;
	return 0;
}

bool plan_needs_table(const struct tunnel_file *f, const struct host_state *s)
{
	bool given;

	if (!plan_makes_default(f, s))
		return false;
	(void)plan_mark(f, s, &given);
	return !given;
}

/* A route that the kernel makes for an address of the interface leads there already. */
bool plan_is_covered(const struct tunnel_file *f, const struct host_state *s, const struct ip_prefix *p)
{
	const struct addresses *lists[] = { &f->interface.addresses, &s->addresses };

	for (size_t l = 0; l < ARRAY_LEN(lists); l++)
		for (size_t i = 0; i < lists[l]->n; i++) {
			const struct interface_address *a = &lists[l]->list[i];
			struct ip_prefix made = address_prefix(a);
			/* IPv4 makes none for an address alone. */
			if (a->local.family == IP_V4 && a->bits == 32 && a->peer.family == IP_NONE)
				continue;
			if (prefix_covers(&made, p))
				return true;
		}
	return false;
}

/* ---- default routes ---- */

/* Where the kernel would put a rule that names no place: before the second of the list, counting
 * those of this plan that are already meant to be there. */
static uint32_t next_pref(const struct plan *p, const struct host_state *s, uint8_t family)
{
	uint32_t second = 0;
	unsigned int seen = 0;

	for (size_t i = 0; i < s->rules.n && seen < 2; i++)
		if (s->rules.list[i].family == family && ++seen == 2)
			second = s->rules.list[i].pref;
	for (size_t i = 0; i < p->n; i++)
		if (p->steps[i].kind == STEP_RULE && !p->steps[i].remove &&
		    p->steps[i].rule.family == family && p->steps[i].rule.pref < second)
			second = p->steps[i].rule.pref;
	return second > 0 ? second - 1 : 0;
}

static bool others_suppress(const struct host_state *s, uint8_t family)
{
	for (size_t i = 0; i < s->rules.n; i++)
		if (s->rules.list[i].family == family && s->rules.list[i].suppress)
			return true;
	return false;
}

static int add_rule(struct plan *p, const struct host_state *s, struct step_rule rule)
{
	struct step *step;

	rule.pref = next_pref(p, s, rule.family);
	step = plan_add(p, STEP_RULE);
	if (!step)
		return -ENOMEM;
	step->rule = rule;
	return 0;
}

static int add_unreachable(struct plan *p, const struct ip_prefix *prefix, uint32_t table,
			   bool remove)
{
	struct step *s = plan_add(p, STEP_ROUTE);

	if (!s)
		return -ENOMEM;
	s->hidden = true;
	s->remove = remove;
	s->route = (struct step_route){ .prefix = *prefix, .unreachable = true, .table = table };
	return 0;
}

/* Marked packets of another default-route tunnel must not enter ours, nor ours its: both ask the
 * main table before any of the tunnels' rules. */
static int add_side_by_side(struct plan *p, const struct host_state *s, uint8_t family, uint32_t mark)
{
	bool others = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->rules.n; i++) {
		const struct step_rule *other = &s->rules.list[i];
		if (other->family != family || !rule_is_tunnel(other) || other->mark == mark ||
		    other->mark == s->device.fwmark) /* ours, which goes */
			continue;
		others = true;
		r = add_rule(p, s, (struct step_rule){ .family = family, .mark = other->mark,
						       .table = TABLE_MAIN, .plural = true });
	}
	if (r == 0 && others)
		r = add_rule(p, s, (struct step_rule){ .family = family, .mark = mark,
						       .table = TABLE_MAIN, .plural = true });
	return r;
}

/* Set already by another tunnel of ours, it is asked for all the same, so that the last one to go
 * puts back what was there before the first. */
static int add_sysctl(struct plan *p, const struct host_state *s)
{
	bool shared = s->src_valid_mark == 1 && s->src_valid_mark_before >= 0;
	struct step *step;

	if (s->src_valid_mark == 1 && !shared)
		return 0;
	step = plan_add(p, STEP_SYSCTL);
	if (!step)
		return -ENOMEM;
	step->hidden = shared;
	step->sysctl.value = 1;
	step->sysctl.before = shared		      ? s->src_valid_mark_before
			      : s->src_valid_mark < 0 ? 0
						      : s->src_valid_mark;
	return 0;
}

/* Rules first, then the route, so that no packet of the local network is drawn into the tunnel; and
 * an unreachable route before both, so that no packet for the tunnel leaves by the old way once the
 * first rule is there. */
int plan_default_route(struct plan *p, const struct host_state *s, const struct ip_prefix *prefix,
		       uint32_t mark)
{
	uint8_t family = prefix->addr.family;
	struct step *step;
	int r = add_unreachable(p, prefix, mark, false);

	if (r == 0)
		r = add_rule(p, s, (struct step_rule){ .family = family, .invert = true,
						       .mark = mark, .table = mark });
	if (r == 0)
		r = add_rule(p, s, (struct step_rule){ .family = family, .suppress = true,
						       .table = TABLE_MAIN,
						       .plural = others_suppress(s, family) });
	if (r == 0)
		r = add_side_by_side(p, s, family, mark);
	if (r < 0)
		return r;
	step = plan_add(p, STEP_ROUTE);
	if (!step)
		return -ENOMEM;
	step->route = (struct step_route){ .prefix = *prefix, .table = mark };
	r = add_unreachable(p, prefix, mark, true);
	return r < 0 || family != IP_V4 ? r : add_sysctl(p, s);
}

int plan_one_route(struct plan *p, const struct tunnel_file *f, const struct host_state *s,
		   const struct ip_prefix *prefix, uint32_t mark)
{
	struct step *step;

	if (f->interface.table_kind == TABLE_AUTO && prefix->bits == 0)
		return plan_default_route(p, s, prefix, mark);
	if (f->interface.table_kind == TABLE_AUTO && plan_is_covered(f, s, prefix))
		return 0;
	step = plan_add(p, STEP_ROUTE);
	if (!step)
		return -ENOMEM;
	step->route = (struct step_route){ .prefix = *prefix,
					   .table = f->interface.table_kind == TABLE_GIVEN ? f->interface.table
										 : TABLE_MAIN };
	return 0;
}

int plan_firewall(struct plan *p, const struct tunnel_file *f, const struct host_state *s,
		  const struct addresses *also, const bool want[2], uint32_t mark,
		  const struct plan_options *o)
{
	p->firewall = s->firewall;
	if ((want[0] || want[1]) && s->firewall == FIREWALL_NONE) {
		warn(o, "neither nft nor iptables is here: nothing keeps others on the local "
			"network from "
			"speaking to the tunnel's addresses");
		return 0;
	}
	for (size_t i = 0; i < f->interface.addresses.n; i++)
		if (!addresses_have(&p->guarded, &f->interface.addresses.list[i]) &&
		    !addresses_add(&p->guarded, &f->interface.addresses.list[i]))
			return -ENOMEM;
	for (size_t i = 0; i < also->n; i++)
		if (!addresses_have(&p->guarded, &also->list[i]) &&
		    !addresses_add(&p->guarded, &also->list[i]))
			return -ENOMEM;
	for (int v6 = 1; v6 >= 0; v6--) {
		struct step *step = want[v6] ? plan_add(p, STEP_FIREWALL) : NULL;
		if (want[v6] && !step)
			return -ENOMEM;
		if (!step)
			continue;
		step->firewall.family = v6 ? IP_V6 : IP_V4;
		step->firewall.mark = mark;
	}
	return 0;
}

/* ---- the parts of plan_rest ---- */

static int add_wg(struct plan *p, const struct tunnel_file *f, bool set_mark, uint32_t mark)
{
	struct step *s = plan_add(p, STEP_WG);

	if (!s)
		return -ENOMEM;
	s->wg.words = WG_ADDCONF;
	s->wg.patch = &f->device;
	if (!set_mark)
		return 0;
	s = plan_add(p, STEP_WG);
	if (!s)
		return -ENOMEM;
	memcpy(p->mark.name, p->name, sizeof p->name);
	p->mark.flags = WG_DEVICE_HAS_FWMARK;
	p->mark.fwmark = mark;
	s->wg.words = WG_SET;
	s->wg.patch = &p->mark;
	return 0;
}

unsigned int plan_mtu(const struct tunnel_file *f, const struct host_state *s)
{
	unsigned int path = s->path_mtu ? s->path_mtu : 1500;

	if (f->interface.mtu)
		return f->interface.mtu;
	return path > 80 + 68 ? path - 80 : 68;
}

static int add_addresses(struct plan *p, const struct tunnel_file *f, const struct host_state *s,
			 const struct plan_options *o)
{
	size_t left_out = 0;
	struct step *step;

	for (size_t i = 0; i < f->interface.addresses.n; i++) {
		if (f->interface.addresses.list[i].local.family == IP_V6 && !s->ipv6) {
			left_out++;
			continue;
		}
		if (addresses_have(&s->addresses, &f->interface.addresses.list[i]))
			continue; /* a PreUp hook was there first */
		step = plan_add(p, STEP_ADDRESS);
		if (!step)
			return -ENOMEM;
		step->address = f->interface.addresses.list[i];
	}
	if (left_out > 0)
		warn(o, "IPv6 is disabled here: the tunnel comes up without its IPv6 addresses and "
			"routes");
	step = plan_add(p, STEP_LINK_UP);
	if (!step)
		return -ENOMEM;
	step->link_up.mtu = plan_mtu(f, s);
	return 0;
}

static int copy_words(struct string_list *to, const struct string_list *from)
{
	for (size_t i = 0; i < from->n; i++)
		if (!string_list_add(to, span_of(from->list[i])))
			return -ENOMEM;
	return 0;
}

static int add_dns(struct plan *p, const struct tunnel_file *f, const struct host_state *s,
		   const struct plan_options *o)
{
	if (f->interface.dns.servers.n == 0 && f->interface.dns.domains.n == 0)
		return 0;
	p->dns_backend = s->dns;
	memcpy(p->dns_prefix, s->dns_prefix, sizeof p->dns_prefix);
	if (s->dns == DNS_NONE)
		return 0;
	if (s->dns == DNS_FILE)
		warn(o, "neither resolvconf nor systemd-resolved is here: /etc/resolv.conf is "
			"written, and "
			"restored by down");
	if (!plan_add(p, STEP_DNS))
		return -ENOMEM;
	if (copy_words(&p->dns.servers, &f->interface.dns.servers) < 0)
		return -ENOMEM;
	return copy_words(&p->dns.domains, &f->interface.dns.domains);
}

/* All but those that plan_defaults() makes, which are the shortest. */
static int add_routes(struct plan *p, const struct tunnel_file *f, const struct host_state *s,
		      const struct plan_options *o)
{
	struct desired_route *list;
	size_t n, left_out = 0;
	int r = 0;

	if (f->interface.table_kind == TABLE_OFF)
		return 0;
	r = plan_routes(&list, &n, &f->device, &s->device);
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (list[i].prefix.addr.family == IP_V6 && !s->ipv6)
			left_out++;
		else if (list[i].prefix.bits > 0 || f->interface.table_kind != TABLE_AUTO)
			r = plan_one_route(p, f, s, &list[i].prefix, 0);
	}
	if (r == 0 && left_out > 0 && f->interface.addresses.n == 0)
		warn(o, "IPv6 is disabled here: the tunnel comes up without its IPv6 routes");
	if (r == 0)
		free(list);
	return r;
}

int plan_defaults(struct plan *p, const struct tunnel_file *f, const struct host_state *s)
{
	static const uint8_t families[] = { IP_V6, IP_V4 };
	bool given;
	uint32_t mark = plan_mark(f, s, &given);
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(families); i++) {
		struct ip_prefix all = { .addr.family = families[i] };
		if (makes_default(f, s, families[i]))
			r = plan_default_route(p, s, &all, mark);
	}
	return r;
}

int plan_post_up(struct plan *p, const struct tunnel_file *f, const struct plan_options *o)
{
	return add_hooks(p, f, HOOK_POST_UP, o);
}

int plan_rest(struct plan *p, const struct tunnel_file *f, const struct host_state *s,
	      const struct plan_options *o)
{
	const bool want[2] = { makes_default(f, s, IP_V4), makes_default(f, s, IP_V6) };
	bool given;
	uint32_t mark = plan_mark(f, s, &given);
	int r = plan_firewall(p, f, s, &s->addresses, want, mark, o);

	if (r == 0)
		r = add_wg(p, f, (want[0] || want[1]) && !given, mark);
	if (r == 0)
		r = add_addresses(p, f, s, o);
	if (r == 0)
		r = add_dns(p, f, s, o);
	if (r == 0)
		r = add_routes(p, f, s, o);
	p->defaults_at = p->n;
	if (r == 0)
		r = plan_defaults(p, f, s);
	return r < 0 ? r : plan_post_up(p, f, o);
}
