/* `confirm`: keeps a change that `up --confirm` or `reload --confirm` made. Without it, the process that these commands
 * started (`confirm --expire`) rolls back the change at the deadline, unless the user has logged in from another host meanwhile. */
#include "confirm.h"

#include <errno.h>

#include "inputs.h"
#include "messages.h"
#include "quick/host/clock.h"
#include "quick/host/logins.h"
#include "quick/host/signals.h"
#include "quick/host/system_log.h"
#include "quick/host/tunnel_file_load.h"
#include "quick/host/watched_file.h"
#include "quick/journal/journal.h"
#include "quick/journal/pending.h"
#include "report/report.h"

enum { FAILURES_LOGGED = 5, BEGIN_MS = 500, RETRY_MS = 1000, RETRY_DOUBLINGS_MAX = 6, LOGIN_MS = 1000, LOGIN_TEXT_MAX = 128 };

static bool has_expired(const struct pending *p)
{
	return !p->of_this_boot || clock_boot_ms() >= p->deadline_ms;
}

/* ---- rolling back ---- */

static void report_rolled_back(const struct pending *p, const char *name)
{
	report_warning("the change was not confirmed within %u seconds and was rolled back", p->seconds);
	if (p->is_reload)
		report_help("%s still has your changes, which are not in force", p->config ? p->config : "the tunnel file");
	system_log(name, p->is_reload ? "a reload was not confirmed and was rolled back; the tunnel file is not in force"
				      : "the tunnel was not confirmed and was taken down");
}

/* Also if something could not be undone: there is nothing to be taken down any more. */
static bool is_down(const char *name, struct host *host)
{
	struct host_state s = { 0 };
	struct journal j;
	bool down = journal_open_unlocked(&j, name) == 0 && !j.exists && inspect_host(&s, host, name) == 0 && s.link.index == 0;

	applied_free(&j.applied);
	host_state_free(&s);
	return down;
}

/* The lock of the tunnel is held. After a reboot nothing of the change is in force. */
static int roll_back(const struct pending *p, const char *name, struct host *host, struct command_trace *trace)
{
	struct command_options o = { .argument = p->config && !p->is_reload ? p->config : name, .no_hooks = p->no_hooks };
	int status = 0;

	if (p->of_this_boot)
		status = p->is_reload ? command_roll_back(p, name, host, trace) : command_down(&o, host, trace);
	if (status != 0 && !p->is_reload && is_down(name, host))
		status = 0;
	if (status == 0) {
		pending_remove(name);
		if (p->of_this_boot)
			report_rolled_back(p, name);
	}
	return status;
}

/* ---- a login ---- */

/* The lock of the tunnel is held. The record is for who runs `confirm` after logging in. */
static int confirm_by_login(const struct pending *p, const char *name, const struct login *l)
{
	char by[LOGIN_TEXT_MAX], message[LOGIN_TEXT_MAX + 32];
	struct text t = text_fixed(by, sizeof by), m = text_fixed(message, sizeof message);
	int r;

	login_print(&t, l, &p->since);
	r = report_failure("remove the record of the change", pending_remove(name));
	if (r < 0)
		return 1;
	if (pending_set_confirmed(name, text_of(&t)) < 0)
		report_warning("cannot record which login confirmed the change");
	text_f(&m, "confirmed by a new login of %s", by);
	report_error("%s", message); /* no error: the form of messages */
	system_log(name, message);
	return 0;
}

/* waiting: has the file that the process waits for. login: one that confirms it, or null. 0: there is nothing to wait for any more;
 * -EAGAIN: the time is not over. */
static int expire(const struct pending *waiting, const char *name, const struct login *login, struct host *host,
		  struct command_trace *trace)
{
	struct pending p = PENDING_NONE;
	struct journal j = JOURNAL_CLOSED;
	int r = open_journal(&j, name, &host->settings), status = 1;

	if (r == 0 && !pending_is_current(waiting, name)) {
		journal_close(&j);
		return 0;
	}
	if (r == 0)
		r = report_failure("read what awaits confirmation", pending_load(&p, name));
	if (r == 0 && p.exists && login && login_counts(login, &p.since, clock_now_ms())) /* the record may have changed since */
		status = confirm_by_login(&p, name, login);
	else if (r == 0 && p.exists && has_expired(&p))
		status = roll_back(&p, name, host, trace);
	else if (r == 0)
		status = p.exists ? -EAGAIN : 0;
	pending_free(&p);
	journal_close(&j);
	return status;
}

/* ---- the process that waits ---- */

/* A failure of any kind is no reason to give up: it may be that of a moment. */
static uint64_t retry_at_ms(const char *name, unsigned int failures)
{
	if (failures == FAILURES_LOGGED)
		system_log(name, "cannot roll back a change that was not confirmed; trying again every minute");
	return clock_boot_ms() + ((uint64_t)RETRY_MS << (failures < RETRY_DOUBLINGS_MAX ? failures : RETRY_DOUBLINGS_MAX));
}

/* The process that has started this one, and holds the lock of the tunnel, replaces the file next. False: it was killed before. */
static bool becomes_current(struct file_watch *w, const struct pending *p, const char *name)
{
	bool current = pending_is_current(p, name), killed = false;

	while (!current && !killed && !stop_signal && file_watch_exists(w)) {
		struct journal j;
		bool locked = journal_open_now(&j, name, 0) == 0;
		current = pending_is_current(p, name);
		killed = locked && !current;
		journal_close(&j); /* deletes the file that has replaced none */
		if (!current && !killed)
			file_watch_wait(w, clock_boot_ms() + BEGIN_MS);
	}
	return current;
}

