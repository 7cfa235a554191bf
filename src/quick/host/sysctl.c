/* Kernel parameters. */
#include "sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "base/text.h"
#include "fault_injection.h"
#include "report/report.h"

const char sysctl_src_valid_mark[] = "/proc/sys/net/ipv4/conf/all/src_valid_mark";

int sysctl_read(const char *path)
{
	char text[32];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
	uint64_t v;

	if (fd >= 0)
		close(fd);
	if (n <= 0 || !span_to_u64(&v, span_trim((struct span){ text, (size_t)n }), INT_MAX))
		return -1;
	return (int)v;
}

int sysctl_write(const char *path, int number)
{
	char text[16];
	struct text t = text_fixed(text, sizeof text);
	int fd, r;

	if (fault_injected("sysctl"))
		return -EIO;
	text_f(&t, "%d\n", number);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = write(fd, text, t.n) < 0 ? -errno : 0;
	close(fd);
	return r;
}

void sysctl_promote_secondaries(const char *interface)
{
	char path[96];
	struct text t = text_fixed(path, sizeof path);

	text_f(&t, "/proc/sys/net/ipv4/conf/%s/promote_secondaries", interface);
	if (sysctl_write(path, 1) < 0)
		report_warning("cannot write %s: removing a primary address may remove its secondaries", path);
}
