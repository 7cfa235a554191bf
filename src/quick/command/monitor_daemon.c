/* The watcher of interfaces: creates an interface again if it is missing or its daemon does not answer. */
#include <errno.h>
#include <stdlib.h>

#include "monitor.h"
#include "monitor_health.h"
#include "monitor_helper.h"
#include "quick/host/clock.h"
#include "quick/host/daemon_end.h"
#include "quick/host/daemon_query.h"
#include "quick/journal/journal.h"
#include "quick/monitor/daemon_watch.h"
#include "quick/monitor/fights.h"
#include "restore.h"

/* By name, since a restored interface is another one, for which the tunnel is opened again. */
struct restoration {
	char name[WG_NAME_MAX];
	struct monitor *monitor;
	struct helper_call call;
	struct fights fights;
	uint64_t retry_at_ms; /* after a failure; NEVER */
	uint64_t wait_ms;
	bool userspace;
	bool hung;             /* the daemon did not answer */
	struct restoration *next;
};
static struct restoration *restorations; /* owned */

struct watched_daemon {
	struct monitor *monitor;
	struct monitored_tunnel *tunnel;
	struct restoration *restoration;
	bool is_daemon;
	int pid;                     /* of the daemon */
	struct event_source process; /* fd -1: none */
	struct daemon_query query;
	struct daemon_watch watch;
};

enum { RESTORE_FIRST_MS = 1000, RESTORE_MAX_MS = 60000, FIGHT_ID = 1 };

static size_t own_index(void)
{
	size_t i = 0;

	while (monitor_watchers[i] != &daemon_watcher)
		i++;
	return i;
}

static struct watched_daemon *daemon_of(const struct monitor *m, const char *name)
{
	const struct monitored_tunnel *t = monitor_find(m, name);

	return t ? t->of_watcher[own_index()] : NULL;
}

/* ---- watching ---- */

static void forget_process(struct watched_daemon *w)
{
	if (w->process.fd < 0)
		return;
	daemon_process_close(event_loop_remove(&w->monitor->loop, &w->process));
}

static void stop_watching(struct watched_daemon *w)
{
	forget_process(w);
	daemon_query_stop(&w->query);
	w->watch.ask_at_ms = w->watch.answer_by_ms = NEVER;
}

static void begin_restore(struct watched_daemon *w, int hung_pid);

static void process_ended(struct event_source *s)
{
	struct watched_daemon *w = container_of(s, struct watched_daemon, process);

	begin_restore(w, 0);
}

static void answered(struct daemon_query *q, bool ended)
{
	struct watched_daemon *w = container_of(q, struct watched_daemon, query);

	if (ended)
		return;
	daemon_watch_answered(&w->watch, clock_boot_ms());
	health_note(w->tunnel, HEALTH_INTERFACE, false);
}

/* The kernel may lack pidfd_open(2): then the end of the daemon is the end of its interface. Where the interface is gone, a daemon
 * that listens under its name is another program's. */
static void start_watching(struct watched_daemon *w)
{
	int fd;

	stop_watching(w);
	w->is_daemon = false;
	fd = interface_exists(w->tunnel->ifindex) ? daemon_process_fd(w->tunnel->name, &w->pid) : -ESRCH;
	if (fd == -ESRCH)
		return;
	w->is_daemon = true;
	w->restoration->userspace = true;
	w->process.ready = process_ended;
	if (fd >= 0 && event_loop_add(&w->monitor->loop, &w->process, fd) < 0) {
		daemon_process_close(fd);
		w->process.fd = -1;
	}
	daemon_watch_start(&w->watch, clock_boot_ms());
}

/* ---- restoring ---- */

static void retry_later(struct restoration *r)
{
	r->wait_ms = r->wait_ms ? 2 * r->wait_ms : RESTORE_FIRST_MS;
	r->wait_ms = r->wait_ms < RESTORE_MAX_MS ? r->wait_ms : RESTORE_MAX_MS;
	r->retry_at_ms = clock_boot_ms() + r->wait_ms;
}

