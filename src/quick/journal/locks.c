/* Locks between wg-quick processes. */
#include "locks.h"

#include <stdlib.h>

#include "base/vector.h"
#include "paths.h"
#include "quick/host/lock_file.h"

/* The tunnels that this process or its ancestors have locked, separated by blanks. */
static const char held_variable[] = "WG_QUICK_HOLDS";

static bool is_held_by_ancestor(const char *held, const char *name)
{
	struct span rest = span_of(held), word;

	while (span_next(&word, &rest, ' '))
		if (span_is(word, name))
			return true;
	return false;
}

static void tell_hooks(const char *held, const char *name)
{
	struct text t = text_heap();

	text_f(&t, "%s%s%s", held, held[0] ? " " : "", name);
	if (!t.failed)
		setenv(held_variable, t.p, 1);
	text_heap_free(&t);
}

int journal_lock_acquire(const char *path, const char *name, unsigned int timeout_s, bool *inherited)
{
	const char *held = getenv(held_variable);
	int fd;

	held = held ? held : "";
	*inherited = is_held_by_ancestor(held, name);
	/* A process that a hook left behind may find the lock free. */
	fd = lock_file_acquire(JOURNAL_FOLDER, path, *inherited ? -1 : (int)timeout_s);
	if (fd >= 0)
		tell_hooks(held, name);
	return fd;
}

int tunnel_lock_try(const char *path)
{
	return lock_file_acquire(JOURNAL_FOLDER, path, -1);
}

void tunnel_lock_release(const char *path, int lock)
{
	lock_file_release(path, lock);
}

/* ---- shared ---- */

static const char shared_path[] = JOURNAL_FOLDER "/.lock";
static unsigned int shared_depth;

int shared_lock_acquire(unsigned int timeout_s)
{
	static int lock;

	if (shared_depth == 0)
		lock = lock_file_acquire(JOURNAL_FOLDER, shared_path, (int)timeout_s);
	shared_depth += lock >= 0;
	return lock;
}

void shared_lock_release(int lock)
{
	if (lock >= 0 && --shared_depth == 0)
		lock_file_release(shared_path, lock);
}

void shared_lock_sweep(void)
{
	lock_file_sweep(shared_path);
}
