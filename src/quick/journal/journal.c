#include "journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "quick/host/fault_injection.h"
#include "quick/host/fileio.h"
#include "journal_text.h"
#include "quick/host/subprocess.h"
#include "report/output.h"
#include "report/report.h"

static const char folder[] = RUNSTATEDIR "/wgsuite";

/* The cookie of a namespace is never used again; older kernels have only the inode's number. */
static uint64_t this_netns(void)
{
	uint64_t id = 0;
	socklen_t n = sizeof id;
	struct stat st;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r = fd < 0 ? -1 : getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &id, &n);

	if (fd >= 0)
		close(fd);
	if (r == 0)
		return id;
	return stat("/proc/self/ns/net", &st) == 0 ? st.st_ino : 0;
}

static void path_of(const struct journal *r, const char *ending, char path[], size_t n)
{
	struct text t = text_fixed(path, n);

	text_f(&t, "%s/%s@%llu%s", folder, r->name, (unsigned long long)r->netns, ending);
}

void journal_backup_path(const struct journal *r, char path[], size_t n)
{
	path_of(r, ".resolv", path, n);
}

/* A lock file is removed by its holder, so what was opened may be gone by the time it is locked. */
static int lock_file(const char *path, bool wait)
{
	for (;;) {
		struct stat held, there;
		int fd;
		if (mkdir(folder, 0700) < 0 && errno != EEXIST)
			return -errno;
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return -errno;
		while (flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB) < 0)
			if (errno != EINTR || stop_signal) {
				int error = -errno;
				close(fd);
				return error;
			}
		if (fstat(fd, &held) == 0 && stat(path, &there) == 0 &&
		    held.st_ino == there.st_ino && held.st_dev == there.st_dev)
			return fd;
		close(fd);
	}
}

static unsigned int holds; /* within each other */

int journal_lock_all(void)
{
	static int lock;
	char path[PATH_MAX];
	struct text t = text_fixed(path, sizeof path);

	text_f(&t, "%s/.lock", folder);
	if (holds == 0)
		lock = lock_file(path, true);
	holds += lock >= 0;
	return lock;
}

void journal_unlock_all(int held)
{
	char path[PATH_MAX];
	struct text t = text_fixed(path, sizeof path);

	if (held < 0 || --holds > 0)
		return;
	text_f(&t, "%s/.lock", folder);
	(void)unlink(path);
	close(held);
}

static int journal_load(struct journal *r)
{
	char path[PATH_MAX];
	struct text t = text_heap();
	int error;

	path_of(r, "", path, sizeof path);
	error = fileio_read(path, &t);
	if (error == 0)
		error = journal_parse(r, text_of(&t));
	r->exists = error == 0;
	text_heap_free(&t);
	return error == -ENOENT || error == -EACCES ? 0 : error;
}

/* A hook of the tunnel that calls us runs within the turn of the wg-quick that runs the hook, and so
 * do hooks of other tunnels that it brings up. */
static bool have_the_turn(const char *holders, const char *name)
{
	struct span rest = span_of(holders), word;

	while (span_next(&word, &rest, ' '))
		if (span_is(word, name))
			return true;
	return false;
}

static void tell_hooks(const char *holders, const char *name)
{
	struct text t = text_heap();

	text_f(&t, "%s%s%s", holders, holders[0] ? " " : "", name);
	if (!t.failed)
		setenv("WG_QUICK_HOLDS", t.p, 1);
	text_heap_free(&t);
}

int journal_open(struct journal *r, const char *name)
{
	const char *holders = getenv("WG_QUICK_HOLDS");
	char path[PATH_MAX];
	bool ours;
	int fd;

	*r = (struct journal){ .lock = -1, .netns = this_netns() };
	memcpy(r->name, name, strlen(name) + 1);
	path_of(r, ".lock", path, sizeof path);
	holders = holders ? holders : "";
	ours = have_the_turn(holders, name);
	fd = lock_file(path, !ours); /* what a hook left running may outlive the turn */
	if (fd == -EINTR)
		return fd;
	if (fd < 0 && !ours) {
		r->no_folder = true;
		if (geteuid() == 0)
			report_warning("%s: %s; nothing is kept about %s, down will have to look",
				    folder, strerror(-fd), name);
	}
	r->lock = fd;
	if (fd >= 0)
		tell_hooks(holders, name);
	return journal_load(r);
}

int journal_write(struct journal *r)
{
	char path[PATH_MAX];
	struct text t = text_heap();
	int error;

	if (r->no_folder)
		return 0;
	path_of(r, "", path, sizeof path);
	journal_print(r, &t);
	error = t.failed ? -ENOMEM : fileio_replace(path, text_of(&t), 0600, NULL);
	text_heap_free(&t);
	if (error < 0)
		report_error("%s: %s", path, strerror(-error));
	else
		r->exists = true;
	return error;
}

