/* The journal of a tunnel. */
#include "journal.h"

#include <errno.h>
#include <limits.h>

#include "journal_file.h"
#include "journal_text.h"
#include "locks.h"
#include "paths.h"
#include "quick/host/clock.h"
#include "quick/host/fault_injection.h"
#include "quick/host/fileio.h"
#include "quick/host/folder.h"
#include "quick/host/netns.h"
#include "quick/host/process.h"
#include "quick/plan/inverse.h"
#include "report/report.h"

void journal_path_of(const char *name, char path[], size_t n)
{
	struct journal j = { .netns = netns_id() };
	struct text t = text_fixed(j.name, sizeof j.name);

	text_add(&t, name);
	journal_path(&j, "", path, n);
}

static void journal_init(struct journal *j, const char *name)
{
	*j = (struct journal){ .lock = -1, .netns = netns_id() };
	memcpy(j->name, name, strlen(name) + 1);
}

int journal_open_unlocked(struct journal *j, const char *name)
{
	journal_init(j, name);
	return journal_load(j);
}

int journal_open_now(struct journal *j, const char *name, unsigned int timeout_s)
{
	char path[PATH_MAX];

	journal_init(j, name);
	j->lock_timeout_s = timeout_s;
	journal_path(j, ".lock", path, sizeof path);
	j->lock = tunnel_lock_try(path);
	return j->lock < 0 ? j->lock : journal_load(j);
}

int journal_open(struct journal *j, const char *name, unsigned int timeout_s)
{
	char path[PATH_MAX];
	bool inherited;

	journal_init(j, name);
	j->lock_timeout_s = timeout_s;
	journal_path(j, ".lock", path, sizeof path);
	/* A folder that cannot be written fails again. */
	for (int tries = 0; tries < 2 && j->lock < 0; tries++) {
		j->lock = journal_lock_acquire(path, name, timeout_s, &inherited);
		if (j->lock == -EINTR || j->lock == -ETIMEDOUT)
			return j->lock;
	}
	if (j->lock < 0 && !inherited) {
		j->unavailable = true;
		if (process_is_root())
			report_warning("cannot write to " JOURNAL_FOLDER ": %s: no journal is kept, so down will inspect the host",
				       strerror(-j->lock));
	}
	return journal_load(j);
}

/* Deletes what a killed process left next to the journal. */
static void sweep_folder(const struct journal *j)
{
	static const char *const endings[] = { ".tmp", ".confirm.tmp" };
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		journal_path(j, endings[i], path, sizeof path);
		fileio_remove(path);
	}
	shared_lock_sweep();
}

void journal_close(struct journal *j)
{
	char path[PATH_MAX];

	applied_free(&j->applied);
	if (j->lock >= 0) {
		sweep_folder(j);
		journal_path(j, ".lock", path, sizeof path);
		tunnel_lock_release(path, j->lock);
	}
	if (j->name[0] && !j->exists)
		folder_remove(JOURNAL_FOLDER);
	j->lock = -1;
}

int journal_write_applied(struct journal *j, const struct applied *applied)
{
	struct journal now = *j;
	char path[PATH_MAX];
	struct text t = text_heap();
	int r;

	if (j->unavailable)
		return 0;
	now.applied = *applied; /* borrowed */
	journal_path(j, "", path, sizeof path);
	journal_print(&now, &t);
	r = t.failed ? -ENOMEM : fileio_replace(path, text_of(&t));
	text_heap_free(&t);
	if (r < 0)
		report_error("cannot write %s: %s", path, strerror(-r));
	else
		j->exists = true;
	return r;
}

int journal_write(struct journal *j)
{
	return journal_write_applied(j, &j->applied);
}

/* ---- progress ---- */

/* False: the file is gone. */
static bool append_line(struct journal *j, const struct text *line)
{
	char path[PATH_MAX];

	if (j->unavailable || !j->exists)
		return true;
	journal_path(j, "", path, sizeof path);
	return fileio_append(path, text_of(line)) != -ENOENT;
}

static void append_number(struct journal *j, const char *entry, uint32_t number)
{
	char line[32];
	struct text t = text_fixed(line, sizeof line);

	text_f(&t, "%s %u\n", entry, number);
	append_line(j, &t);
}

static bool append_word(struct journal *j, const char *entry)
{
	char line[32];
	struct text t = text_fixed(line, sizeof line);

	text_f(&t, "%s\n", entry);
	return append_line(j, &t);
}

void journal_note_interface(struct journal *j, uint32_t ifindex)
{
	j->ifindex = ifindex;
	append_number(j, "index", ifindex);
}

void journal_note_restoring(struct journal *j)
{
	j->restoring = true;
	append_word(j, "restoring");
}

void journal_note_restored(struct journal *j)
{
	j->restoring = false;
	append_word(j, "restored");
}

void journal_note_hooks(struct journal *j, enum hook_phase phase)
{
	if (j->began[phase])
		return;
	j->began[phase] = true;
	append_number(j, "began", phase);
}

