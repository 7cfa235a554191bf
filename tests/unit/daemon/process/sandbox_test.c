/* A process in the sandbox: the calls it can still make, those that fail, and those that kill it. Each case in
 * a child. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <cmocka.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/base.h"
#include "daemon/process/sandbox.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define INSTRUMENTED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define INSTRUMENTED 1
#endif
#endif
#ifndef INSTRUMENTED
#define INSTRUMENTED 0
#endif

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif

static char dir[64];

/* Runs f in a child in the sandbox. Returns its result, or the negative number of the signal that killed it. */
static int in_sandbox(int (*f)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		sandbox_prepare();
		sandbox_lock_memory();
		sandbox_enter(&(struct sandbox_folders){ dir, "/nonexistent" });
		sandbox_restrict_syscalls();
		_exit(f());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int runs_a_program(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return 1;
}

static int reads_a_file(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
}

static int makes_a_file(void)
{
	char path[80];

	snprintf(path, sizeof path, "%s/made", dir);
	return open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600) >= 0;
}

static int opens_with_open(void)
{
#ifdef SYS_open
	return syscall(SYS_open, "/etc/passwd", O_RDONLY) >= 0;
#else
	return (int)syscall(SYS_openat2, -1, "/etc/passwd", NULL, 0);
#endif
}

static int traces(void)
{
	return syscall(SYS_ptrace, 0, 0, 0, 0) == 0;
}

static int mounts(void)
{
	return syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL) == 0;
}

static int unshares(void)
{
	return unshare(CLONE_NEWNET) == 0;
}

static int connects(void)
{
	return connect(0, NULL, 0) == 0;
}

static void some_calls_kill_the_process(void **state)
{
	static int (*const attempts[])(void) = {
		runs_a_program, reads_a_file, makes_a_file, opens_with_open,
		traces, mounts, unshares, connects,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(attempts); i++)
		if (in_sandbox(attempts[i]) != -SIGSYS)
			fail_msg("attempt %zu did not kill the process", i);
}

/* 0: every attempt was refused. */
static int is_refused(void)
{
	char path[80];
	int r = 0;

	r |= open("/etc/hostname", O_WRONLY | O_CLOEXEC) >= 0; /* by Landlock, where available */
	r |= (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED) << 1;
	r |= (setns(0, CLONE_NEWNS) == 0 || errno != ENOSYS) << 2;
	r |= (syscall(SYS_getdents64, 0, NULL, 0) == 0 || errno != ENOSYS) << 3;
	r |= (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0) << 4;
	snprintf(path, sizeof path, "%s-outside", dir);
	r |= (unlink(path) == 0) << 5;
	return r;
}

static void other_calls_fail(void **state)
{
	char path[80];
	bool landlock = syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0;
	int refused;

	(void)state;
	snprintf(path, sizeof path, "%s-outside", dir);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	refused = in_sandbox(is_refused);
	assert_int_equal(landlock ? refused : refused & ~(1 | 1 << 5), 0);
	assert_int_equal(unlink(path), 0);
}

static int ends[2], timer; /* a pair of sockets, and a timer */

/* 0: functions of the daemon whose system calls differ between machines and their libc. */
static int can_use_functions(void)
{
	const struct itimerspec in_1_ns = { .it_value.tv_nsec = 1 };
	const struct timespec moment = { .tv_nsec = 1 };
	struct timespec limit = { .tv_sec = 5 };
	char byte = 1;
	struct iovec iov = { &byte, 1 };
	struct mmsghdr m = { .msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 } };
	struct pollfd p = { timer, POLLIN, 0 };
	struct stat st;
	int r = 0;

	r |= send(ends[0], &byte, 1, MSG_NOSIGNAL) != 1 || recv(ends[1], &byte, 1, MSG_DONTWAIT) != 1;
	r |= (sendmmsg(ends[0], &m, 1, 0) != 1) << 1;
	r |= (recvmmsg(ends[1], &m, 1, 0, &limit) != 1) << 2;
	r |= (clock_gettime(CLOCK_BOOTTIME, &limit) != 0 || time(NULL) < 0) << 3;
	r |= (timerfd_settime(timer, 0, &in_1_ns, NULL) != 0 || poll(&p, 1, 5000) != 1) << 4;
	r |= (nanosleep(&moment, NULL) != 0) << 5;
	r |= (fcntl(timer, F_GETFL) < 0 || fstat(timer, &st) != 0 || lstat("/", &st) != 0) << 6;
	return r;
}

