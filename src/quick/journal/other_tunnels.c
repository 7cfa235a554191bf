/* The journals of other tunnels in this network namespace. */
#include "other_tunnels.h"

#include <errno.h>

#include "journal_file.h"
#include "paths.h"
#include "quick/host/folder.h"
#include "quick/host/netns.h"
#include "quick/plan/kill_switch.h"
#include "quick/plan/policy_rules.h"

typedef bool journal_predicate(const struct journal *other, void *ctx);

/* "NAME@NETNS"; false for other files. */
static bool parse_name(struct span file, char name[WG_NAME_MAX], uint64_t *netns)
{
	size_t at = span_find_last(file, '@');

	if (at >= file.n || at >= WG_NAME_MAX || !span_to_u64(netns, span_sub(file, at + 1, file.n), UINT64_MAX))
		return false;
	memcpy(name, file.p, at);
	name[at] = '\0';
	return true;
}

/* False for other files, other namespaces and the tunnel itself. */
static bool is_other_tunnel(const struct journal *j, struct span file, char name[WG_NAME_MAX])
{
	uint64_t netns;

	return parse_name(file, name, &netns) && netns == j->netns && strcmp(name, j->name) != 0;
}

int other_tunnels_names(struct string_list *out, const char *name)
{
	struct string_list files = { 0 };
	int r = folder_list(&files, JOURNAL_FOLDER);

	for (size_t i = 0; r == 0 && i < files.n; i++) {
		char other[WG_NAME_MAX];
		uint64_t netns;
		if (parse_name(span_of(files.list[i]), other, &netns) && strcmp(other, name) != 0)
			r = string_list_add(out, span_of(other)) ? 0 : -ENOMEM;
	}
	string_list_free(&files);
	return r;
}

bool journal_file_is_of(char name[WG_NAME_MAX], const char *file, const char *ending)
{
	struct span text = span_of(file), end = span_of(ending);
	uint64_t netns;

	if (text.n < end.n || !span_equal(span_sub(text, text.n - end.n, text.n), end))
		return false;
	return parse_name(span_sub(text, 0, text.n - end.n), name, &netns) && netns == netns_id() && name[0];
}

int journal_names(struct string_list *out)
{
	struct string_list files = { 0 };
	int r = folder_list(&files, JOURNAL_FOLDER);

	for (size_t i = 0; r == 0 && i < files.n; i++) {
		char name[WG_NAME_MAX];
		if (journal_file_is_of(name, files.list[i], ""))
			r = string_list_add(out, span_of(name)) ? 0 : -ENOMEM;
	}
	string_list_free(&files);
	return r;
}

/* An unavailable folder that cannot be listed has no journals of this network namespace. */
static int list_journals(struct string_list *out, const struct journal *j)
{
	int r = folder_list(out, JOURNAL_FOLDER);

	return j->unavailable && (r == -EACCES || r == -ENOTDIR || r == -ELOOP) ? 0 : r;
}

/* Stops at the first for which it is true: 1. Otherwise 0, or -errno when a journal could not be read. */
static int visit_other_tunnels(const struct journal *j, journal_predicate *is_true, void *ctx)
{
	struct string_list files = { 0 };
	int found = list_journals(&files, j);

	for (size_t i = 0; found < 1 && i < files.n; i++) {
		struct journal other = { .lock = -1, .netns = j->netns, .unavailable = j->unavailable };
		int r;
		if (!is_other_tunnel(j, span_of(files.list[i]), other.name))
			continue;
		r = journal_load(&other);
		if (r < 0)
			found = r;
		else if (other.exists && is_true(&other, ctx))
			found = 1;
		applied_free(&other.applied);
	}
	string_list_free(&files);
	return found;
}

static bool uses_table(const struct journal *other, void *table)
{
	for (size_t i = 0; i < other->applied.plan.n; i++) {
		const struct step *s = &other->applied.plan.steps[i];
		if ((s->kind == STEP_KILL_SWITCH && s->kill_switch.mark == *(uint32_t *)table) ||
		    (s->kind == STEP_RULE && s->rule.table == *(uint32_t *)table) ||
		    (s->kind == STEP_ROUTE && s->route.table == *(uint32_t *)table))
			return true;
	}
	return false;
}

