/* `reload` and `diff`: wanted against found, and only the differences are applied. Sessions of
 * peers that do not change go on. */
#include <errno.h>
#include <stdlib.h>

#include "model/sync.h"
#include "quick/host/fileio.h"
#include "quick/host/firewall.h"
#include "quick.h"
#include "reload.h"

static int add_route(struct plan *p, const struct step_route *route, bool remove)
{
	struct step *s = plan_add(p, STEP_ROUTE);

	if (!s)
		return -ENOMEM;
	s->route = *route;
	s->remove = remove;
	return 0;
}

static int compare_prefixes(const void *a, const void *b)
{
	const struct step_route *x = a, *y = b;
	int family = (int)x->prefix.addr.family - (int)y->prefix.addr.family;
	int bytes = family ? family : memcmp(x->prefix.addr.b, y->prefix.addr.b, 16);

	return bytes ? bytes : (int)x->prefix.bits - (int)y->prefix.bits;
}

static bool has_route(const struct routes *sorted, const struct ip_prefix *p)
{
	struct step_route key = { .prefix = *p };

	return sorted->n > 0 &&
	       bsearch(&key, sorted->list, sorted->n, sizeof key, compare_prefixes) != NULL;
}

/* ---- routes ---- */

struct reload {
	struct quick *q;
	struct plan *p;
	struct routes found, before;  /* over our link, where they are wanted, and where they were; sorted */
	uint32_t table, table_before; /* 0: none */
	struct desired_route *wanted;
	size_t n_wanted;
	uint32_t mark;
	/* IPv4, IPv6: all of it is there; some of it was made by us; it is wanted */
	bool default_now[2], default_made[2], default_wanted[2];
};

static const struct step_rule *tunnel_rule(const struct host_state *s, uint8_t family, uint32_t mark)
{
	for (size_t i = 0; i < s->rules.n; i++)
		if (s->rules.list[i].family == family && rule_is_tunnel(&s->rules.list[i]) &&
		    s->rules.list[i].mark == mark)
			return &s->rules.list[i];
	return NULL;
}

/* Both rules and the route: others may have taken one away. */
static int default_is_whole(struct reload *r, uint8_t family, bool *whole)
{
	struct quick *q = r->q;
	uint32_t mark = q->host.device.fwmark;
	const struct step_rule *tunnel = mark ? tunnel_rule(&q->host, family, mark) : NULL;
	struct routes routes = { 0 };
	bool suppress = false;
	int error = 0;

	for (size_t i = 0; tunnel && i < q->host.rules.n; i++)
		suppress |= q->host.rules.list[i].family == family &&
			    q->host.rules.list[i].suppress &&
			    q->host.rules.list[i].pref < tunnel->pref;
	if (suppress)
		error = rtnetlink_routes(&q->rtnetlink, family, mark, q->ifindex, &routes);
	*whole = routes.n > 0 && (mark == r->mark || !r->default_wanted[family == IP_V6]);
	free(routes.list);
	return error;
}

static bool default_was_made(const struct reload *r, uint8_t family)
{
	for (size_t i = 0; i < r->q->journal.plan.n; i++)
		if (r->q->journal.plan.steps[i].kind == STEP_RULE &&
		    r->q->journal.plan.steps[i].rule.family == family)
			return true;
	return r->q->host.device.fwmark &&
	       tunnel_rule(&r->q->host, family, r->q->host.device.fwmark);
}

static int look_at_table(struct quick *q, uint32_t table, struct routes *out)
{
	int error = table ? rtnetlink_routes(&q->rtnetlink, IP_V4, table, q->ifindex, out) : 0;

	if (error == 0 && table)
		error = rtnetlink_routes(&q->rtnetlink, IP_V6, table, q->ifindex, out);
	if (out->n > 0)
		qsort(out->list, out->n, sizeof *out->list, compare_prefixes);
	return error;
}

