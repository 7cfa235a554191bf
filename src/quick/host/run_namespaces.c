/* Creates the namespaces of `run`, or determines why the host does not permit it. */
#include "run_namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"
#include "report/report.h"
#include "sysctl.h"

/* ---- refusals ---- */

static const struct limit {
	const char *path, *name;
} limits[] = {
	{ "/proc/sys/user/max_user_namespaces", "user.max_user_namespaces" },
	{ "/proc/sys/user/max_net_namespaces", "user.max_net_namespaces" },
	{ "/proc/sys/user/max_mnt_namespaces", "user.max_mnt_namespaces" },
	{ "/proc/sys/user/max_pid_namespaces", "user.max_pid_namespaces" },
};

static bool is_zero_limit(const char **name)
{
	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		if (sysctl_read(limits[i].path) == 0) {
			*name = limits[i].name;
			return true;
		}
	return false;
}

static void explain_permission(void)
{
	if (sysctl_read("/proc/sys/kernel/unprivileged_userns_clone") == 0)
		report_help("kernel.unprivileged_userns_clone is 0: the administrator permits it with "
			    "`sysctl -w kernel.unprivileged_userns_clone=1'");
	else if (sysctl_read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1)
		report_help("kernel.apparmor_restrict_unprivileged_userns is 1, and no AppArmor profile permits it: load "
			    "those of wgsuite for wg-quick and wg-quick-run (wg-quick(8)), or set it to 0");
	else
		report_help("a container, a chroot or a system call filter forbids it");
}

int run_namespaces_refused(const char *what, int error)
{
	const char *limit;

	report_error("cannot %s: %s", what, strerror(-error));
	if ((error == -ENOSPC || error == -EUSERS) && is_zero_limit(&limit))
		report_help("%s is 0: the administrator permits namespaces with `sysctl -w %s=10000'", limit, limit);
	else if (error == -ENOSPC || error == -EUSERS)
		report_help("there are too many namespaces: raise user.max_user_namespaces or user.max_net_namespaces");
	else if (error == -EINVAL || error == -ENOSYS)
		report_help("this kernel was built without user namespaces (CONFIG_USER_NS)");
	else if (error == -EPERM || error == -EACCES)
		explain_permission();
	return error;
}

/* ---- creation ---- */

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), r = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		r = -errno;
	close(fd);
	return r;
}

/* AppArmor on Ubuntu 24.04 and later gives user namespaces of unconfined programs no capabilities. A profile that permits them
 * has no attachment, because the one for this program confines its other commands, and would confine the command. Where neither
 * is loaded, nothing happens, and the kernel's answer to clone(2) counts. */
static void change_apparmor_profile(void)
{
	static const char *const changes[] = { "changeprofile wg-quick-run", "changeprofile unconfined" };

	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		int r = write_file("/proc/self/attr/apparmor/current", changes[i]);
		if (r == -ENOENT && i == 0)
			r = write_file("/proc/self/attr/current", changes[i]); /* before Linux 5.8 */
		if (r == 0)
			return;
	}
}

static uid_t user; /* of the caller; inside, an unmapped user has another number */
static gid_t group;

pid_t run_namespaces_fork(void)
{
	unsigned long flags = CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | SIGCHLD;
	long pid;

	user = geteuid();
	group = getegid();
	change_apparmor_profile();
	/* Like fork(2): neither a new stack nor identifiers of threads. On s390 the first two arguments are exchanged. */
#ifdef __s390__
	pid = syscall(SYS_clone, 0, flags, 0, 0, 0);
#else
	pid = syscall(SYS_clone, flags, 0, 0, 0, 0);
#endif
	if (pid < 0)
		return run_namespaces_refused("create a user namespace", -errno);
	return (pid_t)pid;
}

static int map(const char *path, unsigned int id)
{
	char line[40];
	struct text t = text_fixed(line, sizeof line);

	text_f(&t, "%u %u 1\n", id, id);
	return write_file(path, line);
}

int run_namespaces_map(void)
{
	int r = write_file("/proc/self/setgroups", "deny");

	if (r == -ENOENT)
		r = 0; /* before Linux 3.19 */
	if (r == 0)
		r = map("/proc/self/gid_map", group);
	if (r == 0)
		r = map("/proc/self/uid_map", user);
	return r < 0 ? run_namespaces_refused("map the user into the user namespace", r) : 0;
}

/* ---- capabilities ---- */

int run_namespaces_drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	if (prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0) != 0)
		return -errno;
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); /* empty without it, before Linux 4.3 */
	return syscall(SYS_capset, &head, none) == 0 ? 0 : -errno;
}
