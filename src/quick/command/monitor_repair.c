/* The watcher that restores what other programs remove. It runs repair_tunnel() in a child process after an event. */
#include <errno.h>
#include <stdlib.h>

#include "messages.h"
#include "monitor.h"
#include "monitor_health.h"
#include "quick/host/clock.h"
#include "quick/host/job.h"
#include "quick/journal/supervised.h"
#include "quick/monitor/fights.h"
#include "quick/monitor/schedule.h"
#include "repair.h"

enum { JOBS_MAX = 4 }; /* at once */

struct repairs {
	struct monitor *monitor;
	struct monitored_tunnel *tunnel;
	struct schedule schedule;
	struct fights fights;
	struct job *job; /* owned */
	bool path_changed, path_changes_next; /* before this repair, and during it: then another MTU is no fight */
	bool is_down, is_gone, is_edited; /* which was reported */
	unsigned int failures; /* in a row */
	char failed[128];      /* the last of them, which was reported */
};
static size_t jobs;

static struct repairs *repairs_of(const struct monitored_tunnel *t)
{
	for (size_t i = 0; monitor_watchers[i]; i++)
		if (monitor_watchers[i] == &repair_watcher)
			return t->of_watcher[i];
	unreachable();
}

static bool is_paused(const void *fights, uint64_t id)
{
	return fights_is_paused(fights, id, clock_boot_ms());
}

/* ---- results ---- */

struct results {
	struct done {
		unsigned int n;
		char first[128];
	} restored, set, failed, fought_over, fought_over_mtu;
	bool is_down, is_edited;
};

static const struct other_program *other_of(const struct repairs *r, struct span what)
{
	size_t kind = span_starts(what, "address") ? OTHER_ADDRESSES : span_starts(what, "firewall") ? OTHER_FIREWALL : OTHER_ROUTING;

	return &r->monitor->others[kind];
}

static void give_way(struct repairs *r, const char *verb, const char *what)
{
	const struct other_program *other = other_of(r, span_of(what));
	unsigned int minutes = settings_monitor_pause_min(&r->monitor->host->settings);
	char who[64];
	struct text t = text_fixed(who, sizeof who);

	if (other->pid && strcmp(verb, "removes") == 0)
		text_f(&t, "`%s' (process %u)", other->name, other->pid);
	else
		text_add(&t, "another program");
	monitor_note(r->monitor, r->tunnel, UNIT_LOG_WARNING, "%s %s the %s as often as it is restored: left alone for %u minute%s", who,
		     verb, what, minutes, minutes == 1 ? "" : "s");
}

static void note_first(struct done *d, struct span what)
{
	struct text t;

	if (d->n++ > 0)
		return;
	t = text_fixed(d->first, sizeof d->first);
	text_span(&t, what);
}

/* "ID TEXT" */
static void take_step(struct repairs *r, struct results *x, struct done *d, struct span rest)
{
	struct span id;
	uint64_t number;

	if (!span_next(&id, &rest, ' ') || !span_to_u64(&number, id, UINT64_MAX))
		return;
	note_first(d, rest);
	if (d == &x->failed || (d == &x->set && r->path_changed))
		return; /* no fight */
	if (fights_note(&r->fights, number, clock_boot_ms(), 60000ull * settings_monitor_pause_min(&r->monitor->host->settings)))
		note_first(d == &x->set ? &x->fought_over_mtu : &x->fought_over, rest);
}

static void take_address(struct monitored_tunnel *t, struct span rest)
{
	struct ip_addr a;

	if (ip_parse(&a, rest) && vector_reserve(&t->addresses, &t->cap_addresses, t->n_addresses + 1, sizeof *t->addresses))
		t->addresses[t->n_addresses++] = a;
}

static void take_line(struct repairs *r, struct results *x, struct span line)
{
	struct span word;
	uint64_t n;

	if (!span_next(&word, &line, ' '))
		return;
	if (span_is(word, "restored"))
		take_step(r, x, &x->restored, line);
	else if (span_is(word, "set"))
		take_step(r, x, &x->set, line);
	else if (span_is(word, "failed"))
		take_step(r, x, &x->failed, line);
	else if (span_is(word, "more") && span_to_u64(&n, line, UINT32_MAX))
		x->restored.n += (unsigned int)n;
	else if (span_is(word, "endpoint"))
		take_address(r->tunnel, line);
	x->is_down |= span_is(word, "down");
	x->is_edited |= span_is(word, "edited");
}

