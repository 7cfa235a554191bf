/* The first process of the namespaces of `run`. Like the command, it is in the caller's process group, so signals of the
 * terminal and of kill(2) to the group reach the command directly; it blocks them. It forwards to the command the signals that
 * only the process outside received. */
#include "run_first.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "hooks.h"
#include "process.h"
#include "quick/plan/print.h"
#include "report/report.h"
#include "run_channel.h"
#include "run_namespaces.h"
#include "run_tun.h"
#include "step_batch.h"

enum { SIGNALS = 65, GROUP_SIGNAL_MS = 1000, FILES_CHECKS = 10, FILES_CHECK_MS = 50 };

struct first {
	const struct run_request *r;
	const struct run_inherited *inherited;
	int channel, signals;
	pid_t command;
	int status;                   /* of the command; -1: it runs */
	uint64_t received_ms[SIGNALS]; /* when a process last sent this signal to the group; 0: never */
};

static void drop_or_exit(void)
{
	int r = run_namespaces_drop_capabilities();

	if (r == 0)
		return;
	report_error("cannot give up the capabilities: %s", strerror(-r));
	_exit(RUN_FAILED);
}

/* ---- the link ---- */

struct messages {
	const struct plan *p;
	int error; /* the last */
};

static void batch_failed(void *ctx, const struct step *s, int error, const char *why)
{
	struct messages *b = ctx;
	struct text what = text_heap();

	b->error = error;
	if (s)
		step_describe(&what, b->p, s);
	report_error("cannot %s: %s", what.p ? what.p : "set up the link", why ? why : strerror(-error));
	text_heap_free(&what);
}

static int perform_messages(struct rtnetlink *rt, struct plan *p, uint32_t ifindex)
{
	struct command_trace trace;
	struct messages b = { .p = p };
	struct step_batch batch = { .rtnetlink = rt, .trace = &trace, .plan = p, .ifindex = ifindex,
				    .failed = batch_failed, .ctx = &b };

	command_trace_init(&trace, STDERR_FILENO);
	trace.silent = true;
	for (size_t i = 0; i < p->n && b.error == 0; i++)
		if (step_is_message(&p->steps[i]))
			step_batch_add(&batch, i);
	if (b.error == 0)
		step_batch_send(&batch);
	step_batch_finish(&batch);
	command_trace_flush(&trace);
	command_trace_free(&trace);
	return b.error;
}

static int set_up_link(struct plan *p, struct rtnetlink *rt)
{
	struct link_info link;
	int r = rtnetlink_link_find(rt, p->name, 0, &link);

	if (r == 0)
		return perform_messages(rt, p, link.index);
	report_error("cannot find the TUN device: %s", strerror(-r));
	return r;
}

static int set_up_loopback(struct rtnetlink *rt)
{
	enum { LOOPBACK = 1 };
	char why[128];
	int r = rtnetlink_open(rt);

	if (r == 0)
		r = rtnetlink_send(rt, rtnetlink_build_link_up(LOOPBACK, 0, true), why);
	return r < 0 ? run_namespaces_refused("set the loopback link up", r) : 0;
}

/* ---- hooks ---- */

/* In a process without capabilities, as the command. False after reporting. */
static bool perform_hook(const struct first *f, enum hook_phase phase, const char *text)
{
	const char *name = f->r->plan->name;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		drop_or_exit();
		sigprocmask(SIG_SETMASK, &f->inherited->mask, NULL);
		process_set_environment();
		status = hook_run(text, name, "", f->r->config);
		if (status < 0)
			report_error("cannot run %s: %s", hook_phase_names[phase], strerror(-status));
		else if (status > 0)
			report_error("%s failed with status %d: %s", hook_phase_names[phase], status, text);
		_exit(status ? 1 : 0);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && status == 0;
}

static bool perform_hooks(const struct first *f, enum hook_phase phase)
{
	const struct string_list *hooks = f->r->hooks;
	bool ok = true;

	for (size_t i = 0; hooks && ok && i < hooks[phase].n; i++)
		ok = perform_hook(f, phase, hooks[phase].list[i]) || phase == HOOK_PRE_DOWN || phase == HOOK_POST_DOWN;
	return ok;
}

/* ---- the command ---- */

_Noreturn static void exec_command(const struct first *f)
{
	char *const *argv = f->r->argv;
	int error;

	drop_or_exit();
	sigaction(SIGCHLD, &f->inherited->child, NULL);
	sigprocmask(SIG_SETMASK, &f->inherited->mask, NULL);
	execvp(argv[0], argv);
	error = errno;
	report_error("cannot run %s: %s", argv[0], strerror(error));
	_exit(error == ENOENT ? RUN_NOT_FOUND : RUN_NOT_EXECUTABLE);
}

/* A reader of the command's output must see its end although these processes still run. */
static void detach(const int *keep, size_t n)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	run_close_others(keep, n);
}


/* ---- the loop ---- */

static void reap(struct first *f)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (pid != f->command)
			continue;
		if (WIFSTOPPED(status))
			run_channel_send(f->channel, &(struct run_message){ .kind = RUN_PAUSED, .value = WSTOPSIG(status) });
		else
			f->status = status;
	}
}

