/* Capabilities, and a system call filter. The filter is a list of refused calls, not of allowed ones, because it also applies to
 * nft(8), iptables(8), resolvconf(8) and the shells that run them, whose system calls depend on the host. */
#include "privileges.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report/report.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define INSTRUMENTED 1 /* the leak sanitizer traces the process */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define INSTRUMENTED 1
#endif
#endif
#ifndef INSTRUMENTED
#define INSTRUMENTED 0
#endif

/* ---- capabilities ---- */

static int drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };
	const uint32_t kept = 1u << CAP_NET_ADMIN;

	/* Without CAP_SETPCAP, which root has, there is nothing to be gained by running programs either. */
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (cap != CAP_NET_ADMIN)
			(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	data[0].effective &= kept;
	data[0].permitted &= kept;
	data[0].inheritable &= kept;
	data[1] = (struct __user_cap_data_struct){ 0 };
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

/* ---- system calls ---- */

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__i386__)
#define ARCHITECTURE AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__arm__) && defined(__ARMEL__)
#define ARCHITECTURE AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#elif defined(__s390x__)
#define ARCHITECTURE AUDIT_ARCH_S390X
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define ARCHITECTURE AUDIT_ARCH_PPC64LE
#endif

#ifdef ARCHITECTURE
enum { LATER_CLOCK_SETTIME64 = 404, LATER_CLOCK_ADJTIME64 = 405, LATER_CLONE3 = 435, LATER_PIDFD_GETFD = 438, LATER_MOUNT_SETATTR = 442 }; /* the same on all machines */
enum { NAMESPACES = 0x7e020000 }; /* CLONE_NEW… */

static const unsigned int refused[] = {
	SYS_acct, SYS_add_key, SYS_adjtimex, SYS_bpf, SYS_chroot, SYS_clock_adjtime, SYS_clock_settime, SYS_delete_module,
	SYS_finit_module, SYS_fsmount, SYS_fsopen, SYS_fspick, SYS_init_module, SYS_io_uring_setup, SYS_kexec_load,
	SYS_keyctl, SYS_mount, SYS_move_mount, SYS_open_by_handle_at, SYS_open_tree, SYS_perf_event_open, SYS_pivot_root,
	SYS_process_vm_readv, SYS_process_vm_writev, SYS_ptrace, SYS_quotactl, SYS_reboot, SYS_request_key, SYS_setdomainname,
	SYS_sethostname, SYS_setns, SYS_settimeofday, SYS_swapoff, SYS_swapon, SYS_syslog, SYS_umount2, SYS_unshare,
	SYS_userfaultfd, LATER_CLOCK_SETTIME64, LATER_CLOCK_ADJTIME64, LATER_MOUNT_SETATTR,
	LATER_PIDFD_GETFD,
#ifdef SYS_ioperm
	SYS_ioperm, SYS_iopl,
#endif
#ifdef SYS_kexec_file_load
	SYS_kexec_file_load,
#endif
};

enum { FILTER_MAX = 160 };

struct filter {
	struct sock_filter list[FILTER_MAX];
	unsigned short n;
};

static void add(struct filter *f, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
	if (f->n == FILTER_MAX)
		unreachable();
	f->list[f->n++] = (struct sock_filter){ code, yes, no, k };
}

static void answer_if_equal(struct filter *f, uint32_t number, uint32_t answer)
{
	add(f, BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1);
	add(f, BPF_RET | BPF_K, answer, 0, 0);
}

/* The low half of the flags of clone(2). */
static uint32_t flags_of_clone(void)
{
#ifdef __s390x__
	uint32_t at = offsetof(struct seccomp_data, args[1]);
#else
	uint32_t at = offsetof(struct seccomp_data, args[0]);
#endif

	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? at + 4 : at;
}

static int restrict_syscalls(void)
{
	const uint32_t no = SECCOMP_RET_ERRNO | EPERM;
	struct filter f = { .n = 0 };
	struct sock_fprog program = { .filter = f.list };

	add(&f, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
	add(&f, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
	add(&f, BPF_RET | BPF_K, no, 0, 0); /* numbers of another machine mean other calls */
	add(&f, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
#ifdef __x86_64__
	add(&f, BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1); /* x32 */
	add(&f, BPF_RET | BPF_K, no, 0, 0);
#endif
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		answer_if_equal(&f, refused[i], no);
	answer_if_equal(&f, LATER_CLONE3, SECCOMP_RET_ERRNO | ENOSYS); /* its flags cannot be read here: libc uses clone(2) */
	add(&f, BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3);
	add(&f, BPF_LD | BPF_W | BPF_ABS, flags_of_clone(), 0, 0);
	add(&f, BPF_JMP | BPF_JSET | BPF_K, NAMESPACES, 0, 1);
	add(&f, BPF_RET | BPF_K, no, 0, 0);
	add(&f, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	program.len = f.n;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0 ? -errno : 0;
}
#else
static int restrict_syscalls(void)
{
	return -EOPNOTSUPP;
}
#endif

void privileges_drop(void)
{
	int r = drop_capabilities();

	if (r < 0)
		report_warning("capabilities are not dropped: %s", strerror(-r));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		report_warning("no_new_privs is not set: %s", strerror(errno));
	r = INSTRUMENTED ? 0 : restrict_syscalls();
	if (r < 0)
		report_warning("system calls are not filtered: %s", strerror(-r));
}
