/* Folders. */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

bool folder_list(struct string_list *out, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	bool ok = true;

	if (!dir)
		return errno == ENOENT;
	while (ok && (errno = 0, e = readdir(dir)))
		ok = string_list_add(out, span_of(e->d_name));
	ok = ok && errno == 0;
	closedir(dir);
	return ok;
}

void folder_remove(const char *path)
{
	/* One failure may be that of a moment. */
	if (rmdir(path) < 0 && errno != ENOENT && errno != ENOTEMPTY && errno != EEXIST)
		(void)rmdir(path);
}