void journal_note_dns(struct journal *j, bool failed)
{
	if (j->dns_failed == failed)
		return;
	j->dns_failed = failed;
	append_word(j, failed ? "dns-failed" : "dns-set");
}

void journal_note_sysctl_released(struct journal *j)
{
	append_word(j, "no-sysctl");
}

void journal_note_ending(struct journal *j)
{
	j->is_ending = true;
	append_word(j, "ending");
}

bool journal_note_complete(struct journal *j)
{
	char line[32];
	struct text t = text_fixed(line, sizeof line);

	j->complete = true;
	j->completed_ms = clock_boot_ms();
	text_f(&t, "complete %llu\n", (unsigned long long)j->completed_ms);
	if (!append_line(j, &t))
		j->exists = false;
	return j->exists;
}

bool journal_hooks_are_due(const struct journal *j, enum hook_phase phase)
{
	return j->complete || j->began[HOOK_POST_UP] ||
	       (phase == HOOK_POST_DOWN && j->began[HOOK_PRE_UP]);
}

/* ---- the end ---- */

/* False after reporting. */
static bool remove_file(struct journal *j)
{
	char path[PATH_MAX];
	int r;

	if (j->unavailable && !j->exists)
		return true;
	journal_path(j, ".tmp", path, sizeof path);
	fileio_remove(path); /* of a process that was killed while it wrote */
	journal_path(j, ".monitor", path, sizeof path);
	fileio_remove(path);
	journal_path(j, "", path, sizeof path);
	r = fault_injected("journal") ? -EIO : fileio_remove(path);
	if ((r == -EROFS || r == -EACCES) && !fileio_exists(path))
		r = 0; /* the kernel refuses before it looks for the file */
	if (r < 0)
		report_error("cannot remove %s: %s", path, strerror(-r));
	else
		j->exists = false;
	return r == 0;
}

static bool delete_journal(struct journal *j)
{
	bool ok = remove_file(j);

	applied_free(&j->applied);
	memset(j->began, 0, sizeof j->began);
	j->complete = j->is_leftover = j->dns_failed = false;
	j->completed_ms = 0;
	j->ifindex = 0;
	return ok;
}

bool journal_is_of(const struct journal *j, uint32_t ifindex)
{
	return !j->is_leftover && (j->ifindex == 0 || j->ifindex == ifindex);
}

void journal_disregard(struct journal *j)
{
	applied_free(&j->applied);
	j->exists = j->complete = j->is_leftover = j->dns_failed = false;
	j->ifindex = 0;
}

bool journal_keep_failed(struct journal *j, const struct plan *undo)
{
	struct applied left = { 0 };
	bool has_link = false;

	if (plan_keep_failed(&j->applied.plan, undo) < 0) {
		report_error("out of memory: the journal lists more steps than remain");
		return true;
	}
	left.plan = j->applied.plan;
	left.config = j->applied.config;
	j->applied.plan = (struct plan){ 0 };
	j->applied.config = NULL;
	applied_free(&j->applied);
	j->applied = left;
	for (size_t i = 0; i < j->applied.plan.n; i++)
		has_link |= j->applied.plan.steps[i].kind == STEP_LINK;
	j->is_leftover = !has_link;
	j->removed = j->ifindex;
	if (!has_link)
		j->ifindex = 0;
	return j->applied.plan.n > 0;
}

static void keep(struct journal *j)
{
	if (journal_write(j) == 0 && !j->unavailable) {
		report_error("some steps could not be undone; they are recorded in the journal");
		report_help("run `wg-quick down %s' to try again", j->name);
	}
}

bool journal_keep_hooks(struct journal *j, struct string_list take_hooks[HOOK_PHASES])
{
	bool any = false;

	for (size_t i = 0; i < HOOK_PHASES; i++) {
		any |= take_hooks[i].n > 0;
		string_list_free(&j->applied.hooks[i]);
		j->applied.hooks[i] = take_hooks[i];
		take_hooks[i] = (struct string_list){ 0 };
	}
	return any;
}

bool journal_settle(struct journal *j, const struct plan *undo, struct string_list take_hooks[HOOK_PHASES])
{
	bool left = journal_keep_failed(j, undo);

	left |= journal_keep_hooks(j, take_hooks);
	if (!left)
		return delete_journal(j);
	keep(j);
	return false;
}

/* A tunnel that a PostDown hook brought up again has its own journal, without PostDown hooks that were started, and another
 * interface. */
bool journal_is_up_again(const struct journal *j)
{
	struct journal now = { .lock = -1, .netns = j->netns };
	bool again;

	memcpy(now.name, j->name, sizeof now.name);
	again = j->began[HOOK_POST_DOWN] && journal_load(&now) == 0 && now.exists && !now.began[HOOK_POST_DOWN] &&
		now.ifindex != j->removed;
	applied_free(&now.applied);
	return again;
}

bool journal_finish(struct journal *j, bool something_is_left)
{
	if (journal_is_up_again(j))
		return true;
	if (!something_is_left)
		return remove_file(j);
	keep(j);
	return false;
}
