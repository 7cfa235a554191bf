/* A reload is all or nothing: the record before and after its steps, and the way back. */
#include <errno.h>
#include <stdlib.h>

#include "model/sync.h"
#include "reload.h"

/* A step that the reload took back, or that it did once more. */
static bool is_replaced(const struct plan *p, const struct step *s, bool old)
{
	if (s->remove || s->kind == STEP_DNS)
		return true;
	for (size_t k = 0; k < p->n; k++) {
		const struct step *other = &p->steps[k];
		if (other->kind != s->kind || (!other->remove && !old))
			continue;
		if (s->kind == STEP_RULE && other->remove && rule_equal(&other->rule, &s->rule))
			return true;
		if (s->kind == STEP_FIREWALL && other->firewall.family == s->firewall.family)
			return true;
		if (s->kind == STEP_SYSCTL)
			return true;
		if (s->kind == STEP_ROUTE && old &&
		    prefix_equal(&other->route.prefix, &s->route.prefix))
			return true;
	}
	return false;
}

/* The record goes on as the old one, less what was removed, plus what was made. */
int reload_keep(struct quick *q, const struct plan *p)
{
	struct plan all = { 0 };
	struct string_list pre = q->journal.hooks[HOOK_PRE_DOWN], post = q->journal.hooks[HOOK_POST_DOWN];
	int r = 0;

	memcpy(all.name, p->name, sizeof all.name);
	all.firewall = p->firewall ? p->firewall : q->journal.plan.firewall;
	all.dns_backend = p->dns_backend;
	memcpy(all.dns_prefix, p->dns_prefix, sizeof all.dns_prefix);
	for (size_t i = 0; r == 0 && i < q->journal.plan.n + p->n; i++) {
		const struct step *s = i < q->journal.plan.n ? &q->journal.plan.steps[i]
							     : &p->steps[i - q->journal.plan.n];
		struct step *to;
		if (is_replaced(p, s, i < q->journal.plan.n))
			continue;
		to = plan_add(&all, (enum step_kind)s->kind);
		if (!to)
			r = -ENOMEM;
		else
			*to = *s;
	}
	if (r == 0 && (q->file.interface.dns.servers.n > 0 || q->file.interface.dns.domains.n > 0) &&
	    (!dns_config_copy(&all.dns, &q->file.interface.dns) || !plan_add(&all, STEP_DNS)))
		r = -ENOMEM;
	for (size_t i = 0; r == 0 && i < q->file.interface.addresses.n; i++)
		r = addresses_add(&all.guarded, &q->file.interface.addresses.list[i]) ? 0 : -ENOMEM;
	/* Down hooks stay those that match the up hooks that ran. */
	q->journal.hooks[HOOK_PRE_DOWN] = q->journal.hooks[HOOK_POST_DOWN] = (struct string_list){ 0 };
	if (r == 0)
		r = journal_fill(&q->journal, &q->file, &all);
	string_list_free(&q->journal.hooks[HOOK_PRE_DOWN]);
	string_list_free(&q->journal.hooks[HOOK_POST_DOWN]);
	q->journal.hooks[HOOK_PRE_DOWN] = pre;
	q->journal.hooks[HOOK_POST_DOWN] = post;
	plan_free(&all);
	return r < 0 ? r : journal_write(&q->journal);
}

/* ---- before ---- */

static bool wants_dns(const struct dns_config *w)
{
	return w->servers.n > 0 || w->domains.n > 0;
}

static int add_steps(struct plan *all, const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct step *s = &p->steps[i];
		struct step *to;
		if (!journal_keeps(s) || s->kind == STEP_DNS)
			continue;
		to = plan_add(all, (enum step_kind)s->kind);
		if (!to)
			return -ENOMEM;
		*to = *s;
	}
	return 0;
}

static int add_addresses(struct addresses *all, const struct addresses *more)
{
	for (size_t i = 0; i < more->n; i++)
		if (!addresses_have(all, &more->list[i]) && !addresses_add(all, &more->list[i]))
			return -ENOMEM;
	return 0;
}

int reload_note(struct quick *q, const struct dns_config *dns)
{
	struct journal both = q->journal; /* borrows all but the plan and the addresses */
	const struct plan *p = &q->plan;
	int r;

	both.plan = (struct plan){ .firewall = p->firewall ? p->firewall : q->journal.plan.firewall,
				   .dns_backend = p->dns_backend };
	both.addresses = (struct addresses){ 0 };
	memcpy(both.plan.name, p->name, sizeof both.plan.name);
	memcpy(both.plan.dns_prefix, p->dns_prefix, sizeof both.plan.dns_prefix);
	r = add_steps(&both.plan, &q->journal.plan);
	if (r == 0)
		r = add_steps(&both.plan, p);
	if (r == 0 && wants_dns(dns) &&
	    (!dns_config_copy(&both.plan.dns, dns) || !plan_add(&both.plan, STEP_DNS)))
		r = -ENOMEM;
	if (r == 0)
		r = add_addresses(&both.plan.guarded, &q->journal.plan.guarded);
	if (r == 0)
		r = add_addresses(&both.plan.guarded, &p->guarded);
	if (r == 0)
		r = add_addresses(&both.addresses, &q->journal.addresses);
	if (r == 0)
		r = add_addresses(&both.addresses, &q->file.interface.addresses);
	if (r == 0)
		r = journal_write(&both);
	plan_free(&both.plan);
	addresses_free(&both.addresses);
	return r;
}

