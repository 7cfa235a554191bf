/* The process of `run` outside the namespaces: it starts the daemon, and represents the command to the caller. */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "report/report.h"
#include "run_channel.h"
#include "run_daemon.h"
#include "run_first.h"
#include "run_namespaces.h"

enum { RESTART_MS = 1000, RESTART_MAX_MS = 60000 };

struct run {
	const struct run_request *r;
	struct run_device device;
	struct run_daemon daemon;
	uint64_t daemon_started_ms;
	uint64_t restart_ms; /* after its start, before another one; doubled each time it ends sooner */
	int channel, signals;
	pid_t first;  /* the first process of the namespaces; 0: it has ended */
	int status;   /* of the command, or of that process, as wait(2) has it; -1: not known */
	bool ended;   /* the status is that of the command */
	bool connected; /* the daemon was ready for the first time, and the command was begun */
	bool cancelled; /* by a signal before that */
	uint64_t early; /* bit per signal that came before that */
	bool in_foreground; /* the terminal was the caller's process group's */
};

/* ---- start ---- */

static int receive_device(struct run *run)
{
	struct run_message m;
	size_t sockets;
	int r = run_channel_receive(run->channel, &m);

	if (r < 0)
		return r;
	sockets = (size_t)m.value;
	if (m.kind != RUN_READY || sockets < 2 || sockets > RUN_SOCKETS || m.n_fds <= sockets ||
	    m.n_fds - sockets > RUN_QUEUES_MAX)
		return -EPROTO;
	run->device = (struct run_device){ .sockets = { -1, -1, -1, -1 }, .n_queues = m.n_fds - sockets };
	memcpy(run->device.sockets, m.fds, sockets * sizeof m.fds[0]);
	memcpy(run->device.queues, m.fds + sockets, run->device.n_queues * sizeof m.fds[0]);
	return 0;
}

static int start_daemon(struct run *run)
{
	uint64_t now_ms = clock_boot_ms(), twice_ms = 2 * run->restart_ms;
	struct wg_binding binding = *run->r->binding;

	binding.may_be_missing = run->daemon_started_ms > 0; /* again: it was there before */

	if (now_ms > run->daemon_started_ms + RESTART_MAX_MS)
		run->restart_ms = RESTART_MS;
	else
		run->restart_ms = twice_ms < RESTART_MAX_MS ? twice_ms : RESTART_MAX_MS;
	run->daemon_started_ms = now_ms;
	return run_daemon_start(&run->daemon, &run->device, run->r->device, &binding, run->r->settings);
}

/* The other process keeps open what was passed to the command, as long as it needs it. The keys are not in a core file. */
static void detach(struct run *run)
{
	int keep[3 + RUN_QUEUES_MAX + RUN_SOCKETS] = { run->channel, run->signals, run->daemon.log };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct rlimit none = { 0, 0 };
	size_t n = 3;

	for (size_t i = 0; i < run->device.n_queues; i++)
		keep[n++] = run->device.queues[i];
	for (size_t i = 0; i < RUN_SOCKETS; i++)
		keep[n++] = run->device.sockets[i];
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
	}
	run_close_others(keep, n);
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* 0, or -errno after reporting; -EPIPE: the other process has ended, and reported. */
static int start(struct run *run)
{
	int r = receive_device(run);

	if (r == 0)
		r = start_daemon(run);
	if (r == 0)
		detach(run);
	return r;
}

/* ---- signals ---- */

static void send_signal(struct run *run, int number)
{
	run_channel_send(run->channel, &(struct run_message){ .kind = RUN_SIGNAL, .value = number });
}

/* The shell sees this process stop as it would see the command. The signal may be ignored where the command's was not, in an
 * orphaned process group. */
static void stop(struct run *run, int number)
{
	struct sigaction def = { .sa_handler = SIG_DFL }, before;
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, number);
	sigaction(number, &def, &before);
	kill(getpid(), number);
	sigprocmask(SIG_UNBLOCK, &one, NULL); /* stops here */
	sigprocmask(SIG_BLOCK, &one, NULL);
	sigaction(number, &before, NULL);
	(void)run;
}

/* Before there is a command, the signal does to this process what it would do to the command, or waits for it. */
static void take_early(struct run *run, int number)
{
	if (number == SIGINT || number == SIGTERM || number == SIGHUP || number == SIGQUIT) {
		run->cancelled = true;
		run->status = number; /* as wait(2) has it */
	} else if (number < 64) {
		run->early |= (uint64_t)1 << number;
	}
}

/* A signal of the terminal reached the whole group; the command has it already. */
static void read_signals(struct run *run)
{
	struct signalfd_siginfo info;

	while (read(run->signals, &info, sizeof info) == (ssize_t)sizeof info) {
		if (info.ssi_signo == SIGCHLD)
			continue;
		if (!run->connected)
			take_early(run, (int)info.ssi_signo);
		else if (info.ssi_code <= 0)
			send_signal(run, (int)info.ssi_signo);
	}
}

static void connect_command(struct run *run)
{
	run->connected = run_channel_send(run->channel, &(struct run_message){ .kind = RUN_CONNECT }) == 0;
	for (int i = 1; run->connected && i < 64; i++)
		if (run->early & (uint64_t)1 << i)
			send_signal(run, i);
}

