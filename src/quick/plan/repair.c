/* Repairs: restoring settings that were applied and are missing. */
#include "repair.h"

#include <errno.h>
#include <stdlib.h>

#include "print.h"

/* ---- what was applied ---- */

static int set_addresses(struct addresses *to, const struct addresses *from)
{
	addresses_free(to);
	for (size_t i = 0; i < from->n; i++)
		if (!addresses_add(to, &from->list[i]))
			return -ENOMEM;
	return 0;
}

/* Where the file has another table by now. */
static void set_table(struct tunnel_file *f, const struct applied *a)
{
	if (!a->has_table || a->table == tunnel_file_table(f))
		return;
	free(f->interface.table_word);
	f->interface.table_word = NULL;
	f->interface.table_kind = a->table == 0 ? TABLE_OFF : a->table == TABLE_MAIN ? TABLE_AUTO : TABLE_GIVEN;
	f->interface.table = a->table;
}

static void set_kill_switch(struct tunnel_file *f, const struct applied *a)
{
	f->interface.kill_switch = KILL_SWITCH_OFF;
	for (size_t i = 0; i < a->plan.n; i++)
		if (a->plan.steps[i].kind == STEP_KILL_SWITCH)
			f->interface.kill_switch = (enum kill_switch_mode)a->plan.steps[i].kill_switch.mode;
}

static int list_prefixes(struct routes *out, const struct wg_peer *p)
{
	if (!vector_reserve(&out->list, &out->cap, p->n_allowedips, sizeof *out->list))
		return -ENOMEM;
	for (uint32_t i = 0; i < p->n_allowedips; i++)
		out->list[out->n++] = (struct step_route){ .prefix = p->allowedips[i].prefix };
	routes_sort(out);
	return 0;
}

/* Leaves those that the device has. */
static int keep_allowedips(struct wg_peer *peer, const struct wg_peer *now)
{
	struct routes have = { 0 };
	int r = now->n_allowedips > 0 ? list_prefixes(&have, now) : 0;
	uint32_t kept = 0;

	for (uint32_t i = 0; r == 0 && i < peer->n_allowedips; i++)
		if (routes_have(&have, &peer->allowedips[i].prefix))
			peer->allowedips[kept++] = peer->allowedips[i];
	peer->n_allowedips = kept;
	free(have.list);
	return r;
}

static int copy_allowedips(struct wg_peer *peer, const struct wg_peer *now)
{
	peer->n_allowedips = 0;
	for (uint32_t i = 0; i < now->n_allowedips; i++) {
		struct wg_allowedip *a = peer_add_allowedip(peer);
		if (!a)
			return -ENOMEM;
		a->prefix = now->allowedips[i].prefix;
	}
	return 0;
}

static void set_endpoint(struct wg_peer *peer, const struct wg_peer *now)
{
	peer->flags &= ~(uint32_t)(WG_PEER_HAS_HOST | WG_PEER_HAS_ENDPOINT);
	peer->flags |= now->flags & WG_PEER_HAS_ENDPOINT;
	peer->endpoint = now->endpoint;
}

/* A peer that was removed from the device has no routes. */
static int set_peers(struct wg_device *d, const struct wg_device *actual, bool edited)
{
	struct peer_index x = { 0 };
	int r = peer_index_build(&x, actual) ? 0 : -ENOMEM;

	for (uint32_t i = 0; r == 0 && i < d->n_peers; i++) {
		struct wg_peer *peer = &d->peers[i];
		const struct wg_peer *now = peer_index_find(&x, actual, &peer->public_key);
		static const struct wg_peer none;
		set_endpoint(peer, now ? now : &none);
		if (!now)
			peer->n_allowedips = 0;
		else
			r = edited ? copy_allowedips(peer, now) : keep_allowedips(peer, now);
	}
	peer_index_free(&x);
	return r;
}

/* Those that the edited file has no more. */
static int add_peers(struct tunnel_file *f, const struct wg_device *actual)
{
	struct wg_device *d = &f->device;
	struct peer_index x = { 0 };
	int r = peer_index_build(&x, d) ? 0 : -ENOMEM;
	uint32_t n = d->n_peers;

	for (uint32_t i = 0; r == 0 && i < actual->n_peers; i++) {
		const struct wg_peer *now = &actual->peers[i];
		struct wg_peer *peer;
		if (n > 0 && peer_index_find(&x, d, &now->public_key))
			continue;
		peer = vector_reserve(&f->peers, &f->cap_peers, f->n_peers + 1, sizeof *f->peers) ? device_add_peer(d) : NULL;
		if (!peer) {
			r = -ENOMEM;
			break;
		}
		f->peers[f->n_peers++] = (struct peer_keys){ 0 };
		peer->flags = WG_PEER_HAS_PUBLIC_KEY;
		peer->public_key = now->public_key;
		set_endpoint(peer, now);
		r = copy_allowedips(peer, now);
	}
	peer_index_free(&x);
	return r;
}

