/* Provoking a failed assertion in a child process. */
#include "aborts.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

bool aborts(void (*f)(void *ctx), void *ctx)
{
	struct rlimit none = { 0, 0 };
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		(void)setrlimit(RLIMIT_CORE, &none);
		(void)signal(SIGABRT, SIG_DFL); /* cmocka has a handler */
		close(STDERR_FILENO);
		f(ctx);
		_exit(EXIT_SUCCESS);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
#ifdef __SANITIZE_THREAD__ /* it may report the misuse first, and then ends the process with this status */
	if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 66)
		return true;
#endif
	return child > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}