static int look_at_routes(struct reload *r)
{
	struct quick *q = r->q;
	bool given;
	int error;

	r->table = tunnel_file_table(&q->file);
	r->table_before = q->journal.exists && q->journal.has_table ? q->journal.table : r->table;
	r->mark = plan_mark(&q->file, &q->host, &given);
	error = look_at_table(q, r->table, &r->found);
	if (error == 0 && r->table_before != r->table)
		error = look_at_table(q, r->table_before, &r->before);
	if (error == 0)
		error = plan_routes(&r->wanted, &r->n_wanted, &q->file.device, NULL);
	if (error < 0)
		return error;
	for (size_t i = 0; i < r->n_wanted; i++)
		if (r->wanted[i].prefix.bits == 0 && q->file.interface.table_kind == TABLE_AUTO)
			r->default_wanted[r->wanted[i].prefix.addr.family == IP_V6] = true;
	if (!q->host.ipv6)
		r->default_wanted[1] = false;
	for (int v6 = 0; error == 0 && v6 < 2; v6++) {
		uint8_t family = v6 ? IP_V6 : IP_V4;
		r->default_made[v6] = default_was_made(r, family);
		error = default_is_whole(r, family, &r->default_now[v6]);
	}
	return error;
}

static bool is_wanted(const struct reload *r, const struct ip_prefix *p)
{
	struct text t;
	struct desired_route key = { .prefix = *p };
	size_t low = 0, high = r->n_wanted;

	t = text_fixed(key.text, sizeof key.text);
	prefix_print(&t, p);
	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct desired_route *w = &r->wanted[middle];
		int order = (int)w->prefix.bits - (int)p->bits;
		if (order == 0)
			order = strcmp(w->text, key.text);
		if (order == 0)
			return true;
		if (order > 0)
			low = middle + 1; /* longest first, and then the greatest text */
		else
			high = middle;
	}
	return false;
}

/* Routes of prefixes that the device had as allowed addresses and that are not wanted any more;
 * what hooks or people added beside them stays. */
static int remove_routes(struct reload *r)
{
	const struct wg_device *now = &r->q->host.device;
	bool same = r->table == r->table_before;
	const struct routes *there = same ? &r->found : &r->before;
	int error = 0;

	for (uint32_t i = 0; error == 0 && i < now->n_peers; i++)
		for (uint32_t k = 0; error == 0 && k < now->peers[i].n_allowedips; k++) {
			struct step_route route = { .prefix = now->peers[i].allowedips[k].prefix,
						    .table = r->table_before };
			if (has_route(there, &route.prefix) && !(same && is_wanted(r, &route.prefix)) &&
			    !(route.table == TABLE_MAIN &&
			      plan_is_covered(&r->q->file, &r->q->host, &route.prefix)))
				error = add_route(r->p, &route, true);
		}
	return error;
}

static int remove_step(struct plan *p, const struct step *old)
{
	struct step *s = plan_add(p, (enum step_kind)old->kind);

	if (!s)
		return -ENOMEM;
	*s = *old;
	s->remove = true;
	s->hidden = false;
	return 0;
}

/* Makes all of it anew, in front of what may be left of an earlier one, and then removes that. */
static int make_default(struct reload *r, const struct ip_prefix *p)
{
	const struct host_state *state = &r->q->host;
	const struct plan *record = &r->q->journal.plan;
	struct step_route old = { .prefix = *p, .table = state->device.fwmark };
	struct routes there = { 0 };
	int error = plan_default_route(r->p, state, p, r->mark);

	if (error == 0 && old.table && old.table != r->mark)
		error = rtnetlink_routes(&r->q->rtnetlink, p->addr.family, old.table, r->q->ifindex, &there);
	if (error == 0 && there.n > 0)
		error = add_route(r->p, &old, true);
	free(there.list);

	for (size_t i = 0; error == 0 && i < record->n; i++)
		for (size_t k = 0; record->steps[i].kind == STEP_RULE && k < state->rules.n; k++)
			if (error == 0 && record->steps[i].rule.family == p->addr.family &&
			    rule_equal(&record->steps[i].rule, &state->rules.list[k])) {
				error = remove_step(r->p, &record->steps[i]);
				r->p->steps[r->p->n - 1].rule.plural = true; /* the new one is there */
			}
	return error;
}

static int add_routes(struct reload *r)
{
	struct quick *q = r->q;
	int error = 0;

	for (size_t i = 0; error == 0 && i < r->n_wanted; i++) {
		const struct ip_prefix *p = &r->wanted[i].prefix;
		bool v6 = p->addr.family == IP_V6;
		if (q->file.interface.table_kind == TABLE_OFF || (v6 && !q->host.ipv6))
			continue;
		if (p->bits == 0 && q->file.interface.table_kind == TABLE_AUTO) {
			if (!r->default_now[v6])
				error = make_default(r, p);
			continue;
		}
		if (!has_route(&r->found, p))
			error = plan_one_route(r->p, &q->file, &q->host, p, r->mark);
	}
	return error;
}