static void functions_work_with_the_calls_of_this_machine(void **state)
{
	(void)state;
	timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(in_sandbox(can_use_functions), 0);
	close(timer);
	close(ends[0]);
	close(ends[1]);
}

/* 0: everything that the daemon does still works. */
static int can_work(void)
{
	char path[80];
	int r = 0, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int redirects = open("/proc/sys/net/ipv4/conf/all/send_redirects", O_WRONLY | O_CLOEXEC);
	void *p = malloc(64 << 20);

	r |= fd < 0;
	r |= (redirects < 0) << 1;
	r |= (p == NULL) << 2;
	snprintf(path, sizeof path, "%s/wg0.sock", dir);
	r |= (unlink(path) != 0) << 3;
	sandbox_raise(true);
	r |= (socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP) < 0) << 4;
	sandbox_raise(false);
	r |= (socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP) >= 0) << 5;
	free(p);
	return r;
}

static void the_daemon_can_work(void **state)
{
	char path[80];

	(void)state;
	snprintf(path, sizeof path, "%s/wg0.sock", dir);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(in_sandbox(can_work), 0);
}

static int has_dropped_privileges(void)
{
	struct rlimit core;
	cap_t now = cap_get_proc();
	int r = getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max != 0;

	for (cap_value_t c = 0; c <= CAP_LAST_CAP; c++) {
		cap_flag_value_t effective = CAP_CLEAR, inheritable = CAP_CLEAR;
		if (cap_get_flag(now, c, CAP_EFFECTIVE, &effective) != 0 ||
		    cap_get_flag(now, c, CAP_INHERITABLE, &inheritable) != 0)
			return 2;
		if (inheritable == CAP_SET || (effective == CAP_SET) != (c == CAP_NET_ADMIN))
			return 4;
	}
	cap_free(now);
	return r;
}

static void one_capability_is_effective(void **state)
{
	(void)state;
	assert_int_equal(in_sandbox(has_dropped_privileges), 0);
}

/* Like SystemCallFilter=@system-service of systemd: these calls kill the process. */
static void a_filter_that_forbids_sandboxing_is_no_error(void **state)
{
	static const int forbidden[] = { SCMP_SYS(seccomp), SCMP_SYS(landlock_create_ruleset) };
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
		for (size_t i = 0; i < ARRAY_LEN(forbidden); i++)
			if (seccomp_rule_add(f, SCMP_ACT_KILL_PROCESS, forbidden[i], 0) != 0)
				_exit(2);
		sandbox_prepare();
		if (seccomp_load(f) != 0)
			_exit(3);
		sandbox_enter(&(struct sandbox_folders){ dir, "/nonexistent" });
		sandbox_restrict_syscalls();
		for (enum sandbox_part i = SANDBOX_LANDLOCK; i <= SANDBOX_SECCOMP; i++)
			if (sandbox_state(i)->is_active || strlen(sandbox_state(i)->why) < 5)
				_exit(18);
		_exit(sandbox_state(SANDBOX_CAPABILITIES)->is_active ? 17 : 19);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 17);
}

static int begin(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/sandbox_test.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(some_calls_kill_the_process),
		cmocka_unit_test(other_calls_fail),
		cmocka_unit_test(functions_work_with_the_calls_of_this_machine),
		cmocka_unit_test(the_daemon_can_work),
		cmocka_unit_test(one_capability_is_effective),
		cmocka_unit_test(a_filter_that_forbids_sandboxing_is_no_error),
	};

	if (INSTRUMENTED || geteuid() != 0) {
		puts("skipped: needs root and no sanitizer");
		return 0;
	}
	return cmocka_run_group_tests(tests, begin, end);
}
