/* `confirm`: keeps a change that `up --confirm` or `reload --confirm` made. Without it, the process that these have started
 * (`confirm --expire`) rolls the change back at the deadline. */
#include "confirm.h"

#include <errno.h>

#include "inputs.h"
#include "messages.h"
#include "quick/host/clock.h"
#include "quick/host/signals.h"
#include "quick/host/system_log.h"
#include "quick/host/tunnel_file_load.h"
#include "quick/host/watched_file.h"
#include "quick/journal/journal.h"
#include "quick/journal/pending.h"
#include "report/report.h"

enum { TRIES = 5, MS_PER_S = 1000 };

static bool has_expired(const struct pending *p)
{
	return !p->of_this_boot || clock_boot_ms() >= p->deadline_ms;
}

/* ---- rolling back ---- */

static void report_rolled_back(const struct pending *p, const char *name)
{
	report_warning("the change was not confirmed within %u seconds and was rolled back", p->seconds);
	if (p->is_reload)
		report_help("%s is as you edited it, and is not in force", p->config ? p->config : "the tunnel file");
	system_log(name, p->is_reload ? "a reload was not confirmed and was rolled back; the tunnel file is not in force"
				      : "the tunnel was not confirmed and was taken down");
}

/* The lock of the tunnel is held. After a reboot nothing of the change is in force. */
static int roll_back(const struct pending *p, const char *name, struct host *host, struct command_trace *trace)
{
	struct command_options o = { .argument = p->config && !p->is_reload ? p->config : name, .no_hooks = p->no_hooks };
	int status = 0;

	if (p->of_this_boot)
		status = p->is_reload ? command_roll_back(p, name, host, trace) : command_down(&o, host, trace);
	if (status == 0) {
		pending_remove(name);
		if (p->of_this_boot)
			report_rolled_back(p, name);
	}
	return status;
}

/* 0: there is nothing to wait for any more. *again_ms: when to look again. */
static int expire(const char *name, struct host *host, struct command_trace *trace, uint64_t *again_ms)
{
	struct pending p = PENDING_NONE;
	struct journal j = JOURNAL_CLOSED;
	int r = open_journal(&j, name, &host->settings), status = 1;

	if (r == 0)
		r = report_failure("read what awaits confirmation", pending_load(&p, name));
	*again_ms = p.deadline_ms;
	if (r == 0 && p.exists && has_expired(&p))
		status = roll_back(&p, name, host, trace);
	else if (r == 0)
		status = p.exists ? -EAGAIN : 0;
	pending_free(&p);
	journal_close(&j);
	return status;
}

/* ---- the process that waits ---- */

/* A roll-back that fails is tried again. The file stays after the last time, for the next wg-quick. */
static int wait_and_expire(const char *name, int fd, struct host *host, struct command_trace *trace)
{
	struct file_watch w;
	uint64_t next_ms = 0;
	int failures = 0, status = file_watch_open(&w, fd) < 0;

	while (status == 0 && !stop_signal && file_watch_exists(&w)) {
		struct pending p = PENDING_NONE;
		int r = pending_load(&p, name);
		uint64_t deadline_ms = p.deadline_ms > next_ms ? p.deadline_ms : next_ms;
		bool exists = p.exists, due = !p.of_this_boot || clock_boot_ms() >= deadline_ms;
		pending_free(&p);
		if (r < 0 || !exists)
			break;
		if (!due) {
			file_watch_wait(&w, deadline_ms);
			continue;
		}
		r = expire(name, host, trace, &deadline_ms);
		if (r == 0)
			break;
		if (r != -EAGAIN && ++failures == TRIES)
			status = 1;
		next_ms = r == -EAGAIN ? 0 : clock_boot_ms() + ((uint64_t)MS_PER_S << failures);
	}
	file_watch_close(&w);
	return status;
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
	status = wait_and_expire(name, p.fd, host, trace);
	pending_free(&p);
	return status;
}

/* ---- confirming ---- */

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
		r = -ENOENT;
	else if (r == 0)
		r = report_failure("remove the record of the change", pending_remove(name));
	pending_free(&p);
	journal_close(&j);
	return r == 0 || r == -ENOENT ? r : 1;
}

static int confirm_all(struct host *host)
{
	struct string_list names = { 0 };
	int status = report_failure("list the tunnels", pending_names(&names)) < 0, confirmed = 0;

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
	uint64_t again_ms;

	report_set_interface(name);
	if (pending_lock(&p, name) == 0 && pending_load(&p, name) == 0 && p.exists) {
		if (!has_expired(&p))
			report_failure("start the process that rolls the change back", watched_file_start(p.fd, argv));
		else if (expire(name, host, trace, &again_ms) != 0)
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