static void note(struct repairs *r, enum unit_log_level level, const char *verb, const struct done *d)
{
	if (d->n > 1)
		monitor_note(r->monitor, r->tunnel, level, "%s %s, and %u more", verb, d->first, d->n - 1);
	else if (d->n == 1)
		monitor_note(r->monitor, r->tunnel, level, "%s %s", verb, d->first);
}

/* It is tried again and again, but reported once. */
static void report_failed(struct repairs *r, const struct done *failed)
{
	if (failed->n > 0 && strcmp(r->failed, failed->first) != 0)
		note(r, UNIT_LOG_ERROR, "cannot restore", failed);
	memcpy(r->failed, failed->first, sizeof r->failed);
}

static void note_edited(struct repairs *r)
{
	const char *file = r->tunnel->config ? r->tunnel->config : "the file", *name = r->tunnel->name;

	if (supervised_is_kept(name))
		monitor_note(r->monitor, r->tunnel, UNIT_LOG_INFO, "%s was changed: `wg-quick supervise' applies it", file);
	else
		monitor_note(r->monitor, r->tunnel, UNIT_LOG_WARNING, "%s was changed: `wg-quick reload %s' applies it", file, name);
}

static void report(struct repairs *r, const struct results *x, enum repair_status status)
{
	note(r, UNIT_LOG_INFO, "set", &x->set);
	note(r, UNIT_LOG_INFO, "restored", &x->restored);
	report_failed(r, &x->failed);
	if (x->fought_over.n > 0)
		give_way(r, "removes", x->fought_over.first);
	if (x->fought_over_mtu.n > 0)
		give_way(r, "changes", "MTU");
	if (status == REPAIR_GONE && !r->is_gone && !r->tunnel->busy)
		monitor_note(r->monitor, r->tunnel, UNIT_LOG_ERROR, "the interface is gone");
	if (x->is_down && !r->is_down)
		monitor_note(r->monitor, r->tunnel, UNIT_LOG_WARNING, "the interface was set down: settings that need it are restored when it is up");
	if (x->is_edited && !r->is_edited)
		note_edited(r);
	r->is_gone = status == REPAIR_GONE;
	r->is_down = x->is_down;
	r->is_edited = x->is_edited;
}

static bool has_same_addresses(const struct monitored_tunnel *t, const struct ip_addr *before, size_t n)
{
	bool same = n == t->n_addresses;

	for (size_t i = 0; same && i < n; i++)
		same = ip_equal(&before[i], &t->addresses[i]);
	return same;
}

static void take_output(struct repairs *r, struct results *x)
{
	struct monitored_tunnel *t = r->tunnel;
	struct ip_addr *before = t->addresses;
	struct span rest = text_of(&r->job->output), line;
	size_t n = t->n_addresses;

	t->addresses = NULL;
	t->n_addresses = t->cap_addresses = 0;
	while (rest.n > 0 && span_next(&line, &rest, '\n'))
		take_line(r, x, line);
	if (!has_same_addresses(t, before, n))
		monitor_update_filter(r->monitor);
	free(before);
}

static enum schedule_result result_of(int status)
{
	if (status == REPAIR_LOCKED)
		return SCHEDULE_LOCKED;
	return status == REPAIR_DONE || status == REPAIR_GONE || status == REPAIR_NOT_UP ? SCHEDULE_DONE : SCHEDULE_FAILED;
}

/* The first failure may be that of a moment, as when a link is about to be up. */
static void note_health(struct repairs *r, const struct results *x, int status)
{
	enum { TOLERATED = 1 };

	if (status == REPAIR_LOCKED || status == REPAIR_NOT_UP || status == REPAIR_GONE)
		return;
	r->failures = status != REPAIR_DONE || x->failed.n > 0 ? r->failures + 1 : 0;
	health_note(r->tunnel, HEALTH_STEPS, r->failures > TOLERATED || fights_next(&r->fights) != NEVER);
}

