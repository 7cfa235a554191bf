/* `monitor`: the loop. */
#include "monitor.h"
#include "monitor_health.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "messages.h"
#include "quick/host/clock.h"
#include "quick/host/service_notify.h"
#include "quick/host/privileges.h"
#include "quick/host/signals.h"
#include "quick/journal/other_tunnels.h"
#include "quick/journal/paths.h"
#include "report/report.h"

/* ---- for watchers ---- */

static void pass_on(struct monitor *m, struct monitored_tunnel *t, unsigned int events)
{
	for (size_t i = 0; monitor_watchers[i]; i++)
		if (monitor_watchers[i]->event)
			monitor_watchers[i]->event(m, t, i, events);
}

void monitor_event(struct monitor *m, struct monitored_tunnel *t, unsigned int events)
{
	if (t) {
		pass_on(m, t, events);
		return;
	}
	for (size_t i = 0; i < m->n_tunnels; i++)
		pass_on(m, m->tunnels[i], events);
}

void monitor_note(struct monitor *m, struct monitored_tunnel *t, enum unit_log_level level, const char *fmt, ...)
{
	struct monitor_status r = { .at_ms = clock_boot_ms() };
	struct text text = text_fixed(r.text, sizeof r.text);
	va_list ap;

	(void)m;
	va_start(ap, fmt);
	text_vf(&text, fmt, ap);
	va_end(ap);
	monitor_status_write(t->name, &r);
	if (unit_log(t->name, level, r.text))
		return;
	report_set_interface(t->name);
	if (level == UNIT_LOG_WARNING)
		report_warning("%s", r.text);
	else
		report_error("%s", r.text);
	report_set_interface(NULL);
}

static int add_interests(struct event_interest *i, const struct monitored_tunnel *t)
{
	int r = event_interest_add_link(i, t->ifindex);

	for (size_t k = 0; r == 0 && k < ARRAY_LEN(t->tables); k++)
		if (t->tables[k])
			r = event_interest_add_table(i, t->tables[k]);
	for (size_t k = 0; r == 0 && k < t->n_addresses; k++)
		r = event_interest_add_address(i, &t->addresses[k]);
	return r;
}

void monitor_update_filter(struct monitor *m)
{
	struct event_interest i = { 0 };
	int r = 0;

	for (size_t k = 0; r == 0 && k < m->n_tunnels; k++)
		r = add_interests(&i, m->tunnels[k]);
	if (r == 0)
		r = netlink_events_filter(&m->netlink, &i);
	event_interest_free(&i);
	report_failure("filter the events of routes", r);
}

/* ---- files ---- */

static int watch_journals(struct monitor *m)
{
	m->lock = monitor_lock_acquire();
	if (m->lock == -EWOULDBLOCK) {
		report_error("another `wg-quick monitor' runs in this network namespace");
		return m->lock;
	}
	if (m->lock < 0)
		return report_failure("write to " JOURNAL_FOLDER, m->lock);
	m->journal_folder = file_events_add(&m->files, JOURNAL_FOLDER);
	m->resolv_folder = file_events_add(&m->files, "/etc");
	return report_failure("watch " JOURNAL_FOLDER, m->journal_folder < 0 ? m->journal_folder : 0);
}

static bool is_file_of(const struct monitored_tunnel *t, const char *name)
{
	const char *slash = t->config ? strrchr(t->config, '/') : NULL;

	return slash && strcmp(slash + 1, name) == 0;
}

static void journal_event(struct monitor *m, const char *file)
{
	char name[WG_NAME_MAX];

	if (journal_file_is_of(name, file, ""))
		monitor_read_journals(m, name);
	else if (journal_file_is_of(name, file, ".lock"))
		repair_unlocked(m, name);
}

