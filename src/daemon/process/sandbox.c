/* Capabilities by libcap, files by Landlock, system calls by libseccomp. */
#include "sandbox.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <malloc.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/text.h"
#include "log.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define INSTRUMENTED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define INSTRUMENTED 1
#endif
#endif
#ifndef INSTRUMENTED
#define INSTRUMENTED 0 /* sanitizers need /proc and executable mappings */
#endif
#ifndef TUNGETDEVNETNS
#define TUNGETDEVNETNS _IO('T', 227)
#endif

enum { HEAP_BYTES = 1 << 20 };

static cap_t lowered, raised;

/* ---- what is active ---- */

static struct sandbox_state states[SANDBOX_PARTS] = {
	[SANDBOX_MEMORY_LOCK] = { .name = "memory_lock" },
	[SANDBOX_CAPABILITIES] = { .name = "capabilities" },
	[SANDBOX_NO_NEW_PRIVS] = { .name = "no_new_privs" },
	[SANDBOX_LANDLOCK] = { .name = "landlock" },
	[SANDBOX_SECCOMP] = { .name = "seccomp" },
};

const struct sandbox_state *sandbox_state(enum sandbox_part part)
{
	return &states[part];
}

static void set_missing(enum sandbox_part part, const char *why)
{
	struct text t = text_fixed(states[part].why, sizeof states[part].why);

	text_add(&t, why);
	states[part].is_active = false;
}

/* error: 0 or -errno. */
static void set_state(enum sandbox_part part, int error)
{
	states[part].is_active = error == 0;
	states[part].why[0] = '\0';
	if (error)
		set_missing(part, strerror(-error));
}

static void report_missing(void)
{
	static const char *const without[] = {
		[SANDBOX_MEMORY_LOCK] = "memory is not locked, keys may be swapped out",
		[SANDBOX_CAPABILITIES] = "capabilities are not dropped",
		[SANDBOX_NO_NEW_PRIVS] = "no_new_privs is not set",
		[SANDBOX_LANDLOCK] = "files are not restricted by Landlock",
		[SANDBOX_SECCOMP] = "system calls are not filtered",
	};

	static_assert(ARRAY_LEN(without) == SANDBOX_PARTS, "each part has a text");
	for (unsigned int i = 0; i < SANDBOX_PARTS; i++)
		if (!states[i].is_active)
			log_error("warning: %s: %s", without[i], states[i].why);
}

void sandbox_prepare(void)
{
	struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#ifdef __GLIBC__
	(void)mallopt(M_TOP_PAD, HEAP_BYTES); /* a heap to lock */
#endif
}

void sandbox_lock_memory(void)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	/* Future memory only without a limit, which a large configuration would reach. */
	int what = setrlimit(RLIMIT_MEMLOCK, &all) == 0 ? MCL_CURRENT | MCL_FUTURE : MCL_CURRENT;

	/* MCL_ONFAULT: pages that are never touched never become resident. */
	if (!INSTRUMENTED)
		set_state(SANDBOX_MEMORY_LOCK, mlockall(what | MCL_ONFAULT) == 0 ? 0 : -errno);
}

/* ---- capabilities ---- */

/* The subset of these capabilities that the process holds. */
static cap_t capabilities(const cap_t have, const cap_value_t *permitted, int n)
{
	cap_t c = cap_init();

	for (int i = 0; c && i < n; i++) {
		cap_flag_value_t is = CAP_CLEAR;
		if (cap_get_flag(have, permitted[i], CAP_PERMITTED, &is) != 0 || is == CAP_CLEAR)
			continue;
		if (cap_set_flag(c, CAP_PERMITTED, 1, &permitted[i], CAP_SET) != 0 ||
		    cap_set_flag(c, CAP_EFFECTIVE, 1, &permitted[i], CAP_SET) != 0)
			log_verbose("cannot keep capability %d: %s", (int)permitted[i], strerror(errno));
	}
	return c;
}

