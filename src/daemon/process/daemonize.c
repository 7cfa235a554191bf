/* fork(2), the pipe between parent and child, and the streams. */
#include "daemonize.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "daemon/threads/threads.h"
#include "log.h"

void start_fill_streams(void)
{
	int null;

	do
		null = open("/dev/null", O_RDWR);
	while (null >= 0 && null <= STDERR_FILENO);
	if (null >= 0)
		close(null);
}

/* One in the place of a standard stream gets another number: that place is taken in the background. */
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
	text_f(why, "%s is no open file descriptor", variable);
	return false;
}

static bool threads_variable(unsigned int *threads, struct text *why)
{
	const char *value = getenv("WG_THREADS");
	uint64_t n;

	*threads = crew_default();
	if (!value || !*value)
		return true;
	if (!span_to_u64(&n, span_of(value), CREW_MAX)) {
		text_f(why, "WG_THREADS is no number from 0 to %d", CREW_MAX);
		return false;
	}
	*threads = (unsigned int)n;
	return true;
}

bool start_environment(struct start *s, struct text *why)
{
	const char *foreground = getenv("WG_PROCESS_FOREGROUND"), *cpu = getenv("WG_CPU");

	s->foreground |= foreground && strcmp(foreground, "1") == 0;
	s->log_level = getenv("LOG_LEVEL");
	if (!offload_off_of(&s->off, getenv("WG_NO_OFFLOAD"))) {
		text_add(why, "WG_NO_OFFLOAD: the words are vnet tso uso join segment gro mmsg split");
		return false;
	}
	if (!tunnel_use_cpu(cpu)) {
		text_add(why, "WG_CPU: the words are generic, or ssse3 avx2 bmi2 adx avx512 ifma neon");
		return false;
	}
	sum_choose(cpu && *cpu && strcmp(cpu, "auto") != 0);
	return threads_variable(&s->threads, why) && fd_variable(&s->tun_fd, "WG_TUN_FD", why) &&
	       fd_variable(&s->uapi_fd, "WG_UAPI_FD", why);
}

/* Whoever started us may wait for the end of what we would hold open: pipes, locks. */
static void close_others(const int *keep, size_t n)
{
	unsigned int from = STDERR_FILENO + 1;

	for (;;) {
		int next = INT_MAX;
		for (size_t i = 0; i < n; i++)
			if (keep[i] >= (int)from && keep[i] < next)
				next = keep[i];
		if (next > (int)from &&
		    close_range(from, next == INT_MAX ? UINT_MAX : (unsigned int)next - 1, 0) != 0)
			log_verbose("inherited descriptors stay open: %s", strerror(errno));
		if (next == INT_MAX)
			return;
		from = (unsigned int)next + 1;
	}
}

static void parent_waits(int word_fd, pid_t child)
{
	char word[512];
	size_t n = 0;
	ssize_t k;
	int status = 0;

	while (n < sizeof word) {
		k = read(word_fd, word + n, sizeof word - n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			break;
		n += (size_t)k;
	}
	if (n == 1 && word[0] == '\0')
		_exit(EXIT_SUCCESS);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (n > 0)
		log_error("%.*s", (int)n, word);
	else if (WIFSIGNALED(status))
		log_error("ended by signal %d", WTERMSIG(status));
	else
		log_error("ended while it started");
	_exit(EXIT_FAILURE);
}

int start_fork(const struct start *s)
{
	int word[2];
	pid_t child;

	if (pipe2(word, O_CLOEXEC) != 0 || (child = fork()) < 0) {
		log_error("cannot start in the background: %s", strerror(errno));
		return -1;
	}
	if (child > 0) {
		close(word[1]);
		parent_waits(word[0], child);
	}
	close(word[0]);
	(void)setsid();
	if (chdir("/") != 0)
		log_verbose("chdir: %s", strerror(errno));
	close_others((const int[]){ word[1], s->tun_fd, s->uapi_fd }, 3);
	return word[1];
}

void start_report(int word_fd, const char *error)
{
	size_t n = error[0] ? strlen(error) : 1;

	if (word_fd < 0)
		return;
	if (write(word_fd, error, n) != (ssize_t)n)
		log_verbose("the one who started us is gone");
	close(word_fd);
}

void start_detach_streams(const struct start *s)
{
	bool silent = log_level_of(s->log_level) == LOG_SILENT || !s->log_level || !*s->log_level;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	dup2(null, STDIN_FILENO);
	if (silent) {
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
	}
	if (null > STDERR_FILENO)
		close(null);
}

void start_notify(void)
{
	static const char ready[] = "READY=1";
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = path ? strlen(path) : 0;
	int fd;

	if (n == 0 || n >= sizeof a.sun_path || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(a.sun_path, path, n);
	if (path[0] == '@')
		a.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, ready, sizeof ready - 1, MSG_NOSIGNAL, (struct sockaddr *)&a,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
		log_verbose("NOTIFY_SOCKET: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}
