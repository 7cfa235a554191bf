/* Folders. */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
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

void folder_remove(const char *path)
{
	/* One failure may be that of a moment. */
	if (rmdir(path) < 0 && errno != ENOENT && errno != ENOTEMPTY && errno != EEXIST)
		(void)rmdir(path);
}
