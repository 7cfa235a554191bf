/* The position of the policy rules of a default route among the rules of a host. */
#include "policy_rules.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { PREF_MAIN = 32766 }; /* of "main", on most hosts */

/* ---- kinds of rules ---- */

static bool is_unconditional(const struct step_rule *r)
{
	return !r->invert && !r->suppress && r->mark == 0;
}

static bool is_local(const struct step_rule *r)
{
	return is_unconditional(r) && r->table == TABLE_LOCAL;
}

/* No rule after it has an effect on packets that the main table has a route for, or on any. */
static bool is_main(const struct step_rule *r)
{
	return is_unconditional(r) && (r->table == TABLE_MAIN || r->ends);
}

/* ---- positions ---- */

/* The rules of one family; positions count from the first one evaluated. */
struct view {
	const struct step_rule *list;
	size_t n;
};

static struct view view_of(const struct rules *r, uint8_t family)
{
	size_t first = 0, n = 0;

	while (first < r->n && r->list[first].family != family)
		first++;
	while (first + n < r->n && r->list[first + n].family == family)
		n++;
	return n > 0 ? (struct view){ r->list + first, n } : (struct view){ 0 };
}

static size_t find(const struct view *v, bool (*is_kind)(const struct step_rule *r), size_t from)
{
	while (from < v->n && !is_kind(&v->list[from]))
		from++;
	return from;
}

static size_t find_tunnel(const struct view *v, uint32_t mark)
{
	for (size_t i = 0; i < v->n; i++)
		if (rule_is_tunnel(&v->list[i]) && v->list[i].mark == mark)
			return i;
	return v->n;
}

/* The host's own "local", which is the last one: tunnels may have copies. The end of the list: "main" has none before it. */
static size_t find_local(const struct view *v)
{
	size_t main = find(v, is_main, 0), last = v->n;

	for (size_t i = find(v, is_local, 0); i < main; i = find(v, is_local, i + 1))
		last = i;
	return last;
}

/* The first rule of the tunnel whose rule_is_tunnel() is at this position. */
static size_t begin_of_tunnel(const struct view *v, size_t at)
{
	size_t local = find_local(v);

	if (at > 0 && rule_is_suppress(&v->list[at - 1]))
		at--;
	while (at > 0 && rule_is_main_for_mark(&v->list[at - 1]))
		at--;
	return at > 0 && is_local(&v->list[at - 1]) && at - 1 != local ? at - 1 : at;
}

static bool is_of_tunnel(const struct view *v, size_t at, uint32_t mark)
{
	for (size_t i = at; i < v->n; i++)
		if (rule_is_tunnel(&v->list[i]))
			return v->list[i].mark == mark && begin_of_tunnel(v, i) <= at;
	return false;
}

/* ---- placing ---- */

/* The position before which the rules must be: that of "main", or of the first of the other tunnels. */
static size_t find_limit(const struct view *v)
{
	size_t limit = find(v, is_main, 0), tunnel = find(v, rule_is_tunnel, 0);

	return tunnel < limit ? begin_of_tunnel(v, tunnel) : limit;
}

struct slots {
	uint32_t limit;  /* the preferences are below it */
	bool distinct;   /* false: all have the one before the limit, for lack of others */
	bool copy_local; /* "local" comes later, so that the tunnel needs a copy of it */
};

static struct slots find_slots(const struct view *v, size_t n, uint32_t below)
{
	size_t at = find_limit(v), local = find_local(v);
	struct slots slots = { .limit = PREF_MAIN };
	uint32_t lowest;

	if (at < v->n)
		slots.limit = v->list[at].pref;
	else if (v->n > 0 && v->list[v->n - 1].pref >= PREF_MAIN)
		slots.limit = v->list[v->n - 1].pref + 1;
	slots.limit = below < slots.limit ? below : slots.limit;
	while (at > 0 && v->list[at - 1].pref >= slots.limit)
		at--; /* no preference lies between: before all rules of this one */
	slots.limit += slots.limit == 0;
	lowest = at > 0 ? v->list[at - 1].pref + 1 : 0;
	slots.copy_local = local >= at && local < v->n;
	slots.distinct = slots.limit - lowest >= n + slots.copy_local;
	return slots;
}

/* Marked packets of another default-route tunnel must not enter this one, nor this one's packets that one:
 * with both tunnels up, marked packets look in the main table before any tunnel's table. */