static void read_signals(struct first *f)
{
	struct signalfd_siginfo info;

	while (read(f->signals, &info, sizeof info) == (ssize_t)sizeof info)
		if (info.ssi_code <= 0 && info.ssi_signo < SIGNALS) /* by a process, not by the terminal */
			f->received_ms[info.ssi_signo] = clock_boot_ms();
}

/* The process outside received it. So did the command, if it was sent to the group. */
static void forward(struct first *f, int number)
{
	uint64_t *received_ms;

	if (number <= 0 || number >= SIGNALS)
		return;
	received_ms = &f->received_ms[number];
	read_signals(f);
	if (*received_ms == 0 || clock_boot_ms() > *received_ms + GROUP_SIGNAL_MS)
		kill(f->command, number);
	*received_ms = 0;
}

/* Signals that the group received before the command was in it are sent to it afterwards. */
static bool start_command(struct first *f)
{
	struct signalfd_siginfo info;
	bool early[SIGNALS] = { false };

	while (read(f->signals, &info, sizeof info) == (ssize_t)sizeof info)
		if (info.ssi_signo < SIGNALS && info.ssi_signo != SIGCHLD) {
			early[info.ssi_signo] = true;
			f->received_ms[info.ssi_signo] = info.ssi_code <= 0 ? clock_boot_ms() : 0;
		}
	f->status = -1;
	f->command = fork();
	if (f->command == 0)
		exec_command(f);
	if (f->command < 0)
		report_error("cannot start a process: %s", strerror(errno));
	for (int number = 1; f->command > 0 && number < SIGNALS; number++)
		if (early[number])
			kill(f->command, number);
	return f->command > 0;
}

/* Returns when the command has ended. Ends when the process outside has. */
static void wait_for_command(struct first *f)
{
	int mounts = run_files_watch(), checks = 0; /* the kernel removes a mount before the file is replaced */

	while (reap(f), f->status < 0) {
		struct pollfd p[] = { { .fd = f->channel, .events = POLLIN }, { .fd = f->signals, .events = POLLIN },
				      { .fd = mounts, .events = POLLPRI } };
		struct run_message m;
		int r = poll(p, ARRAY_LEN(p), checks > 0 ? FILES_CHECK_MS : -1);
		if (r < 0 && errno != EINTR)
			_exit(RUN_FAILED);
		checks = r > 0 && p[2].revents ? FILES_CHECKS : r == 0 ? checks - 1 : checks;
		if (p[1].revents)
			read_signals(f);
		if (checks > 0)
			run_files_mount_again();
		if (!p[0].revents)
			continue;
		if (run_channel_receive(f->channel, &m) < 0)
			_exit(RUN_FAILED);
		if (m.kind == RUN_SIGNAL)
			forward(f, m.value);
	}
}

static int send_device(const struct first *f)
{
	struct run_message m = { .kind = RUN_READY };
	struct run_device d;
	int r = run_tun_open(&d, f->r->plan->name);

	if (r < 0)
		return r;
	for (size_t i = 0; i < RUN_SOCKETS; i++)
		if (d.sockets[i] >= 0)
			m.fds[m.n_fds++] = d.sockets[i];
	m.value = (int)m.n_fds;
	for (size_t i = 0; i < d.n_queues; i++)
		m.fds[m.n_fds++] = d.queues[i];
	r = run_channel_send(f->channel, &m);
	for (size_t i = 0; i < m.n_fds; i++)
		close(m.fds[i]); /* the device ends with the daemon and the process outside */
	return r;
}

/* 0, or -errno after reporting; -EPIPE: the process outside has reported. */
static int set_up(struct first *f, struct rtnetlink *rt)
{
	struct run_message m;
	int r = run_namespaces_map();

	if (r == 0)
		r = set_up_loopback(rt);
	if (r == 0)
		r = send_device(f);
	if (r == 0)
		r = run_files_mount(&f->r->files);
	if (r == 0 && !perform_hooks(f, HOOK_PRE_UP))
		r = -ECANCELED;
	if (r == 0)
		r = run_channel_receive(f->channel, &m);
	if (r == 0)
		r = set_up_link(f->r->plan, rt);
	if (r == 0 && !perform_hooks(f, HOOK_POST_UP))
		r = -ECANCELED;
	return r;
}

_Noreturn void run_first_process(const struct run_request *r, const struct run_inherited *inherited, int channel)
{
	struct first f = { .r = r, .inherited = inherited, .channel = channel };
	struct rtnetlink rt = { 0 };
	sigset_t all;

	sigfillset(&all);
	f.signals = signalfd(-1, &all, SFD_NONBLOCK | SFD_CLOEXEC);
	if (f.signals < 0 || set_up(&f, &rt) < 0)
		_exit(RUN_FAILED);
	rtnetlink_close(&rt);
	/* Afterwards: mapping the user and the capabilities of the new namespace clear it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!start_command(&f))
		_exit(RUN_FAILED);
	if (!r->hooks)
		detach((const int[]){ channel, f.signals }, 2);
	wait_for_command(&f);
	(void)perform_hooks(&f, HOOK_PRE_DOWN);
	(void)perform_hooks(&f, HOOK_POST_DOWN);
	run_channel_send(channel, &(struct run_message){ .kind = RUN_ENDED, .value = f.status });
	_exit(0);
}