/* ---- the way back ---- */

/* WireGuard forgets no endpoint, only whole peers. One that had none has no session to lose. */
static bool must_be_renewed(const struct wg_peer *now, const struct wg_peer *was)
{
	return was && was->endpoint.addr.family == IP_NONE &&
	       now->endpoint.addr.family != IP_NONE && now->handshake_s == 0;
}

/* Peers that must be renewed leave `now` and are named in `first`, which removes them. */
static int forget_endpoints(struct wg_device *first, struct wg_device *now,
			    const struct wg_device *was)
{
	struct peer_index x = { 0 };
	uint32_t kept = 0;
	int r = 0;

	if (!peer_index_build(&x, was))
		return -ENOMEM;
	for (uint32_t i = 0; i < now->n_peers; i++) {
		struct wg_peer *p = &now->peers[i], *gone;
		if (must_be_renewed(p, peer_index_find(&x, was, &p->public_key))) {
			gone = device_add_peer(first);
			if (gone) {
				gone->public_key = p->public_key;
				gone->flags = WG_PEER_HAS_PUBLIC_KEY | WG_PEER_REMOVE;
				peer_free(p);
				continue;
			}
			r = -ENOMEM;
		}
		if (kept != i)
			now->peers[kept] = *p;
		kept++;
	}
	now->n_peers = kept;
	peer_index_free(&x);
	return r;
}

/* The patch begins with these peers; they are moved. */
static int put_first(struct wg_device *patch, struct wg_device *first)
{
	struct wg_device rest = *patch;

	for (uint32_t i = 0; i < rest.n_peers; i++) {
		struct wg_peer *to = device_add_peer(first);
		if (!to)
			return -ENOMEM;
		*to = rest.peers[i];
		rest.peers[i] = (struct wg_peer){ 0 };
	}
	patch->peers = first->peers;
	patch->n_peers = first->n_peers;
	patch->cap_peers = first->cap_peers;
	first->peers = rest.peers;
	first->n_peers = rest.n_peers;
	first->cap_peers = rest.cap_peers;
	return 0;
}

/* From what the device is now to what it was; nothing else knows how much of the patch was taken.
 */
static int find_unchange(struct quick *q)
{
	static const struct wg_device none;
	struct sync_options o = { .keep_private_key = true,
				  .keep_listen_port = true,
				  .last_request = &none };
	struct wg_device now = { 0 }, first = { 0 };
	struct wg_device *was = &q->host.device; /* made a patch that says all, as of a file */
	int r = ipc_get(&q->ipc, &now, q->file.name);

	was->flags |= WG_DEVICE_REPLACE_PEERS;
	for (uint32_t i = 0; i < was->n_peers; i++)
		was->peers[i].flags |= WG_PEER_REPLACE_ALLOWEDIPS;
	if (r == 0)
		r = forget_endpoints(&first, &now, was);
	if (r == 0)
		r = sync_diff(&q->plan.unchange, &now, was, &o);
	if (r == 0 && first.n_peers > 0)
		r = put_first(&q->plan.unchange, &first);
	memcpy(q->plan.unchange.name, q->file.name, sizeof q->file.name);
	device_free(&first);
	device_free(&now);
	return r;
}

/* A table that replaced one of ours gives way to that again. */
static void restore_firewall(struct plan *undo, const struct journal *record)
{
	for (size_t i = 0; i < undo->n; i++)
		for (size_t k = 0; undo->steps[i].kind == STEP_FIREWALL && k < record->plan.n;
		     k++) {
			const struct step *was = &record->plan.steps[k];
			if (was->kind == STEP_FIREWALL &&
			    was->firewall.family == undo->steps[i].firewall.family)
				undo->steps[i] = *was;
		}
}

static int plan_back(struct quick *q, struct plan *undo)
{
	bool changed = false;
	int r;

	for (size_t i = 0; i < q->plan.n; i++)
		changed |= q->plan.steps[i].kind == STEP_WG && q->plan.steps[i].done;
	r = changed ? find_unchange(q) : 0;
	if (r < 0)
		return r;
	r = plan_undo(undo, &q->plan, false);
	if (r == 0 && q->journal.exists) {
		restore_firewall(undo, &q->journal);
		addresses_free(&undo->guarded);
		r = add_addresses(&undo->guarded, &q->journal.plan.guarded);
	}
	return r;
}

void reload_undo(struct quick *q, struct plan *old)
{
	struct plan undo = { 0 }, dns = { 0 };
	int failures = q->failures;
	int r = plan_back(q, &undo);

	if (r == 0)
		r = apply_plan(q, &undo, 0, true);
	if (q->journal.exists && reload_note(q, &q->journal.plan.dns) < 0)
		q->failures++;
	if (r == 0)
		r = plan_undo(&dns, old, false);
	if (r == 0)
		r = apply_plan(q, &dns, 0, true);
	plan_free(&undo);
	plan_free(&dns);
	if (r < 0 || q->failures > failures) {
		report_error("what reload did to %s could not be taken back whole", q->file.name);
		return; /* the record names old and new */
	}
	report_warning("%s is as it was before the reload", q->file.name);
	if (q->journal.exists && journal_write(&q->journal) < 0)
		q->failures++;
}