bool journal_append(struct journal *r, const char *line)
{
	char path[PATH_MAX], text[256];
	struct text t = text_fixed(text, sizeof text);
	int fd;

	if (r->no_folder || !r->exists)
		return true;
	text_f(&t, "%s\n", line);
	path_of(r, "", path, sizeof path);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return errno != ENOENT;
	report_write(fd, t.p, t.n);
	close(fd);
	return true;
}

void journal_hooks_began(struct journal *r, enum hook_phase phase)
{
	char line[16];
	struct text t = text_fixed(line, sizeof line);

	if (r->began[phase])
		return;
	r->began[phase] = true;
	text_f(&t, "began %u", (unsigned int)phase);
	journal_append(r, line);
}

void journal_remove(struct journal *r)
{
	char path[PATH_MAX];

	path_of(r, "", path, sizeof path);
	(void)unlink(path);
	path_of(r, ".tmp", path, sizeof path);
	(void)unlink(path); /* of one that was killed while it wrote */
	r->exists = false;
}

/* What a wg-quick that was killed may have left beside records: nobody holds it. */
static void sweep_folder(const struct journal *r)
{
	char path[PATH_MAX];
	struct text t = text_fixed(path, sizeof path);
	int fd;

	path_of(r, ".tmp", path, sizeof path);
	(void)unlink(path);
	t = text_fixed(path, sizeof path);
	text_f(&t, "%s/.lock", folder);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		(void)unlink(path);
	if (fd >= 0)
		close(fd);
}

static void free_contents(struct journal *r)
{
	plan_free(&r->plan);
	addresses_free(&r->addresses);
	addresses_free(&r->foreign);
	for (int i = 0; i < HOOK_PHASES; i++)
		string_list_free(&r->hooks[i]);
	string_list_free(&r->peers);
	free(r->config);
	r->config = NULL;
}

void journal_end(struct journal *r)
{
	struct journal now = { .lock = -1, .netns = r->netns };

	memcpy(now.name, r->name, sizeof now.name);
	if (!r->began[HOOK_POST_DOWN] || journal_load(&now) < 0 || !now.exists ||
	    now.began[HOOK_POST_DOWN])
		journal_remove(r);
	free_contents(&now);
}

void journal_release_sysctl(struct journal *r)
{
	journal_append(r, "no-sysctl");
}

void journal_reset(struct journal *r)
{
	free_contents(r);
	memset(r->began, 0, sizeof r->began);
	r->exists = r->complete = false;
	r->ifindex = 0;
	r->port = 0;
	r->has_table = false;
}

void journal_close(struct journal *r)
{
	char path[PATH_MAX];

	free_contents(r);
	if (r->lock >= 0) {
		path_of(r, ".lock", path, sizeof path);
		(void)unlink(path);
		sweep_folder(r);
		close(r->lock);
	}
	if (r->name[0] && !r->exists)
		(void)rmdir(folder);
	r->lock = -1;
}

/* ---- other tunnels ---- */

typedef bool look_at(const struct journal *other, void *ctx);

/* Calls look for each record of this namespace but our own, until it says true. */
static bool any_other(const struct journal *r, look_at *look, void *ctx)
{
	DIR *dir = opendir(folder);
	bool found = false;
	struct dirent *e;

	while (dir && !found && (e = readdir(dir))) {
		struct span name = span_of(e->d_name);
		size_t at = span_find_last(name, '@');
		struct journal other = { .lock = -1 };
		uint64_t netns;
		if (at >= name.n || at >= WG_NAME_MAX ||
		    !span_to_u64(&netns, span_sub(name, at + 1, name.n), UINT64_MAX) ||
		    netns != r->netns || span_is(span_sub(name, 0, at), r->name))
			continue;
		memcpy(other.name, name.p, at);
		other.netns = netns;
		if (journal_load(&other) == 0 && other.exists)
			found = look(&other, ctx);
		free_contents(&other);
	}
	if (dir)
		closedir(dir);
	return found;
}

static bool uses_table(const struct journal *other, void *table)
{
	for (size_t i = 0; i < other->plan.n; i++) {
		const struct step *s = &other->plan.steps[i];
		if (s->kind == STEP_RULE && s->rule.table == *(uint32_t *)table)
			return true;
	}
	return false;
}

bool journal_table_in_use(void *record, uint32_t table)
{
	return any_other(record, uses_table, &table);
}

static bool uses_sysctl(const struct journal *other, void *before)
{
	for (size_t i = 0; i < other->plan.n; i++)
		if (other->plan.steps[i].kind == STEP_SYSCTL) {
			*(int *)before = other->plan.steps[i].sysctl.before;
			return true;
		}
	return false;
}

bool journal_sysctl_in_use(const struct journal *r, int *before)
{
	return any_other(r, uses_sysctl, before);
}
