/* Folders. */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

int folder_list(struct string_list *out, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	int r = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (errno = 0, e = readdir(dir)))
		r = string_list_add(out, span_of(e->d_name)) ? 0 : -ENOMEM;
	if (r == 0)
		r = -errno;
	closedir(dir);
	return r;
}

char *folder_absolute_path(const char *path)
{
	struct text t = text_heap();
	char *current;

	if (path[0] == '/')
		return span_dup(span_of(path));
	while (path[0] == '.' && path[1] == '/')
		path += strspn(path + 1, "/") + 1;
	current = realpath(".", NULL);
	if (!current)
		return NULL;
	text_add(&t, strcmp(current, "/") == 0 ? "" : current);
	if (strcmp(path, ".") != 0 && path[0] != '\0')
		text_f(&t, "/%s", path);
	else if (t.n == 0)
		text_char(&t, '/');
	free(current);
	if (!t.failed)
		return t.p;
	text_heap_free(&t);
	return NULL;
}

void folder_remove(const char *path)
{
	/* One failure may be that of a moment. */
	if (rmdir(path) < 0 && errno != ENOENT && errno != ENOTEMPTY && errno != EEXIST)
		(void)rmdir(path);
}