static void note_restored(struct restoration *r, struct monitored_tunnel *t)
{
	unsigned int minutes = settings_monitor_pause_min(&r->monitor->host->settings);
	uint64_t now_ms = clock_boot_ms();

	r->wait_ms = 0;
	r->retry_at_ms = NEVER;
	health_note(t, HEALTH_INTERFACE, false);
	if (r->hung)
		monitor_note(r->monitor, t, UNIT_LOG_WARNING, "the daemon did not answer: it was replaced");
	else if (r->userspace)
		monitor_note(r->monitor, t, UNIT_LOG_WARNING, "the daemon exited: it was started again");
	else
		monitor_note(r->monitor, t, UNIT_LOG_WARNING, "the interface was missing: it was created again");
	if (!fights_note(&r->fights, FIGHT_ID, now_ms, 60000ull * minutes))
		return;
	monitor_note(r->monitor, t, UNIT_LOG_ERROR, "the interface was restored %d times within a minute: left alone for %u minutes",
		     (int)FIGHT_REPAIRS, minutes);
}

static void restored(struct helper_call *c, int status, struct span output)
{
	struct restoration *r = container_of(c, struct restoration, call);
	struct watched_daemon *w = daemon_of(r->monitor, r->name);

	(void)output;
	if (!w)
		return; /* the tunnel was taken down */
	if (status == RESTORE_DONE) {
		note_restored(r, w->tunnel);
	} else if (status == RESTORE_FAILED || status < 0) {
		monitor_note(r->monitor, w->tunnel, UNIT_LOG_ERROR, "the interface cannot be restored");
		health_note(w->tunnel, HEALTH_INTERFACE, true);
		retry_later(r);
	} else if (!interface_exists(w->tunnel->ifindex)) {
		retry_later(r); /* another interface has its name, or it is elsewhere: not again at once */
	}
	w->tunnel->busy = false;
	if (status != RESTORE_FAILED)
		start_watching(w);
	monitor_event(r->monitor, w->tunnel, EVENT_JOURNAL);
}

/* hung_pid: of a daemon that does not answer; 0: it has ended. */
static void begin_restore(struct watched_daemon *w, int hung_pid)
{
	struct restoration *r = w->restoration;
	uint64_t now_ms = clock_boot_ms();
	struct text endpoints = text_heap(); /* allocates nothing yet */
	int error;

	stop_watching(w);
	if (r->call.id)
		return;
	if (fights_is_paused(&r->fights, FIGHT_ID, now_ms)) {
		r->retry_at_ms = fights_next(&r->fights);
		r->hung = hung_pid != 0;
		health_note(w->tunnel, HEALTH_INTERFACE, true);
		return;
	}
	(void)!fights_end(&r->fights, now_ms);
	r->hung = hung_pid != 0;
	r->retry_at_ms = NEVER;
	r->call.done = restored;
	endpoints_print(w->tunnel, &endpoints);
	error = helper_restore(&r->call, r->name, r->userspace, hung_pid, text_of(&endpoints));
	text_heap_free(&endpoints);
	if (error < 0)
		retry_later(r);
	else
		w->tunnel->busy = true;
}

/* Much may have happened since: a daemon that did not answer then is asked again. */
static void retry(struct watched_daemon *w)
{
	w->restoration->retry_at_ms = NEVER;
	if (w->restoration->hung) {
		start_watching(w);
		if (w->is_daemon)
			return;
	}
	begin_restore(w, 0);
}

/* Null: out of memory. */
static struct restoration *restoration_of(struct monitor *m, const char *name)
{
	struct restoration *r = restorations;

	while (r && strcmp(r->name, name) != 0)
		r = r->next;
	if (r)
		return r;
	r = calloc(1, sizeof *r);
	if (!r)
		return NULL;
	memcpy(r->name, name, sizeof r->name);
	r->monitor = m;
	r->retry_at_ms = NEVER;
	r->next = restorations;
	restorations = r;
	return r;
}