int other_tunnel_uses_table(const struct journal *j, uint32_t table)
{
	return visit_other_tunnels(j, uses_table, &table);
}

static bool needs_sysctl(const struct journal *other, void *before)
{
	for (size_t i = 0; i < other->applied.plan.n; i++)
		if (other->applied.plan.steps[i].kind == STEP_SYSCTL) {
			*(int *)before = other->applied.plan.steps[i].sysctl.before;
			return true;
		}
	return false;
}

int other_tunnel_needs_sysctl(const struct journal *j, int *before)
{
	return visit_other_tunnels(j, needs_sysctl, before);
}

struct kill_switch_list {
	struct kill_switches *out;
	int error;
};

/* True: out of memory. */
static bool add_kill_switches(const struct journal *other, void *ctx)
{
	struct kill_switch_list *l = ctx;

	for (size_t i = 0; l->error == 0 && i < other->applied.plan.n; i++) {
		const struct step *s = &other->applied.plan.steps[i];
		struct kill_switch one;
		if (s->kind != STEP_KILL_SWITCH)
			continue;
		one = (struct kill_switch){ .tool = s->kill_switch.tool, .mode = s->kill_switch.mode, .mark = s->kill_switch.mark,
					    .new_tables = s->kill_switch.new_tables, .also = s->kill_switch.also };
		memcpy(one.name, other->name, sizeof one.name);
		l->error = kill_switches_add(l->out, &one) ? 0 : -ENOMEM;
	}
	return l->error < 0;
}

int other_tunnels_kill_switches(const struct journal *j, struct kill_switches *out)
{
	struct kill_switch_list l = { .out = out };
	int r;

	out->n = 0;
	r = visit_other_tunnels(j, add_kill_switches, &l);
	return l.error < 0 ? l.error : r;
}

struct chain_union {
	uint8_t family, new_chains;
};

static bool add_new_chains(const struct journal *other, void *ctx)
{
	struct chain_union *all = ctx;

	for (size_t i = 0; i < other->applied.plan.n; i++) {
		const struct step *s = &other->applied.plan.steps[i];
		if (s->kind == STEP_FIREWALL && s->firewall.family == all->family)
			all->new_chains |= s->firewall.new_chains;
	}
	return false;
}

uint8_t other_tunnels_new_chains(const struct journal *j, uint8_t family)
{
	struct chain_union all = { .family = family };

	/* Without those of a journal that cannot be read, which then stay. */
	visit_other_tunnels(j, add_new_chains, &all);
	return all.new_chains;
}

/* ---- what all journals have ---- */

static int add_step(struct tunnels_in_use *out, const struct step *s)
{
	int r = 0;

	if (s->kind == STEP_ROUTE)
		return tunnels_in_use_add(out, s->route.table);
	if (s->kind == STEP_KILL_SWITCH)
		return tunnels_in_use_add(out, s->kill_switch.mark);
	if (s->kind == STEP_RULE)
		r = rules_append(&out->rules, &s->rule);
	return r < 0 || s->kind != STEP_RULE || !rule_is_tunnel(&s->rule) ? r : tunnels_in_use_add(out, s->rule.mark);
}

static int add_journal(struct tunnels_in_use *out, const struct journal *j)
{
	int r = string_list_add(&out->names, span_of(j->name)) ? 0 : -ENOMEM;

	if (r == 0 && j->applied.mark)
		r = tunnels_in_use_add(out, j->applied.mark);
	for (size_t i = 0; r == 0 && i < j->applied.plan.n; i++)
		r = add_step(out, &j->applied.plan.steps[i]);
	return r;
}

struct collection {
	struct tunnels_in_use *out;
	int error;
};

static bool collect(const struct journal *other, void *ctx)
{
	struct collection *c = ctx;

	c->error = add_journal(c->out, other);
	return c->error < 0;
}

int journaled_tunnels(const struct journal *j, struct tunnels_in_use *out)
{
	const struct journal nameless = { .netns = j->netns }; /* for which all are others */
	struct collection c = { .out = out };
	int r = visit_other_tunnels(&nameless, collect, &c);

	return c.error < 0 ? c.error : r;
}
