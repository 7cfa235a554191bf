/* The tracer. */
#include "tracer.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/vector.h"
#include "call_errors.h"

/* Results with which the kernel repeats a call that a signal interrupted: they never reach the program. */
enum { RESTART_FIRST = -516, RESTART_LAST = -512 };

struct trace {
	pid_t pid;
	const struct trace_fault *fault;
	struct trace_result *out;
	bool running;  /* after execve(2) */
	bool repeated; /* the next call is the repetition of the last one */
	bool at_fault; /* inside the call that fails, or after which the program is killed */
	long call;     /* the number of the present call */
	long end;      /* of the heap: brk(2) returns it when it fails */
};

static volatile sig_atomic_t expired;

static void handle_alarm(int number)
{
	(void)number;
	expired = 1;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* ---- registers ---- */

#if defined(__x86_64__)
static int change_registers(pid_t pid, bool skip, long result)
{
	struct user_regs_struct r;
	struct iovec v = { &r, sizeof r };

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v) < 0)
		return -errno;
	if (skip)
		r.orig_rax = (unsigned long long)-1;
	else
		r.rax = (unsigned long long)result;
	return ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &v) < 0 ? -errno : 0;
}
#elif defined(__aarch64__)
static int change_registers(pid_t pid, bool skip, long result)
{
	struct user_regs_struct r;
	int number = -1;
	struct iovec v = { &r, sizeof r }, call = { &number, sizeof number };

	if (skip)
		return ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &call) < 0 ? -errno : 0;
	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v) < 0)
		return -errno;
	r.regs[0] = (unsigned long long)result;
	return ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &v) < 0 ? -errno : 0;
}
#else
static int change_registers(pid_t pid, bool skip, long result)
{
	(void)pid, (void)skip, (void)result;
	return -ENOSYS;
}
#endif

static int skip_call(pid_t pid)
{
	return change_registers(pid, true, 0);
}

static int set_result(pid_t pid, long result)
{
	return change_registers(pid, false, result);
}

/* ---- system calls ---- */

static int note_number(struct trace_result *out, long number)
{
	if (!vector_reserve(&out->numbers, &out->cap, out->calls, sizeof *out->numbers))
		return -ENOMEM;
	out->numbers[out->calls - 1] = number;
	return 0;
}

static int enter(struct trace *t, long number)
{
	const struct trace_fault *f = t->fault;
	struct trace_result *out = t->out;
	struct call_error error;

	t->call = number;
	if (!t->running || t->repeated)
		return 0;
	out->calls++;
	if (f->action == TRACE_COUNT)
		return note_number(out, number);
	if (out->calls != f->at)
		return 0;
	t->at_fault = true;
	out->number = number;
	if (f->action == TRACE_KILL)
		return 0;
	error = call_error(number, f->variant);
	out->error = error.error;
	return error.error && !error.performed ? skip_call(t->pid) : 0;
}

/* 1: the program runs without the tracer from here on. */
static int leave(struct trace *t, long result)
{
	int r = 0;

	t->repeated = result >= RESTART_FIRST && result <= RESTART_LAST;
	if (!t->at_fault || t->repeated) {
		if (t->call == SYS_brk)
			t->end = result;
		return 0;
	}
	if (t->fault->action == TRACE_KILL)
		return kill(t->pid, SIGKILL) < 0 ? -errno : 0;
	if (t->out->error)
		r = set_result(t->pid, t->call == SYS_brk ? t->end : -t->out->error);
	return r < 0 ? r : 1;
}

static int handle_call(struct trace *t)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->pid, sizeof info, &info) < 0)
		return -errno;
	switch (info.op) {
	case PTRACE_SYSCALL_INFO_ENTRY: return enter(t, (long)info.entry.nr);
	case PTRACE_SYSCALL_INFO_EXIT: return leave(t, (long)info.exit.rval);
	}
	return 0;
}

/* ---- stops ---- */

/* Until the program has ended, or expires. */
static int wait_for(struct trace *t, int *status)
{
	while (waitpid(t->pid, status, __WALL) < 0) {
		if (errno != EINTR)
			return -errno;
		if (expired && !t->out->timed_out) {
			t->out->timed_out = true;
			kill(t->pid, SIGKILL);
		}
	}
	return 0;
}

/* The signal to be delivered when the program continues. */
static int signal_of(struct trace *t, int status)
{
	int number = WSTOPSIG(status);

	if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8)) {
		t->running = true; /* execve(2) itself returns next */
		return 0;
	}
	return number == SIGTRAP || number == SIGSTOP ? 0 : number;
}

static int follow(struct trace *t)
{
	bool attached = true;
	int status, r = wait_for(t, &status);

	if (r == 0 && WIFSTOPPED(status) &&
	    ptrace(PTRACE_SETOPTIONS, t->pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) < 0)
		r = -errno;
	while (r >= 0 && WIFSTOPPED(status)) {
		int number = 0;
		r = 0;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			r = handle_call(t);
		else
			number = signal_of(t, status);
		if (r == -ESRCH)
			r = 0; /* it was killed */
		if (r == 1)
			attached = false;
		if (r >= 0 && ptrace(attached ? PTRACE_SYSCALL : PTRACE_DETACH, t->pid, 0, number) < 0 && errno != ESRCH)
			r = -errno;
		if (r >= 0)
			r = wait_for(t, &status);
	}
	if (r < 0)
		return r;
	t->out->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return 0;
}

static void start(const char *const argv[], int output_fd)
{
	int null = open("/dev/null", O_RDONLY);

	dup2(null, STDIN_FILENO);
	dup2(output_fd, STDOUT_FILENO);
	dup2(output_fd, STDERR_FILENO);
	if (null > STDERR_FILENO)
		close(null);
	if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
		_exit(126);
	raise(SIGSTOP);
	execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

int trace_run(struct trace_result *out, const char *const argv[], int output_fd, const struct trace_fault *f,
	      unsigned int limit_s)
{
	struct sigaction on_alarm = { .sa_handler = handle_alarm };
	struct itimerval limit = { .it_value.tv_sec = limit_s, .it_interval.tv_usec = 100000 }, off = { 0 };
	struct trace t = { .fault = f, .out = out };
	uint64_t began = now_ns();
	int r;

	*out = (struct trace_result){ .number = -1, .numbers = out->numbers, .cap = out->cap };
	expired = 0;
	t.pid = fork();
	if (t.pid < 0)
		return -errno;
	if (t.pid == 0)
		start(argv, output_fd);
	sigaction(SIGALRM, &on_alarm, NULL);
	setitimer(ITIMER_REAL, &limit, NULL);
	r = follow(&t);
	setitimer(ITIMER_REAL, &off, NULL);
	out->ns = now_ns() - began;
	return r;
}
