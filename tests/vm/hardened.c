/* hardened SYSCALLS COMMAND…: runs the command in the sandbox of a systemd unit with Algo's drop-in: no new privileges;
 * all files read-only except in /dev, /proc (but not /proc/sys), /sys and /tmp; sockets of the families inet, inet6 and
 * netlink only; a system call that the file SYSCALLS does not name kills the process. */
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void must(int r, const char *what)
{
	if (r == 0)
		return;
	fprintf(stderr, "hardened: %s: %s\n", what, strerror(r < 0 && errno ? errno : -r));
	exit(99);
}

/* /tmp is a mount of the unit and stays writable. */
static void protect_files(void)
{
	static const char *const read_only[] = { "/", "/etc", "/run", "/proc/sys" };

	must(unshare(CLONE_NEWNS), "unshare");
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private");
	must(mount("/proc/sys", "/proc/sys", NULL, MS_BIND, NULL), "bind /proc/sys");
	for (size_t i = 0; i < sizeof read_only / sizeof read_only[0]; i++)
		must(mount(NULL, read_only[i], NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL),
		     read_only[i]);
}

static void allow_listed(scmp_filter_ctx c, const char *path)
{
	char name[64];
	FILE *f = fopen(path, "r");

	must(f ? 0 : -1, path);
	while (fscanf(f, "%63s", name) == 1) {
		int number = seccomp_syscall_resolve_name(name);
		if (number >= 0 && strcmp(name, "socket") != 0)
			must(seccomp_rule_add(c, SCMP_ACT_ALLOW, number, 0), name);
	}
	fclose(f);
}

static void restrict_calls(const char *path)
{
	static const int families[] = { AF_INET, AF_INET6, AF_NETLINK };
	scmp_filter_ctx c = seccomp_init(SCMP_ACT_KILL_PROCESS);

	must(c ? 0 : -1, "seccomp_init");
	allow_listed(c, path);
	for (unsigned int family = 0; family < 64; family++) {
		bool allowed = false;
		for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
			allowed |= (int)family == families[i];
		must(seccomp_rule_add(c, allowed ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EAFNOSUPPORT),
				      SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, family)),
		     "socket");
	}
	must(seccomp_load(c), "seccomp_load");
	seccomp_release(c);
}

int main(int argc, char *argv[])
{
	if (argc < 3)
		return 99;
	protect_files();
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges");
	restrict_calls(argv[1]);
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 99;
}
