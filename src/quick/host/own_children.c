/* Child processes that run commands of this program. */
#include "own_children.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "signals.h"

static sigset_t child_signal(void)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGCHLD);
	return s;
}

void own_children_block_signal(void)
{
	sigset_t s = child_signal();

	sigprocmask(SIG_BLOCK, &s, NULL);
}

static void ready(struct event_source *s)
{
	struct own_children *c = container_of(s, struct own_children, source);
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	while (read(s->fd, &info, sizeof info) == (ssize_t)sizeof info)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		c->ended(c, pid, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int own_children_open(struct own_children *c, struct event_loop *l)
{
	sigset_t s = child_signal();
	int fd = signalfd(-1, &s, SFD_NONBLOCK | SFD_CLOEXEC), r;

	c->source = (struct event_source){ .fd = -1, .ready = ready };
	c->loop = l;
	if (fd < 0)
		return -errno;
	r = event_loop_add(l, &c->source, fd);
	if (r < 0)
		close(fd);
	return r;
}

void own_children_close(struct own_children *c)
{
	int fd = c->loop ? event_loop_remove(c->loop, &c->source) : -1;

	if (fd >= 0)
		close(fd);
}

pid_t own_children_start(const char *const argv[])
{
	pid_t parent = getpid(), pid = fork();
	sigset_t none;

	if (pid != 0)
		return pid < 0 ? -errno : pid;
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(127); /* it died before prctl(2) */
	signals_restore();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
	_exit(errno == ENOENT ? 127 : 126);
}

void own_children_stop(pid_t pid)
{
	kill(pid, SIGTERM);
}