static void drop_capabilities(void)
{
	static const cap_value_t keep[] = { CAP_NET_ADMIN, CAP_NET_BIND_SERVICE,
					    CAP_NET_BROADCAST, CAP_NET_RAW, CAP_SYS_ADMIN };
	static const cap_value_t to_lower[] = { CAP_NET_BIND_SERVICE, CAP_NET_BROADCAST, CAP_NET_RAW,
					      CAP_SYS_ADMIN };
	cap_t have = cap_get_proc();

	raised = have ? capabilities(have, keep, ARRAY_LEN(keep)) : NULL;
	lowered = raised ? cap_dup(raised) : NULL;
	cap_free(have);
	if (!lowered ||
	    cap_set_flag(lowered, CAP_EFFECTIVE, ARRAY_LEN(to_lower), to_lower, CAP_CLEAR) != 0 ||
	    cap_set_proc(lowered) != 0)
		set_state(SANDBOX_CAPABILITIES, errno ? -errno : -ENOMEM);
	else
		set_state(SANDBOX_CAPABILITIES, 0);
}

void sandbox_raise(bool raise)
{
	if (lowered && cap_set_proc(raise ? raised : lowered) != 0)
		log_verbose("cannot change capabilities: %s", strerror(errno));
}

/* ---- files ---- */

/* Landlock ABI 1 (Linux 5.13), of which kernel headers may know nothing while the kernel does. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif
enum { RULE_PATH_BENEATH = 1 };
enum { ACCESS_WRITE_FILE = 1 << 1, ACCESS_REMOVE_FILE = 1 << 5, ACCESS_MAKE_SOCK = 1 << 9, ACCESS_ALL = (1 << 13) - 1 };
struct ruleset {
	uint64_t handled_access;
};
struct path_rule {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));

static bool landlock_allow(int ruleset, const char *path, uint64_t access)
{
	struct path_rule rule = { .allowed_access = access, .parent_fd = open(path, O_PATH | O_CLOEXEC) };
	long failed;

	if (rule.parent_fd < 0)
		return errno == ENOENT; /* nothing to allow */
	failed = syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
	return !failed;
}

static int restrict_files(const struct sandbox_folders *folders)
{
	struct ruleset all = { .handled_access = ACCESS_ALL };
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);

	int error = 0;

	if (ruleset < 0)
		return -errno;
	if (!landlock_allow(ruleset, folders->sockets, ACCESS_REMOVE_FILE | ACCESS_MAKE_SOCK) ||
	    !landlock_allow(ruleset, folders->statistics, ACCESS_REMOVE_FILE | ACCESS_MAKE_SOCK) ||
	    !landlock_allow(ruleset, "/proc/sys/net", ACCESS_WRITE_FILE) ||
	    syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		error = -errno;
	close(ruleset);
	return error;
}

/* ---- system calls ---- */

static const int allowed_calls[] = {
	SCMP_SYS(accept4), SCMP_SYS(bind), SCMP_SYS(brk), SCMP_SYS(capget), SCMP_SYS(capset),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(close), SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_wait), SCMP_SYS(exit), SCMP_SYS(exit_group),
	SCMP_SYS(fallocate), SCMP_SYS(fcntl), SCMP_SYS(fstat), SCMP_SYS(futex), SCMP_SYS(geteuid), SCMP_SYS(getpid),
	SCMP_SYS(getrandom), SCMP_SYS(getsockname), SCMP_SYS(getsockopt), SCMP_SYS(gettid),
	SCMP_SYS(gettimeofday), SCMP_SYS(link), SCMP_SYS(linkat), SCMP_SYS(listen), SCMP_SYS(lstat),
	SCMP_SYS(madvise), SCMP_SYS(memfd_create), SCMP_SYS(mremap), SCMP_SYS(munmap), SCMP_SYS(nanosleep),
	SCMP_SYS(newfstatat), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(pread64), SCMP_SYS(read), SCMP_SYS(readv),
	SCMP_SYS(recvfrom), SCMP_SYS(recvmmsg), SCMP_SYS(recvmsg), SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sched_yield), SCMP_SYS(sendmmsg), SCMP_SYS(sendmsg), SCMP_SYS(sendto),
	SCMP_SYS(setsockopt), SCMP_SYS(socket), SCMP_SYS(stat), SCMP_SYS(statx), SCMP_SYS(tgkill),
	SCMP_SYS(timerfd_settime), SCMP_SYS(uname), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
	SCMP_SYS(write), SCMP_SYS(writev),
	/* Forms that only some machines have, mostly 32-bit ones, where offsets, identifiers and times had to grow; their
	 * libc tries several. libseccomp ignores those of other machines, and adds socketcall(2) for calls on sockets. */
	SCMP_SYS(clock_gettime64), SCMP_SYS(clock_nanosleep_time64), SCMP_SYS(fcntl64), SCMP_SYS(fstat64),
	SCMP_SYS(fstatat64), SCMP_SYS(futex_time64), SCMP_SYS(geteuid32), SCMP_SYS(lstat64),
	SCMP_SYS(ppoll_time64), SCMP_SYS(recv), SCMP_SYS(recvmmsg_time64), SCMP_SYS(send), SCMP_SYS(sigreturn),
	SCMP_SYS(stat64), SCMP_SYS(time), SCMP_SYS(timerfd_settime64),
};