static void wait_for_login(struct file_watch *w, uint64_t deadline_ms)
{
	uint64_t next_ms = clock_boot_ms() + LOGIN_MS;

	file_watch_wait(w, next_ms < deadline_ms ? next_ms : deadline_ms);
}

/* p->fd: the file, which is removed or replaced when there is nothing to wait for. A roll-back that has failed once may have been
 * performed in part, so that no login confirms anything after it; one before it still does. */
static int wait_and_expire(struct pending *p, const char *name, struct host *host, struct command_trace *trace)
{
	struct file_watch w;
	struct login login;
	uint64_t retry_ms = 0;
	unsigned int failures = 0;
	bool found = false;

	file_watch_open(&w, p->fd);
	while (becomes_current(&w, p, name) && !stop_signal && file_watch_exists(&w)) {
		int r = pending_load_locked(p);
		if (r == 0 && !found && failures == 0 && p->of_this_boot)
			found = logins_find(&login, &p->since);
		if (r == 0 && !found && !has_expired(p)) {
			wait_for_login(&w, p->deadline_ms);
			continue;
		}
		if (clock_boot_ms() < retry_ms) {
			file_watch_wait(&w, retry_ms);
			continue;
		}
		if (r == 0)
			r = expire(p, name, found ? &login : NULL, host, trace);
		if (r == 0)
			break;
		found = found && r != -EAGAIN;
		retry_ms = r == -EAGAIN ? 0 : retry_at_ms(name, ++failures);
	}
	file_watch_close(&w);
	return failures > 0 && file_watch_exists(&w);
}

static int run_expire(const char *name, struct host *host, struct command_trace *trace)
{
	struct pending p = PENDING_NONE;
	int status = 1;

	p.fd = watched_file_inherited();
	if (p.fd < 0 && pending_lock(&p, name) < 0) {
		report_error("no change awaits confirmation, or another process waits for it");
		return 1;
	}
	watched_file_leave_unit();
	status = wait_and_expire(&p, name, host, trace);
	pending_free(&p);
	return status;
}

/* ---- confirming ---- */

/* Perhaps by the login that this command is run in. False: no login has confirmed a change. */
static bool was_confirmed(const char *name)
{
	struct text by = text_heap();
	bool was = pending_take_confirmed(name, &by) == 0;

	if (was)
		report_error("the change was confirmed by a new login of %s", by.p ? by.p : ""); /* no error */
	text_heap_free(&by);
	return was;
}

/* 0: confirmed; -ENOENT: there is nothing to confirm; 1, after reporting. */
static int confirm_one(const char *name, struct host *host)
{
	struct pending p = PENDING_NONE;
	struct journal j = JOURNAL_CLOSED;
	int r;

	report_set_interface(name);
	r = open_journal(&j, name, &host->settings);
	if (r == 0)
		r = report_failure("read what awaits confirmation", pending_load(&p, name));
	if (r == 0 && !p.exists)
		r = was_confirmed(name) ? 0 : -ENOENT;
	else if (r == 0)
		r = report_failure("remove the record of the change", pending_remove(name));
	pending_free(&p);
	journal_close(&j);
	return r == 0 || r == -ENOENT ? r : 1;
}

static int list_changes(struct string_list *names)
{
	int r = pending_names(names);

	return r < 0 ? r : pending_names_confirmed(names);
}

static int confirm_all(struct host *host)
{
	struct string_list names = { 0 };
	int status = report_failure("list the tunnels", list_changes(&names)) < 0, confirmed = 0;

	for (size_t i = 0; i < names.n; i++) {
		int r = confirm_one(names.list[i], host);
		confirmed += r == 0;
		status |= r > 0;
	}
	report_set_interface(NULL);
	string_list_free(&names);
	if (confirmed == 0 && status == 0)
		report_error("no change awaits confirmation");
	return confirmed == 0 || status;
}

int command_confirm(const struct command_options *o, struct host *host, struct command_trace *trace)
{
	char name[WG_NAME_MAX];
	int r;

	if (!o->argument)
		return confirm_all(host);
	if (!tunnel_file_name_of(name, o->argument)) {
		report_upstream("The config file must be a valid interface name, followed by .conf");
		return 1;
	}
	report_set_interface(name);
	if (o->expire)
		return run_expire(name, host, trace);
	r = confirm_one(name, host);
	if (r == -ENOENT)
		report_error("no change awaits confirmation");
	return r != 0;
}

/* ---- after the process that waited was killed ---- */

static void settle(const char *name, struct host *host, struct command_trace *trace)
{
	const char *const argv[] = { "wg-quick", "confirm", "--expire", name, NULL };
	struct pending p = PENDING_NONE;

	report_set_interface(name);
	if (pending_lock(&p, name) == 0 && pending_load(&p, name) == 0 && p.exists) {
		if (!has_expired(&p))
			report_failure("start the process that rolls back the change", watched_file_start(p.fd, argv));
		else if (expire(&p, name, NULL, host, trace) != 0)
			report_error("cannot roll back the change that was not confirmed");
	}
	pending_free(&p);
	report_set_interface(NULL);
}

void confirm_settle(struct host *host, struct command_trace *trace)
{
	struct string_list names = { 0 };

	if (pending_names(&names) == 0)
		for (size_t i = 0; i < names.n; i++)
			if (!pending_is_watched(names.list[i]))
				settle(names.list[i], host, trace);
	string_list_free(&names);
}