/* ---- the watcher ---- */

/* By a monitor that was killed. */
static bool is_incomplete(const char *name)
{
	struct journal j;
	bool incomplete = journal_open_unlocked(&j, name) == 0 && j.restoring;

	applied_free(&j.applied);
	return incomplete;
}

static void opened(struct monitor *m, struct monitored_tunnel *t, size_t index)
{
	struct watched_daemon *w = calloc(1, sizeof *w);
	bool incomplete;

	if (!w)
		return;
	w->restoration = restoration_of(m, t->name);
	if (!w->restoration) {
		free(w);
		return;
	}
	w->monitor = m;
	w->tunnel = t;
	w->process.fd = w->query.source.fd = -1;
	w->query.answered = answered;
	t->of_watcher[index] = w;
	t->busy = w->restoration->call.id != 0; /* the restored interface */
	incomplete = is_incomplete(t->name);
	if (!t->busy && !incomplete) { /* `up' has made it: what failed before is over */
		w->restoration->retry_at_ms = NEVER;
		w->restoration->wait_ms = 0;
		w->restoration->userspace = w->restoration->hung = false;
		health_note(t, HEALTH_INTERFACE, false);
	}
	start_watching(w);
	if (!t->busy && incomplete && w->restoration->retry_at_ms == NEVER)
		begin_restore(w, 0);
}

static void closed(struct monitor *m, struct monitored_tunnel *t, size_t index)
{
	struct watched_daemon *w = t->of_watcher[index];

	(void)m;
	if (!w)
		return;
	stop_watching(w);
	free(w);
	t->of_watcher[index] = NULL;
}

static void event(struct monitor *m, struct monitored_tunnel *t, size_t index, unsigned int events)
{
	struct watched_daemon *w = t->of_watcher[index];

	(void)m;
	if (!w || !(events & (EVENT_LINK | EVENT_JOURNAL)) || w->restoration->call.id || w->restoration->retry_at_ms != NEVER)
		return;
	if (!interface_exists(t->ifindex))
		begin_restore(w, 0);
	else if (w->restoration->userspace && !w->is_daemon)
		start_watching(w); /* it was elsewhere, and is back */
}

static uint64_t deadline(const struct monitor *m, const struct monitored_tunnel *t, size_t index)
{
	const struct watched_daemon *w = t->of_watcher[index];
	uint64_t watch;

	(void)m;
	if (!w || w->restoration->call.id)
		return NEVER;
	watch = w->is_daemon ? daemon_watch_next(&w->watch) : NEVER;
	return watch < w->restoration->retry_at_ms ? watch : w->restoration->retry_at_ms;
}

static void ask(struct watched_daemon *w, uint64_t now_ms)
{
	int r = daemon_query_start(&w->query, &w->monitor->loop, w->tunnel->name);

	if (r == -ECONNREFUSED)
		begin_restore(w, 0);
	else if (r < 0 && r != -EAGAIN)
		daemon_watch_not_asked(&w->watch, now_ms);
}

static void run(struct monitor *m, struct monitored_tunnel *t, size_t index, uint64_t now_ms)
{
	struct watched_daemon *w = t->of_watcher[index];

	(void)m;
	if (now_ms >= w->restoration->retry_at_ms) {
		retry(w);
		return;
	}
	switch (daemon_watch_due(&w->watch, now_ms)) {
	case DAEMON_WAIT: break;
	case DAEMON_HUNG: begin_restore(w, w->pid); break;
	case DAEMON_ASK: ask(w, now_ms); break;
	}
}

static void stop(struct monitor *m)
{
	(void)m;
	while (restorations) {
		struct restoration *r = restorations;
		restorations = r->next;
		helper_forget(&monitor_helper, &r->call);
		free(r);
	}
	monitor_helper_stop();
}

const struct monitor_watcher daemon_watcher = {
	.name = "daemon", .start = monitor_helper_start, .stop = stop, .opened = opened, .closed = closed, .event = event,
	.deadline = deadline, .run = run,
};