static void reap(struct run *run)
{
	int status, r = run_daemon_reap(&run->daemon);

	if (r == -ECHILD)
		report_warning("wireguardd exited: starting it again");
	if (r < 0 && !run->connected) {
		close(run->channel); /* so that the other process ends */
		run->channel = -1;
	}
	if (run->daemon.is_ready && !run->connected && run->channel >= 0)
		connect_command(run);
	if (run->first > 0 && waitpid(run->first, &status, WNOHANG) == run->first) {
		run->first = 0;
		if (!run->ended)
			run->status = status;
	}
}

/* ---- the loop ---- */

/* A message that came before the other process ended is read, too. */
static void read_channel(struct run *run)
{
	struct run_message m;
	int r = run_channel_receive(run->channel, &m);

	if (r < 0) {
		close(run->channel);
		run->channel = -1;
		return;
	}
	if (m.kind == RUN_PAUSED)
		stop(run, m.value);
	if (m.kind == RUN_ENDED) {
		run->ended = true;
		run->status = m.value;
	}
}

/* Meanwhile the device has no reader, and nothing leaves. */
static int restart_wait_ms(const struct run *run)
{
	uint64_t now_ms = clock_boot_ms(), due_ms = run->daemon_started_ms + run->restart_ms;

	return run->daemon.pid > 0 || run->ended || !run->connected ? -1 : due_ms > now_ms ? (int)(due_ms - now_ms) : 0;
}

static void wait_for_end(struct run *run)
{
	while ((run->first > 0 || run->channel >= 0) && !run->cancelled) {
		struct pollfd p[] = { { .fd = run->channel, .events = POLLIN }, { .fd = run->signals, .events = POLLIN },
				      { .fd = run->daemon.log, .events = POLLIN } };
		int r = poll(p, ARRAY_LEN(p), restart_wait_ms(run));
		if (r < 0 && errno != EINTR)
			return;
		if (r > 0 && p[1].revents) {
			read_signals(run);
			reap(run);
		}
		if (r > 0 && p[2].revents && run->daemon.log >= 0)
			run_daemon_read_log(&run->daemon);
		if (r > 0 && p[0].revents)
			read_channel(run);
		if (restart_wait_ms(run) == 0)
			(void)start_daemon(run);
	}
}

/* ---- end ---- */

/* -1: this process has no terminal. */
static int open_terminal(void)
{
	return open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
}

static bool is_in_foreground(void)
{
	int tty = open_terminal();
	bool yes = tty >= 0 && tcgetpgrp(tty) == getpgrp();

	if (tty >= 0)
		close(tty);
	return yes;
}

/* A shell leaves the terminal to the process group that had it before. The caller's has no number in the process namespace of
 * the command. */
static void return_to_foreground(void)
{
	int tty = open_terminal();

	if (tty < 0)
		return;
	(void)tcsetpgrp(tty, getpgrp()); /* with SIGTTOU blocked */
	close(tty);
}

static void end_first(struct run *run)
{
	if (run->channel >= 0)
		close(run->channel);
	if (run->first <= 0)
		return;
	if ((run->status < 0 || run->cancelled) && waitpid(run->first, NULL, WNOHANG) == 0)
		kill(run->first, SIGKILL);
	while (waitpid(run->first, NULL, 0) < 0 && errno == EINTR)
		;
}

/* In the parent and in the child. */
static int begin(struct run *run, struct run_inherited *inherited, int channel[2])
{
	struct sigaction def = { .sa_handler = SIG_DFL };
	sigset_t all;
	int r = run_channel_open(channel);

	if (r < 0)
		return r;
	run->in_foreground = is_in_foreground();
	sigfillset(&all);
	sigaction(SIGCHLD, &def, &inherited->child);
	sigprocmask(SIG_SETMASK, &all, &inherited->mask);
	run->signals = signalfd(-1, &all, SFD_NONBLOCK | SFD_CLOEXEC);
	return run->signals < 0 ? -errno : 0;
}

int run_request_perform(const struct run_request *r)
{
	struct run run = { .r = r, .daemon = { .log = -1 }, .channel = -1, .status = -1,
			   .restart_ms = RESTART_MS / 2 };
	struct run_inherited inherited;
	int channel[2], error = begin(&run, &inherited, channel);

	if (error < 0) {
		report_error("cannot begin: %s", strerror(-error));
		return -1;
	}
	run.first = run_namespaces_fork();
	if (run.first < 0)
		return -1;
	if (run.first == 0) {
		close(run.signals);
		close(channel[0]);
		run_first_process(r, &inherited, channel[1]);
	}
	close(channel[1]);
	run.channel = channel[0];
	if (start(&run) == 0)
		wait_for_end(&run);
	end_first(&run);
	run_daemon_end(&run.daemon);
	if (run.in_foreground)
		return_to_foreground();
	return run.status;
}

/* Shells report 128 + the signal, and act on the signal itself. */
int run_end_as(int status)
{
	struct sigaction def = { .sa_handler = SIG_DFL };
	struct rlimit none = { 0, 0 };
	sigset_t one;
	int number;

	if (status < 0)
		return RUN_FAILED;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	number = WTERMSIG(status);
	(void)setrlimit(RLIMIT_CORE, &none);
	sigaction(number, &def, NULL);
	kill(getpid(), number);
	sigemptyset(&one);
	sigaddset(&one, number);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	return 128 + number;
}