static int append_for_other_tunnels(struct rules *out, const struct view *others, uint32_t mark)
{
	struct step_rule rule = { .table = TABLE_MAIN, .ambiguous = true };
	size_t i = find(others, rule_is_tunnel, 0);
	int r = 0;

	if (i == others->n)
		return 0;
	for (; r == 0 && i < others->n; i = find(others, rule_is_tunnel, i + 1)) {
		rule.mark = others->list[i].mark;
		r = rules_append(out, &rule);
	}
	rule.mark = mark;
	return r < 0 ? r : rules_append(out, &rule);
}

/* From the last one evaluated to the first. */
static int append_all(struct rules *out, const struct view *others, uint32_t mark)
{
	const struct step_rule tunnel = { .invert = true, .mark = mark, .table = mark };
	const struct step_rule suppress = { .suppress = true, .table = TABLE_MAIN,
					    .ambiguous = find(others, rule_is_suppress, 0) < others->n };
	int r = rules_append(out, &tunnel);

	if (r == 0)
		r = rules_append(out, &suppress);
	return r < 0 ? r : append_for_other_tunnels(out, others, mark);
}

static void reverse(struct step_rule *list, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct step_rule other = list[i];
		list[i] = list[n - 1 - i];
		list[n - 1 - i] = other;
	}
}

/* With explicit preferences, the rule that is evaluated last is added first, so that no packet skips it. */
static int place(struct rules *out, const struct rules *other_rules, uint8_t family, uint32_t mark, uint32_t below)
{
	const struct view v = view_of(other_rules, family), *others = &v;
	const struct step_rule local = { .table = TABLE_LOCAL, .ambiguous = true };
	int r = append_all(out, others, mark);
	struct slots slots = find_slots(others, out->n, below);

	if (r == 0 && slots.copy_local)
		r = rules_append(out, &local);
	for (size_t i = 0; i < out->n; i++) {
		out->list[i].family = family;
		out->list[i].pref = slots.limit - 1 - (slots.distinct ? (uint32_t)i : 0);
	}
	if (!slots.distinct)
		reverse(out->list, out->n);
	return r;
}

/* ---- checking ---- */

static bool has_main_for_mark(const struct view *v, size_t end, uint32_t mark)
{
	for (size_t i = 0; i < end; i++)
		if (rule_is_main_for_mark(&v->list[i]) && v->list[i].mark == mark)
			return true;
	return false;
}

/* Tunnels that are evaluated before this one have rules for its mark; this one needs them for those after it. */
static bool keeps_out_of_others(const struct view *v, size_t at)
{
	uint32_t mark = v->list[at].mark;

	for (size_t i = at + 1; i < v->n; i++)
		if (rule_is_tunnel(&v->list[i]) && v->list[i].mark != mark &&
		    (!has_main_for_mark(v, at, mark) || !has_main_for_mark(v, at, v->list[i].mark)))
			return false;
	return true;
}

bool policy_rules_are_complete(const struct rules *r, uint8_t family, uint32_t mark)
{
	const struct view v = view_of(r, family);
	size_t tunnel = find_tunnel(&v, mark), suppress = find(&v, rule_is_suppress, 0), local = find(&v, is_local, 0);
	size_t main = find(&v, is_main, 0);

	while (suppress < tunnel && find(&v, rule_is_suppress, suppress + 1) < tunnel)
		suppress = find(&v, rule_is_suppress, suppress + 1);
	return suppress < tunnel && tunnel < main && (local < suppress || local >= main) &&
	       keeps_out_of_others(&v, tunnel);
}

/* ---- placing, with rules of this tunnel on the host ---- */

static bool is_replaced(const struct view *v, size_t at, const struct host_state *s, uint32_t mark)
{
	return is_of_tunnel(v, at, mark) || is_of_tunnel(v, at, s->device.fwmark);
}

/* False: a rule that the tunnel keeps is in the wrong place, or memory is exhausted. */
static bool would_be_complete(const struct rules *placed, const struct host_state *s, uint8_t family, uint32_t mark)
{
	const struct view all = view_of(&s->rules, family);
	struct rules after = { 0 };
	bool complete;
	int r = 0;

	for (size_t i = 0; r == 0 && i < all.n; i++)
		if (!is_replaced(&all, i, s, mark) || rules_have(placed, &all.list[i]))
			r = rules_append(&after, &all.list[i]);
	for (size_t i = 0; r == 0 && i < placed->n; i++)
		if (!rules_have(&after, &placed->list[i]))
			r = rules_insert(&after, &placed->list[i]);
	complete = r == 0 && policy_rules_are_complete(&after, family, mark);
	free(after.list);
	return complete;
}

