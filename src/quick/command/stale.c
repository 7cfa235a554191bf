/* Removes the remains of tunnels that are no longer up and have no journal. */
#include "stale.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "inputs.h"
#include "messages.h"
#include "quick/host/firewall.h"
#include "quick/host/inspect_tunnels.h"
#include "quick/host/lock_file.h"
#include "quick/journal/journal_file.h"
#include "quick/journal/locks.h"
#include "quick/journal/other_tunnels.h"
#include "quick/journal/paths.h"
#include "quick/plan/policy_rules.h"
#include "quick/plan/stale.h"
#include "report/report.h"

/* ---- rules and routes ---- */

struct inspection {
	struct host_state *state;
	struct table_uses tables;
	struct tunnels_in_use used;
};

static int plan_with(struct plan *p, const struct inspection *in)
{
	p->n = 0;
	return plan_stale(p, in->state, &in->tables, &in->used);
}

static bool has(const struct string_list *l, const char *word)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->list[i], word) == 0)
			return true;
	return false;
}

/* In a container that shares the network namespace there may be a tunnel whose socket and journal are not visible here. Its
 * firewall rules, which are set before the policy rules, tell that its interface is one. */
static int check_unknown(const struct inspection *in, struct ipc *ipc)
{
	struct string_list names = { 0 }, unknown = { 0 };
	int r = firewall_list_names(&names);

	if (r == 0)
		r = host_inspect_unknown(&unknown, &names, ipc);
	for (size_t i = 0; r == 0 && i < unknown.n; i++)
		if (!has(&in->used.names, unknown.list[i]))
			r = -EACCES;
	string_list_free(&names);
	string_list_free(&unknown);
	return r;
}

/* Reads journals and interfaces only if there are rules to decide about. An interface takes the longer the more peers it has. */
static int plan_removal(struct plan *p, struct apply *a, struct host_state *s, uint32_t table)
{
	struct host *host = a->performer.host;
	struct inspection in = { .state = s };
	int r = host_inspect_shared(s, &host->rtnetlink);

	memcpy(p->name, a->journal->name, sizeof p->name);
	if (r == 0)
		r = host_inspect_tables(&in.tables, &host->rtnetlink, &s->rules, table);
	if (r == 0)
		r = plan_with(p, &in);
	if (r == 0 && p->n > 0) {
		r = journaled_tunnels(a->journal, &in.used);
		if (r == 0)
			r = plan_with(p, &in);
	}
	if (r == 0 && p->n > 0) {
		r = host_inspect_marks(&in.used, &host->ipc);
		if (r == 0)
			r = plan_with(p, &in);
	}
	if (r == 0 && p->n > 0)
		r = check_unknown(&in, &host->ipc);
	free(in.tables.list);
	free(in.tables.throws.list);
	tunnels_in_use_free(&in.used);
	return r;
}

/* The table of a tunnel; 0: the step is about a rule that tunnels have besides. */
static uint32_t table_of(const struct step *s)
{
	uint32_t table = s->kind == STEP_ROUTE ? s->route.table : rule_is_tunnel(&s->rule) ? s->rule.table : 0;

	return table == TABLE_MAIN ? 0 : table;
}

static void report_removal(const struct plan *p)
{
	char list[256];
	struct text t = text_fixed(list, sizeof list);

	for (size_t i = 0; i < p->n; i++) {
		uint32_t table = table_of(&p->steps[i]);
		bool listed = table == 0;
		for (size_t k = 0; k < i; k++)
			listed |= table_of(&p->steps[k]) == table;
		if (!listed)
			text_f(&t, "%s%u", t.n > 0 ? ", " : ": table ", table);
	}
	report_warning("removing the policy rules and routes of tunnels that are no longer up%s", t.n > 0 ? list : "");
}

static bool plan_and_remove(struct apply *a, struct host_state *s, uint32_t table)
{
	struct plan p = { 0 };
	int r = plan_removal(&p, a, s, table);
	bool any = r == 0 && p.n > 0;

	if (r < 0)
		report_warning("cannot determine which policy rules belong to tunnels that are no longer up: %s", strerror(-r));
	if (any) {
		report_removal(&p);
		apply_undo(a, &p);
	}
	plan_free(&p);
	return any;
}

/* The lock is needed only if something may be removed: without it, another tunnel's rules may be seen before its journal. */
int remove_stale_rules(struct apply *a, struct host_state *s, uint32_t table)
{
	struct plan p = { 0 };
	bool any = plan_removal(&p, a, s, table) < 0 || p.n > 0;
	int lock, r;

	plan_free(&p);
	if (!any)
		return 0;
	r = lock_shared(&lock, a->journal);
	if (r < 0)
		return r;
	any = plan_and_remove(a, s, table);
	shared_lock_release(lock);
	r = report_failure("inspect the host", host_inspect_shared(s, &a->performer.host->rtnetlink));
	return r < 0 ? r : any;
}

/* ---- firewall ---- */

static int find_used(struct tunnels_in_use *used, const struct apply *a)
{
	struct host *host = a->performer.host;
	int r = host_inspect_names(used, &host->rtnetlink, &host->ipc);

	return r < 0 ? r : journaled_tunnels(a->journal, used);
}

static void remove_rules(struct apply *a, const char *name)
{
	struct command_trace *trace = a->performer.trace;
	char why[256];
	int r;

	report_warning("removing the firewall rules of a tunnel that is no longer up: %s", name);
	r = firewall_remove_all(name, &trace->t, why);
	command_trace_flush(trace);
	if (r < 0) {
		report_error("cannot remove the firewall rules of %s: %s", name, why);
		a->failures++;
	}
}

/* Another wg-quick may be bringing the tunnel up: with its lock it is not, unless it has an interface or a journal by now. */
static void remove_locked(struct apply *a, const char *name)
{
	struct journal other = { .netns = a->journal->netns };
	struct text t = text_fixed(other.name, sizeof other.name);
	struct tunnels_in_use used = { 0 };
	char path[PATH_MAX];
	int lock;

	text_add(&t, name);
	journal_path(&other, ".lock", path, sizeof path);
	lock = t.failed ? -EINVAL : lock_file_acquire(JOURNAL_FOLDER, path, -1);
	if (lock < 0)
		return;
	if (find_used(&used, a) == 0 && !has(&used.names, name))
		remove_rules(a, name);
	tunnels_in_use_free(&used);
	lock_file_release(path, lock);
}

/* The rules are listed before the interfaces, since `up` creates an interface before its rules. */
void remove_stale_firewall(struct apply *a)
{
	struct tunnels_in_use used = { 0 };
	struct string_list found = { 0 };
	int r = firewall_list_names(&found);

	if (r == 0 && found.n > 0)
		r = find_used(&used, a);
	if (r < 0)
		report_warning("cannot determine which firewall rules belong to tunnels that are no longer up: %s", strerror(-r));
	for (size_t i = 0; r == 0 && i < found.n; i++) {
		if (has(&used.names, found.list[i]))
			continue;
		if (strcmp(found.list[i], a->journal->name) == 0) /* whose lock is held */
			remove_rules(a, found.list[i]);
		else
			remove_locked(a, found.list[i]);
	}
	string_list_free(&found);
	tunnels_in_use_free(&used);
}

int remove_stale_tunnels(struct apply *a, struct host_state *s, uint32_t table)
{
	int r = remove_stale_rules(a, s, table);

	if (r > 0)
		remove_stale_firewall(a);
	return r < 0 ? r : 0;
}
