/* The latest action of the monitor: "TIME TEXT". */
#include "monitor_status.h"

#include <limits.h>

#include "journal_file.h"
#include "paths.h"
#include "quick/host/fileio.h"
#include "quick/host/folder.h"
#include "quick/host/lock_file.h"
#include "quick/host/netns.h"

static void path_of(const char *name, char path[], size_t n)
{
	struct journal j = { .netns = netns_id() };
	struct text t = text_fixed(j.name, sizeof j.name);

	text_add(&t, name);
	journal_path(&j, ".monitor", path, n);
}

void monitor_status_write(const char *name, const struct monitor_status *r)
{
	char path[PATH_MAX], line[MONITOR_STATUS_MAX + 32];
	struct text t = text_fixed(line, sizeof line);
	int error;

	path_of(name, path, sizeof path);
	text_f(&t, "%llu %s\n", (unsigned long long)r->at_ms, r->text);
	error = fileio_replace(path, text_of(&t));
	(void)error;
}

void monitor_status_read(struct monitor_status *out, const char *name)
{
	char path[PATH_MAX];
	struct text t = text_heap(), text = text_fixed(out->text, sizeof out->text);
	struct span rest, at, line;

	*out = (struct monitor_status){ 0 };
	path_of(name, path, sizeof path);
	if (fileio_read(path, &t) == 0) {
		rest = text_of(&t);
		if (span_next(&line, &rest, '\n') && span_next(&at, &line, ' ') && span_to_u64(&out->at_ms, at, UINT64_MAX))
			text_span(&text, line);
	}
	text_heap_free(&t);
}

void monitor_status_remove(const char *name)
{
	char path[PATH_MAX];

	path_of(name, path, sizeof path);
	fileio_remove(path);
}

static void lock_path(char path[], size_t n)
{
	struct text t = text_fixed(path, n);

	text_f(&t, JOURNAL_FOLDER "/.monitor@%llu.lock", (unsigned long long)netns_id());
}

int monitor_lock_acquire(void)
{
	char path[PATH_MAX];

	lock_path(path, sizeof path);
	return lock_file_acquire(JOURNAL_FOLDER, path, -1);
}

void monitor_lock_release(int lock)
{
	char path[PATH_MAX];

	lock_path(path, sizeof path);
	if (lock >= 0)
		lock_file_release(path, lock);
	folder_remove(JOURNAL_FOLDER);
}

bool monitor_is_running(void)
{
	char path[PATH_MAX];

	lock_path(path, sizeof path);
	return lock_file_is_held(path);
}
