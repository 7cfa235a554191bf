/* The list of supervised tunnel files: a path on each line. */
#include "supervised.h"

#include <errno.h>
#include <limits.h>

#include "paths.h"
#include "quick/config/tunnel_file.h"
#include "quick/host/fileio.h"
#include "quick/host/folder.h"
#include "quick/host/lock_file.h"
#include "quick/host/netns.h"

static void path_of(char path[PATH_MAX], const char *ending)
{
	struct text t = text_fixed(path, PATH_MAX);

	text_f(&t, JOURNAL_FOLDER "/.supervise@%llu%s", (unsigned long long)netns_id(), ending);
}

int supervised_lock(void)
{
	char path[PATH_MAX];

	path_of(path, ".lock");
	return lock_file_acquire(JOURNAL_FOLDER, path, -1);
}

void supervised_unlock(int lock)
{
	char path[PATH_MAX];

	path_of(path, ".files");
	(void)fileio_remove(path);
	path_of(path, ".lock");
	if (lock >= 0)
		lock_file_release(path, lock);
	folder_remove(JOURNAL_FOLDER);
}

int supervised_write(const struct string_list *paths)
{
	char path[PATH_MAX];
	struct text t = text_heap();
	int r = -ENOMEM;

	path_of(path, ".files");
	for (size_t i = 0; i < paths->n; i++)
		text_f(&t, "%s\n", paths->list[i]);
	if (!t.failed)
		r = fileio_replace_public(path, text_of(&t));
	text_heap_free(&t);
	return r;
}

/* That of a process that was killed does not count. */
int supervised_read(struct string_list *paths)
{
	char path[PATH_MAX];
	struct text t = text_heap();
	struct span rest, line;
	int r;

	path_of(path, ".lock");
	if (!lock_file_is_held(path))
		return 0;
	path_of(path, ".files");
	r = fileio_read(path, &t);
	rest = text_of(&t);
	while (r == 0 && rest.n > 0 && span_next(&line, &rest, '\n'))
		if (line.n > 0 && !string_list_add(paths, line))
			r = -ENOMEM;
	text_heap_free(&t);
	return r == -ENOENT ? 0 : r;
}

const char *supervised_file(const struct string_list *paths, const char *argument)
{
	char name[WG_NAME_MAX], other[WG_NAME_MAX];

	for (size_t i = 0; tunnel_file_name_of(name, argument) && i < paths->n; i++)
		if (tunnel_file_name_of(other, paths->list[i]) && strcmp(name, other) == 0)
			return paths->list[i];
	return NULL;
}

bool supervised_is_kept(const char *name)
{
	struct string_list paths = { 0 };
	bool is = supervised_read(&paths) == 0 && supervised_file(&paths, name);

	string_list_free(&paths);
	return is;
}
