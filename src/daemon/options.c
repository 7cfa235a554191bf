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
static bool fd_variable(int *fd, const char *variable, struct text *why)
{
	const char *value = getenv(variable);
	uint64_t n;

	*fd = -1;
	if (!value || !*value)
		return true;
	if (span_to_u64(&n, span_of(value), INT_MAX) && fcntl((int)n, F_GETFD) >= 0) {
		*fd = n > STDERR_FILENO ? (int)n : fcntl((int)n, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		return true;
	}
	text_f(why, "%s: expected the number of an open file descriptor, found %s", variable, value);
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
	return threads_variable(&o->threads, why) && affinity_variable(&o->is_pinned, why) &&
	       fd_variable(&o->tun_fd, "WG_TUN_FD", why) && fd_variable(&o->uapi_fd, "WG_UAPI_FD", why);
}
