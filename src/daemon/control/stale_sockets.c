/* Sockets without a listener, found by connecting to them. */
#include "stale_sockets.h"

#include <dirent.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "base/text.h"

enum { AGE_MIN_S = 2 }; /* a younger socket may be that of a daemon that does not listen yet */

static bool refuses_connections(const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool refused = fd >= 0 && connect(fd, (const struct sockaddr *)a, sizeof *a) != 0 && errno == ECONNREFUSED;

	if (fd >= 0)
		close(fd);
	return refused;
}

static void check_entry(const char *dir, struct span entry, struct span suffix)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct text path = text_fixed(a.sun_path, sizeof a.sun_path);
	struct stat s;

	if (entry.n <= suffix.n || !span_equal(span_sub(entry, entry.n - suffix.n, suffix.n), suffix))
		return;
	text_f(&path, "%s/%.*s", dir, (int)entry.n, entry.p);
	if (path.failed || lstat(a.sun_path, &s) != 0 || !S_ISSOCK(s.st_mode) ||
	    s.st_mtime + AGE_MIN_S > time(NULL) || !refuses_connections(&a))
		return;
	(void)unlink(a.sun_path);
}

void stale_sockets_remove(const char *dir, const char *suffix)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;

	while (d && (entry = readdir(d)))
		check_entry(dir, span_of(entry->d_name), span_of(suffix));
	if (d)
		closedir(d);
}