static void job_done(struct job *j, int status)
{
	struct repairs *r = j->owner;
	struct results x = { 0 };

	jobs--;
	schedule_end(&r->schedule, result_of(status), clock_boot_ms());
	if (status == REPAIR_DONE || status == REPAIR_FAILED || status == REPAIR_GONE) {
		if (status != REPAIR_GONE)
			take_output(r, &x);
		report(r, &x, (enum repair_status)status);
	} else if (status < 0) {
		monitor_note(r->monitor, r->tunnel, UNIT_LOG_ERROR, "a repair did not end in time, or was killed");
	}
	note_health(r, &x, status);
	r->path_changed = r->path_changes_next || (status == REPAIR_LOCKED && r->path_changed);
	r->path_changes_next = false;
	text_heap_free(&j->output);
}

/* ---- the watcher ---- */

static void opened(struct monitor *m, struct monitored_tunnel *t, size_t index)
{
	struct repairs *r = calloc(1, sizeof *r);
	struct job *j = r ? job_new(r, job_done) : NULL;

	if (!j) {
		free(r);
		return;
	}
	*r = (struct repairs){ .monitor = m, .tunnel = t, .job = j };
	t->of_watcher[index] = r;
}

static void closed(struct monitor *m, struct monitored_tunnel *t, size_t index)
{
	struct repairs *r = t->of_watcher[index];

	(void)m;
	if (!r)
		return;
	jobs -= job_is_running(r->job);
	job_discard(r->job);
	free(r);
	t->of_watcher[index] = NULL;
}

/* Events of other aspects cost nothing: without rules, for example, those of rules. */
static bool concerns(const struct monitored_tunnel *t, unsigned int events)
{
	if (events & (EVENT_LINK | EVENT_ADDRESS | EVENT_ROUTE | EVENT_FILE | EVENT_JOURNAL | EVENT_PATH))
		return true;
	return ((events & EVENT_RULE) && t->has_rules) || ((events & EVENT_FIREWALL) && t->has_firewall) ||
	       ((events & EVENT_DNS) && t->has_dns_file);
}

static void event(struct monitor *m, struct monitored_tunnel *t, size_t index, unsigned int events)
{
	struct repairs *r = t->of_watcher[index];

	(void)m;
	if (!r)
		return;
	if (events & (EVENT_PATH | EVENT_JOURNAL))
		*(job_is_running(r->job) ? &r->path_changes_next : &r->path_changed) = true;
	if (concerns(t, events))
		schedule_want(&r->schedule, clock_boot_ms());
}

void repair_unlocked(struct monitor *m, const char *name)
{
	struct monitored_tunnel *t = monitor_find(m, name);
	struct repairs *r = t ? repairs_of(t) : NULL;

	if (r)
		schedule_unlocked(&r->schedule, clock_boot_ms());
}

static uint64_t deadline(const struct monitor *m, const struct monitored_tunnel *t, size_t index)
{
	const struct repairs *r = t->of_watcher[index];
	uint64_t pause, due;

	(void)m;
	if (!r || t->busy)
		return NEVER;
	pause = fights_next(&r->fights);
	due = jobs < JOBS_MAX ? schedule_next(&r->schedule) : NEVER;
	return pause < due ? pause : due;
}

static void run(struct monitor *m, struct monitored_tunnel *t, size_t index, uint64_t now_ms)
{
	struct repairs *r = t->of_watcher[index];
	struct repair_request q = { .name = t->name, .host = m->host, .options = m->options, .is_paused = is_paused, .ctx = &r->fights };

	if (fights_end(&r->fights, now_ms))
		schedule_want(&r->schedule, now_ms);
	if (schedule_next(&r->schedule) > now_ms || jobs >= JOBS_MAX)
		return;
	schedule_start(&r->schedule, now_ms);
	if (job_start(r->job, &m->loop, repair_tunnel, &q) < 0)
		schedule_end(&r->schedule, SCHEDULE_FAILED, now_ms);
	else
		jobs++;
}

const struct monitor_watcher repair_watcher = { .name = "repair", .opened = opened, .closed = closed, .event = event,
						.deadline = deadline, .run = run };
