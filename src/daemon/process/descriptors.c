/* close_range(2) exists since Linux 5.9; older kernels, and system call filters that do not know it, get one close(2)
 * for each open descriptor. */
#include "descriptors.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

enum { GUESSED_MAX = 65536 }; /* if neither close_range(2) nor /proc is available; the limit may be a billion */

static bool close_listed(unsigned int first, unsigned int last)
{
	DIR *list = opendir("/proc/self/fd");
	struct dirent *e;

	if (!list)
		return false;
	while ((e = readdir(list))) {
		char *end;
		unsigned long fd = strtoul(e->d_name, &end, 10);
		if (end != e->d_name && fd >= first && fd <= last && (int)fd != dirfd(list))
			close((int)fd);
	}
	closedir(list);
	return true;
}

void descriptors_close(unsigned int first, unsigned int last)
{
	struct rlimit limit;

	if (syscall(SYS_close_range, first, last, 0) == 0 || close_listed(first, last))
		return;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > GUESSED_MAX)
		limit.rlim_cur = GUESSED_MAX;
	for (unsigned int fd = first; fd <= last && fd < limit.rlim_cur; fd++)
		close((int)fd);
}