int repair_desired(struct tunnel_file *f, const struct host_state *s, const struct applied *a, bool edited)
{
	struct dns_config dns = { 0 };
	int r = set_addresses(&f->interface.addresses, &a->addresses);

	if (r == 0)
		r = dns_config_append(&dns, &a->plan.dns) ? 0 : -ENOMEM;
	dns_config_free(&f->interface.dns);
	f->interface.dns = dns;
	if (edited) {
		set_table(f, a);
		f->interface.route_metric = a->route_metric;
		f->interface.bind.to = a->binding;
		set_kill_switch(f, a);
	}
	f->device.flags &= ~(uint32_t)(WG_DEVICE_HAS_FWMARK | WG_DEVICE_HAS_LISTEN_PORT);
	if (r == 0)
		r = set_peers(&f->device, &s->device, edited);
	if (r == 0 && edited)
		r = add_peers(f, &s->device);
	return r;
}

/* ---- which steps ---- */

static bool needs_link(const struct step *s)
{
	switch ((enum step_kind)s->kind) {
	case STEP_LINK:
	case STEP_HOOK:
	case STEP_WG:
	case STEP_BIND:
	case STEP_ADDRESS:
	case STEP_LINK_UP:
	case STEP_DNS:
		return true;
	case STEP_ROUTE:
		return route_is_of_link(&s->route);
	case STEP_RULE:
	case STEP_SYSCTL:
	case STEP_FIREWALL:
	case STEP_KILL_SWITCH:
	case STEP_NETNS:
		return false;
	}
	unreachable();
}

static bool has_kind(const struct applied *a, const struct step *s)
{
	for (size_t i = 0; i < a->plan.n; i++)
		if (a->plan.steps[i].kind == s->kind)
			return true;
	return false;
}

static bool has_rule(const struct applied *a, const struct step_rule *r)
{
	for (size_t i = 0; i < a->plan.n; i++)
		if (a->plan.steps[i].kind == STEP_RULE && rule_equal(&a->plan.steps[i].rule, r))
			return true;
	return false;
}

/* The interface, its configuration and its hooks are not restored here. A kind of step that is journaled is, if there is one
 * in the journal; so a new kind needs no line here. Removals belong to edits of the file, except that of a rule of ours that
 * another one replaces, since it has no effect where it is. */
static bool is_repair(const struct step *s, const struct applied *a, bool link_is_up)
{
	if (s->kind == STEP_LINK || s->kind == STEP_HOOK || s->kind == STEP_WG || s->kind == STEP_BIND || (!link_is_up && needs_link(s)))
		return false;
	if (s->remove)
		return s->kind == STEP_RULE && has_rule(a, &s->rule);
	if (s->kind == STEP_ADDRESS)
		return addresses_have(&a->addresses, &s->address);
	return !step_is_journaled(s) || has_kind(a, s);
}

void repair_select(struct plan *p, const struct applied *a, bool link_is_up)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++)
		if (is_repair(&p->steps[i], a, link_is_up))
			p->steps[kept++] = p->steps[i];
	p->n = kept;
}

/* FNV-1a of the description. */
uint64_t repair_id(const struct plan *p, const struct step *s)
{
	char buffer[256];
	struct text t = text_fixed(buffer, sizeof buffer);
	uint64_t id = 0xcbf29ce484222325;

	text_f(&t, "%u ", s->kind);
	if (s->kind == STEP_FIREWALL)
		text_u64(&t, s->firewall.family);
	else if (s->kind == STEP_RULE) /* also at another preference */
		text_f(&t, "%u %u %u %u %u", s->rule.family, s->rule.invert, s->rule.mark, s->rule.table, s->rule.suppress);
	else /* also the MTU: another one is another thing */
		step_describe(&t, p, s);
	for (size_t i = 0; i < t.n; i++)
		id = (id ^ (uint8_t)t.p[i]) * 0x100000001b3;
	return id;
}

static bool is_same(const struct step *a, const struct step *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == STEP_RULE)
		return rule_equal(&a->rule, &b->rule);
	if (a->kind == STEP_ROUTE)
		return a->route.unreachable == b->route.unreachable && a->route.table == b->route.table &&
		       prefix_equal(&a->route.prefix, &b->route.prefix);
	return a->kind != STEP_FIREWALL || a->firewall.family == b->firewall.family;
}

bool repair_is_journaled(const struct plan *p, const struct applied *a)
{
	for (size_t i = 0; i < p->n; i++) {
		bool found = !step_is_journaled(&p->steps[i]) && !p->steps[i].remove;
		for (size_t k = 0; !found && k < a->plan.n; k++)
			found = !p->steps[i].remove && is_same(&p->steps[i], &a->plan.steps[k]);
		if (!found)
			return false;
	}
	return true;
}
