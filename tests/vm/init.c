/* The first process of the test machine: mounts file systems, loads modules, brings up loopback, runs scripts.sh,
 * reports its exit code and turns the machine off. ttyS0 is the kernel's console, ttyS1 the scripts' output. With the
 * argument "modules" it only loads the modules that are not loaded. */
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static void report(const char *what)
{
	dprintf(STDERR_FILENO, "init: %s: %m\n", what);
}

static void mount_all(void)
{
	static const struct { const char *type, *at; } list[] = {
		{ "proc", "/proc" }, { "sysfs", "/sys" }, { "devtmpfs", "/dev" }, { "tmpfs", "/run" },
		{ "tmpfs", "/tmp" },
	};

	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
		if (mkdir(list[i].at, 0755), mount(list[i].type, list[i].at, list[i].type, 0, NULL) < 0)
			report(list[i].at);
	(void)symlink("/proc/self/fd", "/dev/fd");
	(void)symlink("/proc/self/fd/0", "/dev/stdin");
	(void)mkdir("/run/netns", 0755);
	(void)mkdir("/var", 0755);
	(void)symlink("/run", "/var/run");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void load_modules(void)
{
	struct dirent **names;
	char path[300];
	int n = scandir("/modules", &names, NULL, by_name);

	for (int i = 0; i < n; i++) {
		int fd;

		if (names[i]->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "/modules/%s", names[i]->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST))
			report(path);
		close(fd);
	}
}

static void loopback_up(void)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (ioctl(fd, SIOCSIFFLAGS, &r) < 0)
		report("lo");
	close(fd);
}

static int output(void)
{
	int fd = open("/dev/ttyS1", O_RDWR | O_NOCTTY);
	struct termios t;

	if (fd < 0 || tcgetattr(fd, &t) < 0) {
		report("/dev/ttyS1");
		return STDERR_FILENO;
	}
	cfmakeraw(&t);
	tcsetattr(fd, TCSANOW, &t);
	return fd;
}

int main(int argc, char *argv[])
{
	static char *const words[] = { "/bin/bash", "/scripts.sh", NULL };
	static char *const environment[] = { "PATH=/usr/bin:/usr/sbin:/bin:/sbin", "HOME=/", "LC_ALL=C",
					     "TERM=dumb", NULL };
	int status = 0, fd;
	pid_t script, ended;

	if (argc > 1 && strcmp(argv[1], "modules") == 0) {
		load_modules();
		return 0;
	}
	mount_all();
	load_modules();
	loopback_up();
	fd = output();
	script = fork();
	if (script == 0) {
		setsid();
		dup2(open("/dev/null", O_RDONLY), 0);
		dup2(fd, 1);
		dup2(fd, 2);
		execve(words[0], words, environment);
		_exit(127);
	}
	do {
		ended = wait(&status);
	} while (ended != script);
	dprintf(fd, "# all ended %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	tcdrain(fd);
	sync();
	reboot(RB_AUTOBOOT); /* ends qemu: -no-reboot */
	for (;;)
		pause();
}
