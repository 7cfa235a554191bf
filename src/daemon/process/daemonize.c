/* fork(2), the pipe between parent and child, and the standard streams. */
#include "daemonize.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "descriptors.h"
#include "log.h"

void daemonize_fill_streams(void)
{
	int null;

	do
		null = open("/dev/null", O_RDWR);
	while (null >= 0 && null <= STDERR_FILENO);
	if (null >= 0)
		close(null);
}

/* The process that started the daemon may wait for the end of inherited pipes and locks. */
static void close_others(int status_fd, const int *keep, size_t n)
{
	unsigned int from = STDERR_FILENO + 1;

	for (;;) {
		int next = status_fd >= (int)from ? status_fd : INT_MAX;
		for (size_t i = 0; i < n; i++)
			if (keep[i] >= (int)from && keep[i] < next)
				next = keep[i];
		if (next > (int)from)
			descriptors_close(from, next == INT_MAX ? UINT_MAX : (unsigned int)next - 1);
		if (next == INT_MAX)
			return;
		from = (unsigned int)next + 1;
	}
}

_Noreturn static void wait_for_child(int status_fd, pid_t child)
{
	char status[512];
	size_t n = 0;
	ssize_t k;
	int exit_status = 0;

	while (n < sizeof status) {
		k = read(status_fd, status + n, sizeof status - n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			break;
		n += (size_t)k;
	}
	if (n == 1 && status[0] == '\0')
		_exit(EXIT_SUCCESS);
	while (waitpid(child, &exit_status, 0) < 0 && errno == EINTR)
		;
	if (n > 0)
		log_error("%.*s", (int)n, status);
	else if (WIFSIGNALED(exit_status))
		log_error("killed by signal %d during startup", WTERMSIG(exit_status));
	else
		log_error("exited during startup");
	_exit(EXIT_FAILURE);
}

int daemonize_fork(const int *keep, size_t n)
{
	int status[2];
	pid_t child;

	if (pipe2(status, O_CLOEXEC) != 0 || (child = fork()) < 0) {
		log_error("cannot start in the background: %s", strerror(errno));
		return -1;
	}
	if (child > 0) {
		close(status[1]);
		wait_for_child(status[0], child);
	}
	close(status[0]);
	(void)setsid();
	if (chdir("/") != 0)
		log_verbose("cannot change to /: %s", strerror(errno));
	close_others(status[1], keep, n);
	return status[1];
}

bool daemonize_report(int status_fd, const char *error)
{
	size_t n = error[0] ? strlen(error) : 1;
	bool reported;

	if (status_fd < 0)
		return true;
	reported = write(status_fd, error, n) == (ssize_t)n;
	if (!reported)
		log_verbose("cannot report the result of the startup: the parent has exited");
	close(status_fd);
	return reported;
}

void daemonize_detach_streams(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	if (null > STDERR_FILENO)
		close(null);
}
