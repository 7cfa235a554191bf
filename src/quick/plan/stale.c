/* Rules and routes of tunnels that are no longer up. */
#include "stale.h"

#include <errno.h>
#include <stdlib.h>

#include "inverse.h"
#include "policy_rules.h"

struct search {
	const struct host_state *host;
	const struct table_uses *tables;
	const struct tunnels_in_use *used;
	struct rules gone; /* to be removed; owned */
};

static const struct table_use *find_table(const struct search *x, uint32_t table)
{
	for (size_t i = 0; i < x->tables->n; i++)
		if (x->tables->list[i].table == table)
			return &x->tables->list[i];
	return NULL;
}

/* No tunnel has this mark, as far as this can be known. */
static bool is_unused(const struct search *x, uint32_t mark)
{
	const struct table_use *t = find_table(x, mark);

	return t && !t->other_default[0] && !t->other_default[1] && !tunnels_in_use_have(x->used, mark);
}

static bool is_dead(const struct search *x, const struct step_rule *r)
{
	return rule_is_tunnel(r) && is_unused(x, r->mark) &&
	       (r->own || find_table(x, r->mark)->unreachable[r->family == IP_V6]);
}

static bool is_journaled(const struct search *x, const struct step_rule *r)
{
	return rules_have(&x->used->rules, r);
}

static bool stays(const struct search *x, const struct step_rule *r)
{
	return !rules_have(&x->gone, r);
}

static int add(struct search *x, const struct step_rule *r)
{
	return stays(x, r) ? rules_append(&x->gone, r) : 0;
}

/* With the rules before it, unless another program added those. */
static int add_tunnel(struct search *x, const struct step_rule *tunnel)
{
	struct rules all = { 0 };
	int r = policy_rules_of_tunnel(&all, &x->host->rules, tunnel->family, tunnel->mark);

	for (size_t i = 0; r == 0 && i < all.n; i++) {
		const struct step_rule *rule = &all.list[i];
		if (rule_is_tunnel(rule) || ((rule->own || !tunnel->own) && !is_journaled(x, rule)))
			r = add(x, rule);
	}
	free(all.list);
	return r;
}

static bool has_tunnel(const struct search *x, uint8_t family, uint32_t mark)
{
	const struct rules *all = &x->host->rules;

	for (size_t i = 0; i < all->n; i++) {
		const struct step_rule *r = &all->list[i];
		if (r->family == family && rule_is_tunnel(r) && r->mark == mark && stays(x, r))
			return true;
	}
	return false;
}

/* Rules that tunnels have besides that of rule_is_tunnel(), which was removed. */
static bool is_orphan(const struct search *x, size_t at)
{
	const struct rules *all = &x->host->rules;
	const struct step_rule *r = &all->list[at], *next = at + 1 < all->n ? r + 1 : NULL;

	if (!r->own || is_journaled(x, r))
		return false;
	if (rule_is_main_for_mark(r))
		return !has_tunnel(x, r->family, r->mark);
	return rule_is_suppress(r) && !(next && next->family == r->family && rule_is_tunnel(next) && stays(x, next));
}

/* A tunnel that stays, perhaps of another program, needs one rule that gives the routes of the local network precedence. */
static void keep_needed(struct search *x, uint8_t family)
{
	const struct rules *all = &x->host->rules;
	const struct step_rule *last = NULL;
	bool covered = false;

	for (size_t i = 0; i < all->n && !covered; i++) {
		const struct step_rule *r = &all->list[i];
		if (r->family != family)
			continue;
		if (rule_is_suppress(r)) {
			covered = stays(x, r);
			last = r;
		} else if (rule_is_tunnel(r) && stays(x, r) && last) {
			rules_remove(&x->gone, last);
			covered = true;
		}
	}
}

static int find_rules(struct search *x)
{
	const struct rules *all = &x->host->rules;
	int r = 0;

	for (size_t i = 0; r == 0 && i < all->n; i++)
		if (is_dead(x, &all->list[i]))
			r = add_tunnel(x, &all->list[i]);
	for (size_t i = 0; r == 0 && i < all->n; i++)
		if (is_orphan(x, i))
			r = add(x, &all->list[i]);
	keep_needed(x, IP_V4);
	keep_needed(x, IP_V6);
	return r;
}

/* ---- routes ---- */

/* Without IPv6 policy rules the route is in the main table, where it is known by the IPv4 rules of its tunnel only. */
static bool main_was_blocked(const struct search *x)
{
	const struct rules *all = &x->host->rules;
	bool gone = false;

	if (host_has_ipv6_rules(x->host))
		return false;
	for (size_t i = 0; i < all->n; i++) {
		if (!rule_is_tunnel(&all->list[i]))
			continue;
		if (stays(x, &all->list[i]))
			return false;
		gone = true;
	}
	return gone;
}

static bool is_left(const struct search *x, const struct table_use *t, uint8_t family)
{
	if (!t->unreachable[family == IP_V6])
		return false;
	if (t->table == TABLE_MAIN)
		return family == IP_V6 && !tunnels_in_use_have(x->used, t->table) && main_was_blocked(x);
	return is_unused(x, t->table) && !has_tunnel(x, family, t->table);
}

static int remove_routes(struct plan *p, const struct search *x)
{
	static const uint8_t families[] = { IP_V4, IP_V6 };

	for (size_t i = 0; i < x->tables->n; i++)
		for (size_t f = 0; f < ARRAY_LEN(families); f++) {
			const struct table_use *t = &x->tables->list[i];
			struct step *s;
			if (!is_left(x, t, families[f]))
				continue;
			s = plan_add(p, STEP_ROUTE);
			if (!s)
				return -ENOMEM;
			s->remove = true;
			s->route = (struct step_route){ .prefix.addr.family = families[f], .unreachable = true, .table = t->table };
		}
	return 0;
}

static int remove_throws(struct plan *p, const struct search *x)
{
	const struct routes *throws = &x->tables->throws;

	for (size_t i = 0; i < throws->n; i++) {
		const struct step_route *r = &throws->list[i];
		struct step *s;
		if (!is_unused(x, r->table) || has_tunnel(x, r->prefix.addr.family, r->table))
			continue;
		s = plan_add(p, STEP_ROUTE);
		if (!s)
			return -ENOMEM;
		s->remove = true;
		s->route = *r;
	}
	return 0;
}

static int remove_rules(struct plan *p, const struct search *x)
{
	for (size_t i = 0; i < x->gone.n; i++) {
		struct step *s = plan_add(p, STEP_RULE);
		if (!s)
			return -ENOMEM;
		s->remove = true;
		s->rule = x->gone.list[i];
		s->rule.ambiguous = rule_is_ambiguous(x->host, &s->rule);
	}
	return 0;
}

int plan_stale(struct plan *p, const struct host_state *s, const struct table_uses *tables,
	       const struct tunnels_in_use *used)
{
	struct search x = { .host = s, .tables = tables, .used = used };
	int r = find_rules(&x);

	if (r == 0)
		r = remove_rules(p, &x);
	if (r == 0)
		r = remove_throws(p, &x);
	if (r == 0)
		r = remove_routes(p, &x);
	free(x.gone.list);
	return r;
}
