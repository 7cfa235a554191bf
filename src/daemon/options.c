/* The environment variables of wireguardd. */
#include "options.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>
#include "daemon/io/checksum.h"
#include "daemon/io/offload_disable.h"
#include "daemon/threads/threads.h"

/* A descriptor with the number of a standard stream is duplicated: daemonize_detach_streams replaces the
 * streams. */
static bool read_fd(int *fd, struct span number)
{
	uint64_t n;

	if (!span_to_u64(&n, number, INT_MAX) || fcntl((int)n, F_GETFD) < 0)
		return false;
	*fd = n > STDERR_FILENO ? (int)n : fcntl((int)n, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return true;
}

static bool fd_variable(int *fd, const char *variable, struct text *why)
{
	const char *value = getenv(variable);

	*fd = -1;
	if (!value || !*value || read_fd(fd, span_of(value)))
		return true;
	text_f(why, "%s: expected the number of an open file descriptor, found %s", variable, value);
	return false;
}

/* Up to n numbers, separated by commas; what is not set is -1. */
static bool fds_variable(int *fds, size_t n, const char *variable, struct text *why)
{
	const char *value = getenv(variable);
	struct span rest = span_of(value ? value : ""), number;
	size_t i = 0;

	for (size_t k = 0; k < n; k++)
		fds[k] = -1;
	while (rest.n > 0 && span_next(&number, &rest, ',')) {
		if (i == n || !read_fd(&fds[i], number)) {
			text_f(why, "%s: expected the numbers of at most %zu open file descriptors, found %s", variable, n,
			       value);
			return false;
		}
		i++;
	}
	return true;
}

static bool tun_variable(struct options *o, struct text *why)
{
	int fds[1 + ARRAY_LEN(o->queue_fds)];

	if (!fds_variable(fds, ARRAY_LEN(fds), "WG_TUN_FD", why))
		return false;
	o->tun_fd = fds[0];
	memcpy(o->queue_fds, fds + 1, sizeof o->queue_fds);
	return true;
}

static bool link_variable(struct options *o, struct text *why)
{
	if (!fds_variable(o->link_fds, LINK_FDS, "WG_LINK_FDS", why))
		return false;
	if (o->link_fds[LINK_FD_EVENTS] < 0 || (o->tun_fd >= 0 && o->link_fds[LINK_FD_REQUESTS] >= 0))
		return true;
	text_add(why, "WG_LINK_FDS: expected two sockets of rtnetlink, in the network namespace of the device of WG_TUN_FD");
	return false;
}

static bool threads_variable(unsigned int *threads, struct text *why)
{
	const char *value = getenv("WG_THREADS");
	uint64_t n;

	*threads = threads_default();
	if (!value || !*value)
		return true;
	if (!span_to_u64(&n, span_of(value), THREADS_MAX)) {
		text_f(why, "WG_THREADS: expected a number from 0 to %d, found %s", THREADS_MAX, value);
		return false;
	}
	*threads = (unsigned int)n;
	return true;
}

static bool affinity_variable(bool *is_pinned, struct text *why)
{
	const char *value = getenv("WG_AFFINITY");

	*is_pinned = value && strcmp(value, "cpu") == 0;
	if (*is_pinned || !value || !*value || strcmp(value, "none") == 0)
		return true;
	text_f(why, "WG_AFFINITY: expected none or cpu, found %s", value);
	return false;
}

bool options_from_environment(struct options *o, struct text *why)
{
	const char *foreground = getenv("WG_PROCESS_FOREGROUND"), *cpu = getenv("WG_CPU");
	const char *no_offload = getenv("WG_NO_OFFLOAD");

	o->foreground |= foreground && strcmp(foreground, "1") == 0;
	o->log_file = getenv("WG_LOG_FILE");
	if (!offload_disable_parse(&o->disabled_offloads, no_offload)) {
		text_f(why, "WG_NO_OFFLOAD: expected vnet, tso, uso, join, segment, gro, mmsg, split, tunnel or queues, found %s",
		       no_offload);
		return false;
	}
	if (!tunnel_use_cpu(cpu)) {
		text_f(why, "WG_CPU: expected auto, generic, or ssse3, avx2, bmi2, adx, avx512, ifma or neon, found %s",
		       cpu);
		return false;
	}
	checksum_select(cpu && *cpu && strcmp(cpu, "auto") != 0);
	return threads_variable(&o->threads, why) && affinity_variable(&o->is_pinned, why) && tun_variable(o, why) &&
	       fd_variable(&o->uapi_fd, "WG_UAPI_FD", why) && link_variable(o, why);
}