/* A default route that is not wanted any more: its rules, its table's route, its firewall. */
static int remove_default(struct reload *r, uint8_t family)
{
	struct quick *q = r->q;
	struct step_route route = { .table = q->host.device.fwmark };
	int error = 0;

	route.prefix.addr.family = family;
	for (size_t i = q->journal.plan.n; error == 0 && i-- > 0;) {
		const struct step *old = &q->journal.plan.steps[i];
		bool of_family = (old->kind == STEP_RULE && old->rule.family == family) ||
				 (old->kind == STEP_FIREWALL && old->firewall.family == family) ||
				 (old->kind == STEP_SYSCTL && family == IP_V4);
		if (!of_family)
			continue;
		error = remove_step(r->p, old);
	}
	return error == 0 && r->default_now[family == IP_V6] ? add_route(r->p, &route, true)
							     : error;
}

/* ---- the rest ---- */

static int compare_words(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The peers' endpoints as the file had them when the tunnel came up: one that roamed stays where it
 * is while the file says what it said. */
static int endpoints_before(struct reload *r, const struct string_list *texts_now,
			    struct wg_device *before)
{
	const struct string_list *old = &r->q->journal.peers;
	struct wg_device *wanted = &r->q->file.device;
	struct peer_index x = { 0 };
	int error = peer_index_build(&x, wanted) ? 0 : -ENOMEM;

	for (size_t i = 0; error == 0 && i < old->n; i++) {
		struct span rest = span_of(old->list[i]), key;
		struct wg_public public_key;
		struct wg_peer *peer, *mine;
		if (!span_next(&key, &rest, ' ') || !key_from_base64(public_key.b, key))
			continue;
		mine = peer_index_find(&x, wanted, &public_key);
		peer = device_add_peer(before);
		if (!peer) {
			error = -ENOMEM;
			break;
		}
		peer->public_key = public_key;
		peer->flags = WG_PEER_HAS_PUBLIC_KEY | WG_PEER_HAS_ENDPOINT;
		/* The same words are the same endpoint, whatever the name means today. */
		if (mine && texts_now->n > 0 &&
		    bsearch(&old->list[i], texts_now->list, texts_now->n, sizeof *texts_now->list,
			    compare_words))
			peer->endpoint = mine->endpoint;
	}
	peer_index_free(&x);
	return error;
}

static int change_device(struct reload *r, const struct string_list *texts_now)
{
	struct quick *q = r->q;
	struct wg_device before = { 0 };
	struct sync_options o = { .keep_private_key = true,
				  .keep_listen_port = true,
				  .keep_fwmark = true };
	struct step *s;
	int error = endpoints_before(r, texts_now, &before);

	if (q->journal.exists)
		o.last_request = &before;
	if (error == 0)
		error = sync_diff(&r->p->change, &q->host.device, &q->file.device, &o);
	device_free(&before);
	if (error < 0)
		return error;
	memcpy(r->p->change.name, q->file.name, sizeof q->file.name);
	if ((r->default_wanted[0] || r->default_wanted[1]) && r->mark != q->host.device.fwmark) {
		r->p->change.flags |= WG_DEVICE_HAS_FWMARK;
		r->p->change.fwmark = r->mark;
	}
	if (sync_is_empty(&r->p->change))
		return 0;
	s = plan_add(r->p, STEP_WG);
	if (!s)
		return -ENOMEM;
	s->wg.words = WG_SET;
	s->wg.patch = &r->p->change;
	s->wg.inverse = &r->p->unchange; /* filled when it is needed */
	return 0;
}

static bool same_address(const struct interface_address *a, const struct interface_address *b)
{
	return ip_equal(&a->local, &b->local) && a->bits == b->bits && ip_equal(&a->peer, &b->peer);
}

static bool have_address(const struct addresses *list, const struct interface_address *a)
{
	for (size_t i = 0; i < list->n; i++)
		if (same_address(&list->list[i], a))
			return true;
	return false;
}

static int change_addresses(struct reload *r, bool remove, bool *changed)
{
	const struct quick *q = r->q;
	const struct addresses *from =
		remove ? (q->journal.exists ? &q->journal.addresses : &q->host.addresses)
		       : &q->file.interface.addresses;

	for (size_t i = 0; i < from->n; i++) {
		const struct interface_address *a = &from->list[i];
		struct step *s;
		if (remove ? have_address(&q->file.interface.addresses, a) ||
				     !have_address(&q->host.addresses, a) ||
				     ip_is_v6_link_local(&a->local)
			   : have_address(&q->host.addresses, a) ||
				     (a->local.family == IP_V6 && !q->host.ipv6))
			continue;
		s = plan_add(r->p, STEP_ADDRESS);
		if (!s)
			return -ENOMEM;
		s->address = *a;
		s->remove = remove;
		*changed = true;
	}
	return 0;
}

static int change_mtu(struct reload *r)
{
	const struct quick *q = r->q;
	unsigned int mtu = plan_mtu(&q->file, &q->host);
	struct step *s;

	if (mtu == q->host.link.mtu && q->host.link.up)
		return 0;
	s = plan_add(r->p, STEP_LINK_UP);
	if (!s)
		return -ENOMEM;
	s->link_up.mtu = mtu;
	s->link_up.mtu_before = q->host.link.mtu;
	s->link_up.was_up = q->host.link.up;
	return 0;
}

/* The old servers are taken back before the new ones are set; nobody but us knows them. */
static int change_dns(struct reload *r, struct plan *old)
{
	const struct quick *q = r->q;
	const struct dns_config *was = &q->journal.plan.dns;
	bool had = was->servers.n > 0 || was->domains.n > 0;
	bool want = q->file.interface.dns.servers.n > 0 || q->file.interface.dns.domains.n > 0;
	struct step *s;

	r->p->dns_backend = q->journal.exists && had ? q->journal.plan.dns_backend : q->host.dns;
	memcpy(r->p->dns_prefix, q->host.dns_prefix, sizeof q->host.dns_prefix);
	if (!dns_config_copy(&r->p->dns, &q->file.interface.dns))
		return -ENOMEM;
	if (!q->journal.exists || dns_config_equal(was, &q->file.interface.dns) || r->p->dns_backend == DNS_NONE)
		return 0;
	if (had) {
		memcpy(old->name, r->p->name, sizeof old->name);
		old->dns_backend = q->journal.plan.dns_backend;
		memcpy(old->dns_prefix, q->journal.plan.dns_prefix, sizeof old->dns_prefix);
		s = dns_config_copy(&old->dns, was) ? plan_add(old, STEP_DNS) : NULL;
		if (!s)
			return -ENOMEM;
		s->remove = true;
	}
	return !want || plan_add(r->p, STEP_DNS) ? 0 : -ENOMEM;
}

static int guard(struct reload *r, bool addresses_changed)
{
	struct quick *q = r->q;
	struct plan_options o = { .warn = quick_warn };
	const struct addresses *also = q->journal.exists ? &q->journal.foreign : &q->host.addresses;
	bool need[2];

	for (int v6 = 0; v6 < 2; v6++)
		need[v6] = r->default_wanted[v6] &&
			   (addresses_changed || !r->default_now[v6] ||
			    (q->host.firewall == FIREWALL_NFT &&
			     !firewall_exists(q->file.name, v6 ? IP_V6 : IP_V4)));
	return plan_firewall(r->p, &q->file, &q->host, also, need, r->mark, &o);
}

static int build(struct reload *r, struct plan *old, const struct string_list *texts_now)
{
	bool changed = false;
	int error = look_at_routes(r);

	for (size_t i = 0; i < r->q->file.interface.addresses.n; i++)
		changed |= !have_address(&r->q->host.addresses, &r->q->file.interface.addresses.list[i]);
	if (error == 0)
		error = guard(r, changed);
	changed = false;
	if (error == 0 && r->default_made[0] && !r->default_wanted[0])
		error = remove_default(r, IP_V4);
	if (error == 0 && r->default_made[1] && !r->default_wanted[1])
		error = remove_default(r, IP_V6);
	if (error == 0)
		error = change_device(r, texts_now);
	if (error == 0)
		error = remove_routes(r);
	/* New ones first: with its last address a link loses its routes. */
	if (error == 0)
		error = change_addresses(r, false, &changed);
	if (error == 0)
		error = change_addresses(r, true, &changed);
	if (error == 0)
		error = change_mtu(r);
	if (error == 0)
		error = change_dns(r, old);
	return error < 0 ? error : add_routes(r);
}

static int look(struct quick *q)
{
	int r = host_inspect(&q->host, &q->rtnetlink, q->file.name, &q->settings);

	if (r < 0) {
		report_error("netlink: %s", strerror(-r));
		return r;
	}
	q->ifindex = q->host.link.index;
	r = q->ifindex ? ipc_get(&q->ipc, &q->host.device, q->file.name) : -ENODEV;
	if (r < 0) {
		report_error(r == -ENODEV || r == -EOPNOTSUPP || r == -ENOENT
				  ? "`%s' is not a WireGuard interface"
				  : "`%s' does not say what it is made of",
			  q->file.name);
		return r;
	}
	r = quick_resolve(q, true);
	return r < 0 ? r : quick_look_further(q);
}

/* A second address of a network must outlive the first one. */
static void keep_secondary_addresses(const struct plan *p)
{
	char path[96];
	struct text t = text_fixed(path, sizeof path);

	text_f(&t, "/proc/sys/net/ipv4/conf/%s/promote_secondaries", p->name);
	for (size_t i = 0; i < p->n; i++)
		if (p->steps[i].kind == STEP_ADDRESS && p->steps[i].remove) {
			if (fileio_write_number(path, 1) < 0)
				report_warning("%s cannot be written; addresses of one network may go "
					    "together",
					    path);
			return;
		}
}

/* All of it or nothing. The record holds old and new before the first step: whenever this is
 * killed, `down` finds what there may be. */
static int perform(struct quick *q, struct plan *old, struct string_list *take_peers)
{
	bool note = q->journal.exists && old->n + q->plan.n > 0;
	int r = note ? reload_note(q, old->n > 0 ? &q->journal.plan.dns : &q->file.interface.dns) : 0;

	if (r == 0)
		r = apply_plan(q, old, 0, false);
	if (r == 0 && note && old->n > 0)
		r = reload_note(q, &q->file.interface.dns);
	if (r == 0) {
		keep_secondary_addresses(&q->plan);
		r = apply_plan(q, &q->plan, 0, false);
	}
	if (r < 0) {
		reload_undo(q, old);
		return r;
	}
	if (!q->journal.exists)
		return 0;
	string_list_free(&q->journal.peers);
	q->journal.peers = *take_peers;
	*take_peers = (struct string_list){ 0 };
	/* All is done, and the record that names both serves `down` as well. */
	if (reload_keep(q, &q->plan) < 0)
		report_warning("the record of %s still names what it was before the reload",
			    q->file.name);
	return 0;
}

/* Rules and the sysctl, which default-route tunnels share. */
static bool may_touch_default(const struct quick *q)
{
	const struct plan *old = &q->journal.plan;
	bool may = plan_makes_default(&q->file, &q->host);

	for (size_t i = 0; i < old->n; i++)
		may |= old->steps[i].kind == STEP_RULE;
	return may && !q->journal.no_folder;
}

static int reload_or_diff(struct quick *q, bool act)
{
	struct reload reload = { .q = q, .p = &q->plan };
	struct journal names = { .lock = -1 };
	struct plan old = { 0 };
	int r, held = -1;

	if (!quick_read_file(q))
		return 1;
	r = journal_open(&q->journal, q->file.name);
	if (r == 0)
		r = journal_fill_peers(&names, &q->file);
	if (r < 0)
		report_error("the record of %s: %s", q->file.name, strerror(-r));
	else
		r = look(q);
	memcpy(q->plan.name, q->file.name, sizeof q->plan.name);
	q->plan.config = q->file.path;
	q->plan.table_word = q->file.interface.table_kind == TABLE_GIVEN ? q->file.interface.table_word : NULL;
	q->plan.table = q->file.interface.table;
	if (names.peers.n > 0)
		qsort(names.peers.list, names.peers.n, sizeof *names.peers.list, compare_words);
	if (r == 0 && act && may_touch_default(q)) {
		held = journal_lock_all();
		r = quick_look_shared(q);
	}
	if (r == 0) {
		r = build(&reload, &old, &names.peers);
		if (r < 0)
			report_error("%s", strerror(-r));
	}
	if (r == 0 && !act) {
		quick_print_plan(q, &old);
		quick_print_plan(q, &q->plan);
	} else if (r == 0) {
		r = perform(q, &old, &names.peers);
	}
	journal_unlock_all(held);
	string_list_free(&names.peers);
	free(reload.found.list);
	free(reload.before.list);
	free(reload.wanted);
	plan_free(&old);
	return r < 0 || q->failures > 0 ? quick_status(q) : 0;
}

int command_reload(struct quick *q)
{
	return reload_or_diff(q, true);
}

int command_diff(struct quick *q)
{
	return reload_or_diff(q, false);
}