static void file_event(struct file_events *e, int folder, const char *name, bool gone)
{
	struct monitor *m = container_of(e, struct monitor, files);

	if (folder < 0 || (folder == m->journal_folder && !name[0])) {
		/* Events were lost, or the folder was removed. */
		monitor_lock_release(m->lock);
		if (watch_journals(m) < 0)
			stop_signal = -1;
		monitor_read_journals(m, NULL);
		monitor_event(m, NULL, EVENT_ALL);
	} else if (folder == m->journal_folder) {
		journal_event(m, name);
	} else if (folder == m->resolv_folder && strcmp(name, "resolv.conf") == 0) {
		monitor_event(m, NULL, EVENT_DNS);
	}
	for (size_t i = 0; folder >= 0 && i < m->n_tunnels; i++)
		if ((m->tunnels[i]->config_folder == folder && !gone && is_file_of(m->tunnels[i], name)) || m->tunnels[i]->drop_ins == folder)
			monitor_event(m, m->tunnels[i], EVENT_FILE);
}

/* ---- the loop ---- */

static uint64_t next_deadline(const struct monitor *m)
{
	uint64_t next = NEVER;

	for (size_t i = 0; i < m->n_tunnels; i++)
		for (size_t w = 0; monitor_watchers[w]; w++) {
			uint64_t at = monitor_watchers[w]->deadline ? monitor_watchers[w]->deadline(m, m->tunnels[i], w) : NEVER;
			next = at < next ? at : next;
		}
	return next;
}

static void run_due(struct monitor *m)
{
	uint64_t now_ms = clock_boot_ms();

	for (size_t i = 0; i < m->n_tunnels; i++)
		for (size_t w = 0; monitor_watchers[w]; w++)
			if (monitor_watchers[w]->deadline && monitor_watchers[w]->deadline(m, m->tunnels[i], w) <= now_ms)
				monitor_watchers[w]->run(m, m->tunnels[i], w, now_ms);
}

static int run(struct monitor *m)
{
	int r = 0;

	monitor_read_journals(m, NULL);
	monitor_update_filter(m);
	while (r == 0 && !stop_signal) {
		run_due(m);
		r = event_loop_wait(&m->loop, next_deadline(m));
		if (r == -EINTR && !stop_signal)
			r = 0;
	}
	if (stop_signal < 0) /* after reporting why */
		return -EIO;
	return r == -EINTR ? 0 : report_failure("wait for events", r);
}

static void network_event(struct netlink_events *e, const struct netlink_event *event)
{
	monitor_network_event(container_of(e, struct monitor, netlink), event);
}

/* Each of these returns 0, or -errno after reporting. */

static int start_watchers(struct monitor *m)
{
	int r = 0;

	for (size_t i = 0; r == 0 && monitor_watchers[i]; i++) {
		assert(i < MONITOR_WATCHERS_MAX);
		r = monitor_watchers[i]->start ? monitor_watchers[i]->start(m) : 0;
	}
	return r;
}

static int start(struct monitor *m)
{
	int r = report_failure("wait for events", event_loop_init(&m->loop));

	if (r < 0)
		return r;
	m->netlink.handle = network_event;
	m->files.handle = file_event;
	r = start_watchers(m);
	if (r == 0)
		r = report_failure("wait for changes of files", file_events_open(&m->files, &m->loop));
	if (r == 0)
		r = watch_journals(m);
	if (r == 0)
		r = report_failure("wait for changes of the network", netlink_events_open(&m->netlink, &m->loop));
	if (r == 0)
		privileges_drop();
	return r;
}

static void stop(struct monitor *m)
{
	monitor_close_tunnels(m);
	health_stop();
	for (size_t i = 0; monitor_watchers[i]; i++)
		if (monitor_watchers[i]->stop)
			monitor_watchers[i]->stop(m);
	if (m->netlink.loop)
		netlink_events_close(&m->netlink);
	if (m->files.loop)
		file_events_close(&m->files);
	monitor_lock_release(m->lock);
	event_loop_free(&m->loop);
	free(m->links);
}

int command_monitor(const struct command_options *o, struct host *host, struct command_trace *trace)
{
	struct monitor m = { .host = host, .options = o, .lock = -1, .journal_folder = -1, .resolv_folder = -1,
			     .loop = { .epoll = -1, .timer.fd = -1 } };
	int r = start(&m);

	(void)trace;
	rtnetlink_close(&host->rtnetlink); /* each process that repairs opens one */
	if (r == 0) {
		service_notify_ready();
		r = run(&m);
	}
	stop(&m);
	return r < 0;
}