#ifndef __NR_openat2 /* kernel headers before 5.6, from which <seccomp.h> takes the number */
#define __NR_openat2 437
#endif

/* The daemon never makes these calls; an attempt is an attack, and ends the process. */
static const int fatal_calls[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(mount), SCMP_SYS(umount2),
	SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(bpf), SCMP_SYS(openat2),
	SCMP_SYS(creat), SCMP_SYS(chroot), SCMP_SYS(pivot_root), SCMP_SYS(unshare), SCMP_SYS(connect),
};

static int allow_with_arguments(scmp_filter_ctx f)
{
	static const unsigned long ioctls[] = { TUNGETIFF, TUNGETDEVNETNS, SIOCGIFNAME, SIOCGIFINDEX };
	int error = 0;

	for (size_t i = 0; i < ARRAY_LEN(ioctls); i++)
		error |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
					  SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, ioctls[i]));
	error |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	error |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap2), 1, /* 32-bit machines */
				  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	error |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	error |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(setns), 1,
				  SCMP_A1(SCMP_CMP_EQ, CLONE_NEWNET, 0));
	return error;
}

/* For disable_redirects() in link_defaults.c; files cannot be read or created. open(3) adds O_LARGEFILE, which is 0 where libc
 * does not, and is openat(2) in glibc, open(2) in musl. */
static int allow_to_open(scmp_filter_ctx f)
{
	static const uint64_t flags = O_WRONLY | O_CLOEXEC | O_LARGEFILE;
	int error = 0;

	error |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, SCMP_A2(SCMP_CMP_EQ, flags, 0));
	error |= seccomp_rule_add(f, SCMP_ACT_KILL_PROCESS, SCMP_SYS(openat), 1, SCMP_A2(SCMP_CMP_NE, flags, 0));
	error |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(open), 1, SCMP_A1(SCMP_CMP_EQ, flags, 0));
	error |= seccomp_rule_add(f, SCMP_ACT_KILL_PROCESS, SCMP_SYS(open), 1, SCMP_A1(SCMP_CMP_NE, flags, 0));
	return error;
}

static int restrict_syscalls(const struct sandbox_folders *unused)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int error;

	(void)unused;
	if (!f)
		return -ENOMEM;
	error = allow_with_arguments(f) | allow_to_open(f) | seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
	for (size_t i = 0; i < ARRAY_LEN(allowed_calls); i++)
		error |= seccomp_rule_add(f, SCMP_ACT_ALLOW, allowed_calls[i], 0);
	for (size_t i = 0; i < ARRAY_LEN(fatal_calls); i++)
		error |= seccomp_rule_add(f, SCMP_ACT_KILL_PROCESS, fatal_calls[i], 0);
	if (!error)
		error = seccomp_load(f);
	seccomp_release(f);
	return error < 0 ? error : 0;
}

/* Applies a restriction. A child tries it first: an inherited filter (systemd's SystemCallFilter= without
 * @sandbox) may kill the process that does. */
static void restrict_if_possible(enum sandbox_part part, int (*step)(const struct sandbox_folders *),
				 const struct sandbox_folders *folders)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		_exit(step(folders) != 0);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (child > 0 && WIFSIGNALED(status))
		set_missing(part, "the inherited system call filter forbids it");
	else
		set_state(part, step(folders));
}

void sandbox_enter(const struct sandbox_folders *folders)
{
	drop_capabilities();
	set_state(SANDBOX_NO_NEW_PRIVS, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : -errno);
	if (!INSTRUMENTED)
		restrict_if_possible(SANDBOX_LANDLOCK, restrict_files, folders);
}

void sandbox_restrict_syscalls(void)
{
	if (INSTRUMENTED) {
		set_missing(SANDBOX_MEMORY_LOCK, "built with a sanitizer");
		set_missing(SANDBOX_LANDLOCK, "built with a sanitizer");
		set_missing(SANDBOX_SECCOMP, "built with a sanitizer");
		return;
	}
	restrict_if_possible(SANDBOX_SECCOMP, restrict_syscalls, NULL);
	report_missing();
}
