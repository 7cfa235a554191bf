/* The tunnels that the monitor knows: those of complete journals. */
#include <errno.h>
#include <stdlib.h>

#include "messages.h"
#include "monitor.h"
#include "monitor_health.h"
#include "quick/journal/journal.h"
#include "quick/journal/other_tunnels.h"
#include "report/report.h"

/* ---- one tunnel ---- */

static void add_table(struct monitored_tunnel *t, uint32_t table)
{
	for (size_t i = 0; table && table != TABLE_MAIN && i < ARRAY_LEN(t->tables); i++) {
		if (t->tables[i] == table)
			return;
		if (t->tables[i] == 0) {
			t->tables[i] = table;
			return;
		}
	}
}

static void take_step(struct monitored_tunnel *t, const struct step *s, const struct plan *p)
{
	t->has_rules |= s->kind == STEP_RULE;
	t->has_firewall |= s->kind == STEP_FIREWALL || s->kind == STEP_KILL_SWITCH;
	t->has_dns_file |= s->kind == STEP_DNS && p->dns_backend == DNS_FILE;
	if (s->kind == STEP_RULE)
		add_table(t, s->rule.table);
	if (s->kind == STEP_ROUTE)
		add_table(t, s->route.table);
}

/* A folder is watched once for all tunnels that have files there. */
static void unwatch_folder(struct monitor *m, int folder)
{
	bool used = folder < 0 || folder == m->journal_folder || folder == m->resolv_folder;

	for (size_t i = 0; i < m->n_tunnels; i++)
		used |= m->tunnels[i]->config_folder == folder || m->tunnels[i]->drop_ins == folder;
	if (!used)
		file_events_remove(&m->files, folder);
}

static void unwatch_config(struct monitor *m, struct monitored_tunnel *t)
{
	int config_folder = t->config_folder, drop_ins = t->drop_ins;

	t->config_folder = t->drop_ins = -1;
	unwatch_folder(m, config_folder);
	unwatch_folder(m, drop_ins);
}

static void watch_config(struct monitor *m, struct monitored_tunnel *t)
{
	char *slash = t->config ? strrchr(t->config, '/') : NULL;
	struct text drop_ins = text_heap();

	if (!slash || slash == t->config)
		return;
	text_f(&drop_ins, "%s.d", t->config);
	if (!drop_ins.failed)
		t->drop_ins = file_events_add(&m->files, drop_ins.p);
	text_heap_free(&drop_ins);
	*slash = '\0';
	t->config_folder = file_events_add(&m->files, t->config);
	*slash = '/';
}

/* True if another one was not watched before. */
static bool is_other_file(const struct monitored_tunnel *t, const char *config)
{
	return !t->config || !config || strcmp(t->config, config) != 0;
}

static void update(struct monitor *m, struct monitored_tunnel *t, struct journal *j)
{
	if (is_other_file(t, j->applied.config))
		unwatch_config(m, t);
	free(t->config);
	t->config = j->applied.config;
	j->applied.config = NULL;
	watch_config(m, t); /* again: a folder may exist now */
	t->has_rules = t->has_firewall = t->has_dns_file = false;
	memset(t->tables, 0, sizeof t->tables);
	add_table(t, j->applied.mark);
	add_table(t, j->applied.has_table ? j->applied.table : 0);
	for (size_t i = 0; i < j->applied.plan.n; i++)
		take_step(t, &j->applied.plan.steps[i], &j->applied.plan);
}

static void close_tunnel(struct monitor *m, struct monitored_tunnel *t)
{
	for (size_t i = 0; monitor_watchers[i]; i++)
		if (monitor_watchers[i]->closed)
			monitor_watchers[i]->closed(m, t, i);
	unwatch_config(m, t);
	free(t->addresses);
	free(t->config);
	free(t);
}

static void close_at(struct monitor *m, size_t at)
{
	struct monitored_tunnel *t = m->tunnels[at];

	m->tunnels[at] = m->tunnels[--m->n_tunnels];
	close_tunnel(m, t);
}

void monitor_close_tunnels(struct monitor *m)
{
	while (m->n_tunnels > 0)
		close_at(m, m->n_tunnels - 1);
	free(m->tunnels);
	m->tunnels = NULL;
}

/* Null after reporting. */
static struct monitored_tunnel *open_tunnel(struct monitor *m, const struct journal *j)
{
	struct monitored_tunnel *t = calloc(1, sizeof *t);

	if (!t || !vector_reserve(&m->tunnels, &m->cap_tunnels, m->n_tunnels + 1, sizeof *m->tunnels)) {
		report_failure("monitor a tunnel", -ENOMEM);
		free(t);
		return NULL;
	}
	memcpy(t->name, j->name, sizeof t->name);
	t->ifindex = j->ifindex;
	t->config_folder = t->drop_ins = -1;
	m->tunnels[m->n_tunnels++] = t;
	return t;
}

static size_t find(const struct monitor *m, const char *name)
{
	size_t i = 0;

	while (i < m->n_tunnels && strcmp(m->tunnels[i]->name, name) != 0)
		i++;
	return i;
}

struct monitored_tunnel *monitor_find(const struct monitor *m, const char *name)
{
	size_t at = find(m, name);

	return at < m->n_tunnels ? m->tunnels[at] : NULL;
}

/* ---- their journals ---- */

static void open_and_tell(struct monitor *m, struct journal *j)
{
	struct monitored_tunnel *t = open_tunnel(m, j);

	if (!t)
		return;
	update(m, t, j);
	health_opened(t);
	for (size_t i = 0; monitor_watchers[i]; i++)
		if (monitor_watchers[i]->opened)
			monitor_watchers[i]->opened(m, t, i);
}

/* A journal that is being written, or that cannot be read, is of a tunnel that is not up. */
static void read_journal(struct monitor *m, const char *name)
{
	struct journal j;
	size_t at = find(m, name);
	bool is_up = journal_open_unlocked(&j, name) == 0 && j.exists && j.complete && !j.is_ending && !j.is_leftover &&
		     j.ifindex && !j.applied.plan.netns[0]; /* its events are those of another network namespace */

	if (at < m->n_tunnels && (!is_up || m->tunnels[at]->ifindex != j.ifindex)) {
		if (!j.exists)
			monitor_status_remove(name);
		if (!is_up)
			health_closed(m->tunnels[at]);
		close_at(m, at);
		at = m->n_tunnels;
	}
	if (is_up && at < m->n_tunnels)
		update(m, m->tunnels[at], &j);
	else if (is_up)
		open_and_tell(m, &j);
	at = find(m, name);
	if (at < m->n_tunnels)
		monitor_event(m, m->tunnels[at], EVENT_JOURNAL);
	applied_free(&j.applied);
}

void monitor_read_journals(struct monitor *m, const char *name)
{
	struct string_list names = { 0 };

	if (name)
		read_journal(m, name);
	else
		report_failure("list the journals", journal_names(&names));
	for (size_t i = 0; i < names.n; i++)
		read_journal(m, names.list[i]);
	for (size_t i = m->n_tunnels; !name && i-- > 0;) { /* those whose journals are gone */
		bool listed = false;
		for (size_t k = 0; k < names.n; k++)
			listed |= strcmp(names.list[k], m->tunnels[i]->name) == 0;
		if (listed)
			continue;
		health_closed(m->tunnels[i]);
		close_at(m, i);
	}
	string_list_free(&names);
	monitor_update_filter(m);
}
