/* The table of system calls. */
#include "call_errors.h"

#include <errno.h>
#include <sys/syscall.h>

enum class {
	CLASS_NEVER, /* has no error that the state of the host could cause */
	CLASS_MEMORY,
	CLASS_DESCRIPTOR,
	CLASS_READ,
	CLASS_WRITE,
	CLASS_LOOK,
	CLASS_CHANGE,
	CLASS_SEND,
	CLASS_RECEIVE,
	CLASS_OPTION,
	CLASS_FORK,
	CLASS_WAIT,
	CLASS_SLEEP,
	CLASS_LOCK,
	CLASS_CLOSE,
	CLASS_OTHER,
};

static const struct call_error errors[][CALL_VARIANTS] = {
	[CLASS_NEVER] = { { 0, false } },
	[CLASS_MEMORY] = { { ENOMEM, false } },
	[CLASS_DESCRIPTOR] = { { EMFILE, false }, { ENOMEM, false }, { EPERM, false }, { EIO, false } },
	[CLASS_READ] = { { EIO, false }, { ENOMEM, false }, { EINTR, false } },
	[CLASS_WRITE] = { { ENOSPC, false }, { EIO, false }, { EINTR, false }, { EPERM, false } },
	[CLASS_LOOK] = { { EIO, false }, { ENOMEM, false }, { EPERM, false } },
	[CLASS_CHANGE] = { { EPERM, false }, { EIO, false }, { ENOSPC, false }, { ENOMEM, false } },
	[CLASS_SEND] = { { ENOBUFS, false }, { ENOMEM, false }, { EPERM, false }, { EINTR, false } },
	[CLASS_RECEIVE] = { { ENOMEM, false }, { ENOBUFS, true }, { EINTR, false }, { EIO, false } },
	[CLASS_OPTION] = { { ENOMEM, false }, { EPERM, false } },
	[CLASS_FORK] = { { EAGAIN, false }, { ENOMEM, false } },
	[CLASS_WAIT] = { { EINTR, false }, { ENOMEM, false } },
	[CLASS_SLEEP] = { { EINTR, false } },
	[CLASS_LOCK] = { { ENOLCK, false }, { EINTR, false } },
	[CLASS_CLOSE] = { { EIO, true }, { EINTR, true } },
	[CLASS_OTHER] = { { EPERM, false }, { ENOMEM, false } },
};

#define CALL(name, class) { SYS_##name, #name, class }

