/* A library to preload that shifts CLOCK_REALTIME by the number of seconds (a long) in the file $CLOCK_SHIFT. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile long *shift_s; /* mapped, as the sandbox denies access to files later */

__attribute__((constructor)) static void map_shift(void)
{
	const char *path = getenv("CLOCK_SHIFT");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *p = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *shift_s, PROT_READ, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		abort();
	shift_s = p;
	close(fd);
}

int clock_gettime(clockid_t id, struct timespec *t)
{
	int result = (int)syscall(SYS_clock_gettime, id, t);

	if (result == 0 && id == CLOCK_REALTIME)
		t->tv_sec += *shift_s;
	return result;
}