int policy_rules_place(struct rules *out, const struct host_state *s, uint8_t family, uint32_t mark)
{
	const struct view all = view_of(&s->rules, family);
	uint32_t first_own = UINT32_MAX;
	struct rules others = { 0 };
	int r = 0;

	assert(out->n == 0);
	for (size_t i = 0; r == 0 && i < all.n; i++) {
		if (!is_replaced(&all, i, s, mark))
			r = rules_append(&others, &all.list[i]);
		else if (first_own == UINT32_MAX)
			first_own = all.list[i].pref;
	}
	if (r == 0)
		r = place(out, &others, family, mark, UINT32_MAX);
	if (r == 0 && first_own != UINT32_MAX && !would_be_complete(out, s, family, mark)) {
		out->n = 0;
		r = place(out, &others, family, mark, first_own);
	}
	free(others.list);
	return r;
}

int policy_rules_of_tunnel(struct rules *out, const struct rules *r, uint8_t family, uint32_t mark)
{
	const struct view v = view_of(r, family);
	int error = 0;

	for (size_t i = v.n; error == 0 && i-- > 0;)
		if (is_of_tunnel(&v, i, mark))
			error = rules_append(out, &v.list[i]);
	return error;
}

bool policy_rule_is_free(const struct rules *r, const struct step_rule *rule, uint32_t mark)
{
	const struct view v = view_of(r, rule->family);
	bool suppress = false;
	size_t i = 0;

	while (i < v.n && !rule_equal(&v.list[i], rule))
		i++;
	for (; i < v.n && !rule_is_tunnel(&v.list[i]); i++) {
		bool before = rule_is_main_for_mark(&v.list[i]) || is_local(&v.list[i]);
		if (suppress || (!before && !rule_is_suppress(&v.list[i])))
			return true; /* the rule of rule_is_tunnel() was removed */
		suppress = !before;
	}
	return i == v.n || v.list[i].mark == mark;
}

/* ---- the kernel ---- */

int rules_copy(struct rules *out, const struct rules *r)
{
	*out = (struct rules){ 0 };
	if (!vector_reserve(&out->list, &out->cap, r->n + 1, sizeof *out->list))
		return -ENOMEM;
	if (r->n > 0)
		memcpy(out->list, r->list, r->n * sizeof *r->list);
	out->n = r->n;
	return 0;
}

bool rules_have(const struct rules *r, const struct step_rule *rule)
{
	for (size_t i = 0; i < r->n; i++)
		if (rule_equal(&r->list[i], rule))
			return true;
	return false;
}

int rules_append(struct rules *r, const struct step_rule *rule)
{
	if (!vector_reserve(&r->list, &r->cap, r->n + 1, sizeof *r->list))
		return -ENOMEM;
	r->list[r->n++] = *rule;
	return 0;
}

int rules_insert(struct rules *r, const struct step_rule *rule)
{
	size_t at = 0;

	if (!vector_reserve(&r->list, &r->cap, r->n + 1, sizeof *r->list))
		return -ENOMEM;
	while (at < r->n && (r->list[at].family < rule->family ||
			     (r->list[at].family == rule->family && r->list[at].pref <= rule->pref)))
		at++;
	memmove(r->list + at + 1, r->list + at, (r->n - at) * sizeof *r->list);
	r->list[at] = *rule;
	r->n++;
	return 0;
}

void rules_remove(struct rules *r, const struct step_rule *rule)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n; i++)
		if (!rule_equal(&r->list[i], rule))
			r->list[kept++] = r->list[i];
	r->n = kept;
}

/* The preference that the kernel gives a rule without one. */
static uint32_t default_pref(const struct rules *r, uint8_t family)
{
	const struct view v = view_of(r, family);

	return v.n > 1 && v.list[1].pref > 0 ? v.list[1].pref - 1 : 0;
}

/* ---- steps ---- */

int policy_rules_plan(struct plan *p, const struct host_state *s, const struct rules *wanted)
{
	struct rules now;
	int r = rules_copy(&now, &s->rules);

	for (size_t i = 0; r == 0 && i < wanted->n; i++) {
		struct step_rule rule = wanted->list[i];
		struct step *step;
		if (host_has_rule(s, &rule))
			continue;
		rule.numbered = rule.pref != default_pref(&now, rule.family);
		r = rules_insert(&now, &rule);
		step = r == 0 ? plan_add(p, STEP_RULE) : NULL;
		if (step)
			step->rule = rule;
		else
			r = -ENOMEM;
	}
	free(now.list);
	return r;
}