static const struct call {
	long number;
	const char *name;
	enum class class;
} calls[] = {
	CALL(exit, CLASS_NEVER), CALL(exit_group, CLASS_NEVER), CALL(getpid, CLASS_NEVER), CALL(getppid, CLASS_NEVER),
	CALL(gettid, CLASS_NEVER), CALL(getuid, CLASS_NEVER), CALL(geteuid, CLASS_NEVER), CALL(getgid, CLASS_NEVER),
	CALL(getegid, CLASS_NEVER), CALL(rt_sigaction, CLASS_NEVER), CALL(rt_sigprocmask, CLASS_NEVER),
	CALL(rt_sigreturn, CLASS_NEVER), CALL(set_tid_address, CLASS_NEVER), CALL(set_robust_list, CLASS_NEVER),
	CALL(clock_gettime, CLASS_NEVER), CALL(sched_yield, CLASS_NEVER), CALL(umask, CLASS_NEVER), CALL(kill, CLASS_NEVER),
	CALL(restart_syscall, CLASS_NEVER),
	CALL(mmap, CLASS_MEMORY), CALL(munmap, CLASS_MEMORY), CALL(mremap, CLASS_MEMORY), CALL(mprotect, CLASS_MEMORY),
	CALL(brk, CLASS_MEMORY), CALL(madvise, CLASS_MEMORY),
	CALL(openat, CLASS_DESCRIPTOR), CALL(socket, CLASS_DESCRIPTOR), CALL(socketpair, CLASS_DESCRIPTOR),
	CALL(pipe2, CLASS_DESCRIPTOR), CALL(dup, CLASS_DESCRIPTOR), CALL(dup3, CLASS_DESCRIPTOR),
	CALL(epoll_create1, CLASS_DESCRIPTOR), CALL(accept4, CLASS_DESCRIPTOR),
	CALL(read, CLASS_READ), CALL(pread64, CLASS_READ), CALL(readv, CLASS_READ), CALL(getdents64, CLASS_READ),
	CALL(lseek, CLASS_READ),
	CALL(write, CLASS_WRITE), CALL(pwrite64, CLASS_WRITE), CALL(writev, CLASS_WRITE), CALL(fsync, CLASS_WRITE),
	CALL(fdatasync, CLASS_WRITE), CALL(ftruncate, CLASS_WRITE), CALL(fallocate, CLASS_WRITE),
	CALL(newfstatat, CLASS_LOOK), CALL(fstat, CLASS_LOOK), CALL(statx, CLASS_LOOK), CALL(faccessat, CLASS_LOOK),
	CALL(readlinkat, CLASS_LOOK), CALL(statfs, CLASS_LOOK), CALL(fstatfs, CLASS_LOOK), CALL(getcwd, CLASS_LOOK),
	CALL(flistxattr, CLASS_LOOK), CALL(fgetxattr, CLASS_LOOK),
	CALL(mkdirat, CLASS_CHANGE), CALL(unlinkat, CLASS_CHANGE), CALL(renameat2, CLASS_CHANGE),
	CALL(symlinkat, CLASS_CHANGE), CALL(linkat, CLASS_CHANGE), CALL(fchmod, CLASS_CHANGE), CALL(fchown, CLASS_CHANGE),
	CALL(fchmodat, CLASS_CHANGE), CALL(fchownat, CLASS_CHANGE), CALL(utimensat, CLASS_CHANGE),
	CALL(fsetxattr, CLASS_CHANGE), CALL(fremovexattr, CLASS_CHANGE), CALL(setns, CLASS_CHANGE),
	CALL(sendto, CLASS_SEND), CALL(sendmsg, CLASS_SEND), CALL(sendmmsg, CLASS_SEND), CALL(connect, CLASS_SEND),
	CALL(bind, CLASS_SEND),
	CALL(recvfrom, CLASS_RECEIVE), CALL(recvmsg, CLASS_RECEIVE), CALL(recvmmsg, CLASS_RECEIVE),
	CALL(setsockopt, CLASS_OPTION), CALL(getsockopt, CLASS_OPTION), CALL(getsockname, CLASS_OPTION),
	CALL(getpeername, CLASS_OPTION), CALL(listen, CLASS_OPTION),
	CALL(clone, CLASS_FORK), CALL(clone3, CLASS_FORK),
	CALL(wait4, CLASS_SLEEP), CALL(waitid, CLASS_SLEEP), CALL(ppoll, CLASS_WAIT), CALL(pselect6, CLASS_WAIT),
	CALL(epoll_pwait, CLASS_WAIT),
	CALL(nanosleep, CLASS_SLEEP), CALL(clock_nanosleep, CLASS_SLEEP), 
	CALL(futex, CLASS_NEVER), /* waking a thread is never interrupted: the C library aborts */
	CALL(flock, CLASS_LOCK),
	CALL(close, CLASS_CLOSE), CALL(close_range, CLASS_CLOSE),
	CALL(fcntl, CLASS_OTHER), CALL(ioctl, CLASS_OTHER), CALL(prctl, CLASS_OTHER), CALL(getrandom, CLASS_OTHER),
	CALL(uname, CLASS_OTHER), CALL(capget, CLASS_OTHER), CALL(capset, CLASS_OTHER), CALL(prlimit64, CLASS_OTHER),
	CALL(sysinfo, CLASS_OTHER), CALL(sched_getaffinity, CLASS_OTHER), CALL(execve, CLASS_OTHER),
#ifdef SYS_renameat
	CALL(renameat, CLASS_CHANGE),
#endif
#ifdef SYS_faccessat2
	CALL(faccessat2, CLASS_LOOK),
#endif
#ifdef SYS_rseq
	CALL(rseq, CLASS_NEVER),
#endif
#ifdef SYS_open /* machines that have them have all of these */
	CALL(arch_prctl, CLASS_NEVER), CALL(open, CLASS_DESCRIPTOR), CALL(pipe, CLASS_DESCRIPTOR),
	CALL(dup2, CLASS_DESCRIPTOR), CALL(stat, CLASS_LOOK), CALL(lstat, CLASS_LOOK), CALL(access, CLASS_LOOK),
	CALL(readlink, CLASS_LOOK), CALL(mkdir, CLASS_CHANGE), CALL(rmdir, CLASS_CHANGE), CALL(unlink, CLASS_CHANGE),
	CALL(rename, CLASS_CHANGE), CALL(symlink, CLASS_CHANGE), CALL(link, CLASS_CHANGE), CALL(chmod, CLASS_CHANGE),
	CALL(chown, CLASS_CHANGE), CALL(fork, CLASS_FORK), CALL(vfork, CLASS_FORK), CALL(poll, CLASS_WAIT),
	CALL(select, CLASS_WAIT), CALL(epoll_wait, CLASS_WAIT),
#endif
};

static const struct call *find(long number)
{
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if (calls[i].number == number)
			return &calls[i];
	return NULL;
}

const char *call_name(long number)
{
	const struct call *c = find(number);

	return c ? c->name : NULL;
}

struct call_error call_error(long number, unsigned int variant)
{
	static const struct call_error unknown = { EIO, false };
	const struct call *c = find(number);

	if (!c)
		return variant == 0 ? unknown : (struct call_error){ 0, false };
	return variant < CALL_VARIANTS ? errors[c->class][variant] : (struct call_error){ 0, false };
}
