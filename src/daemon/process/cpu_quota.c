/* CPU affinity and the quotas of control groups. */
#include "cpu_quota.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <unistd.h>

#include "base/text.h"

enum { MEMBERSHIP_BYTES = 8192 };

/* The start of a file, as much as fits. False: it cannot be read, or is empty. */
static bool read_start(char *out, size_t cap, struct span *text, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, cap);

	if (fd >= 0)
		close(fd);
	*text = (struct span){ out, n > 0 ? (size_t)n : 0 };
	return n > 0;
}

/* Removes spaces and the number after them. False: no number, or too large. */
static bool take_number(struct span *text, uint64_t *v)
{
	size_t i = 0;
	bool found = false;

	while (i < text->n && (text->p[i] == ' ' || text->p[i] == '\n'))
		i++;
	for (*v = 0; i < text->n && text->p[i] >= '0' && text->p[i] <= '9' && *v < UINT64_MAX / 20; i++) {
		*v = *v * 10 + (uint64_t)(text->p[i] - '0');
		found = true;
	}
	*text = (struct span){ text->p + i, text->n - i };
	return found && (text->n == 0 || *text->p == ' ' || *text->p == '\n');
}

struct hierarchy {
	const char *folder;         /* below the folder of mounts */
	const char *quota, *period; /* files, in microseconds; without `period`, the first has both numbers */
};

/* The quota of one group, rounded up; UINT_MAX: it has none. */
static unsigned int quota_of(const struct hierarchy *h, const char *group, size_t n, const char *mounts)
{
	char path[PATH_MAX], first[64], second[64];
	struct text t = text_fixed(path, sizeof path);
	struct span text;
	uint64_t quota, period, cpus;

	text_f(&t, "%s%s%.*s/%s", mounts, h->folder, (int)n, group, h->quota);
	if (t.failed || !read_start(first, sizeof first, &text, path) || !take_number(&text, &quota))
		return UINT_MAX;
	if (h->period) {
		t = text_fixed(path, sizeof path);
		text_f(&t, "%s%s%.*s/%s", mounts, h->folder, (int)n, group, h->period);
		if (t.failed || !read_start(second, sizeof second, &text, path))
			return UINT_MAX;
	}
	if (!take_number(&text, &period) || period == 0)
		return UINT_MAX;
	cpus = quota / period + (quota % period > 0);
	return cpus < 1 ? 1 : cpus < UINT_MAX ? (unsigned int)cpus : UINT_MAX;
}

/* The smallest quota of a group and those above it. A container may see only its own group, as the topmost one. */
static unsigned int smallest_quota(const struct hierarchy *h, const char *group, size_t n, const char *mounts)
{
	unsigned int least = UINT_MAX, quota;

	for (;;) {
		quota = quota_of(h, group, n, mounts);
		least = quota < least ? quota : least;
		if (n == 0)
			return least;
		while (n > 0 && group[n - 1] != '/')
			n--;
		n -= n > 0;
	}
}

/* Whether the list of controllers, separated by commas, has "cpu". */
static bool has_cpu(const char *p, const char *end)
{
	while (p < end) {
		const char *comma = memchr(p, ',', (size_t)(end - p)), *stop = comma ? comma : end;
		if (stop - p == 3 && memcmp(p, "cpu", 3) == 0)
			return true;
		p = stop + 1;
	}
	return false;
}

/* A line of /proc/self/cgroup: HIERARCHY:CONTROLLERS:GROUP. */
static unsigned int quota_of_line(const char *line, size_t n, const char *mounts)
{
	static const struct hierarchy v2 = { "", "cpu.max", NULL };
	static const struct hierarchy v1[] = { { "/cpu", "cpu.cfs_quota_us", "cpu.cfs_period_us" },
					       { "/cpu,cpuacct", "cpu.cfs_quota_us", "cpu.cfs_period_us" } };
	const char *controllers = memchr(line, ':', n), *group, *end = line + n;
	unsigned int least = UINT_MAX;

	group = controllers ? memchr(controllers + 1, ':', (size_t)(end - controllers - 1)) : NULL;
	if (!group || group + 1 == end || group[1] != '/')
		return UINT_MAX;
	n = (size_t)(end - group - 1);
	n = n == 1 ? 0 : n; /* "/" is the topmost group */
	if (group == controllers + 1)
		return smallest_quota(&v2, group + 1, n, mounts);
	for (size_t i = 0; i < ARRAY_LEN(v1) && has_cpu(controllers + 1, group); i++) {
		unsigned int quota = smallest_quota(&v1[i], group + 1, n, mounts);
		least = quota < least ? quota : least;
	}
	return least;
}

unsigned int cpu_quota(const char *membership, const char *mounts)
{
	char buffer[MEMBERSHIP_BYTES];
	unsigned int least = UINT_MAX;
	struct span text;

	if (!read_start(buffer, sizeof buffer, &text, membership))
		return 0;
	while (text.n > 0) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t n = end ? (size_t)(end - text.p) : text.n;
		unsigned int quota = quota_of_line(text.p, n, mounts);

		least = quota < least ? quota : least;
		n += end != NULL;
		text = (struct span){ text.p + n, text.n - n };
	}
	return least == UINT_MAX ? 0 : least;
}

unsigned int cpu_count_usable(void)
{
	unsigned int quota = cpu_quota("/proc/self/cgroup", "/sys/fs/cgroup"), n;
	cpu_set_t cpus;

	n = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? (unsigned int)CPU_COUNT(&cpus) : 1;
	return quota > 0 && quota < n ? quota : n > 0 ? n : 1;
}
