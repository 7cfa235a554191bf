/* This process: privileges, standard descriptors, environment. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/vector.h"
#include "report/report.h"
#include "subprocess.h"

bool process_open_standard_fds(void)
{
	bool have_stdout = fcntl(STDOUT_FILENO, F_GETFD) >= 0;
	int null;

	do
		null = open("/dev/null", O_RDWR);
	while (null >= 0 && null <= STDERR_FILENO);
	if (null >= 0)
		close(null);
	return have_stdout;
}

bool process_is_root(void)
{
	return geteuid() == 0;
}

bool process_may_change_network(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };
	uint32_t net_admin = 1u << CAP_NET_ADMIN;

	if (process_is_root())
		return true;
	if (syscall(SYS_capget, &head, data) < 0 || !(data[0].effective & net_admin))
		return false;
	data[0].inheritable |= net_admin;
	if (syscall(SYS_capset, &head, data) == 0)
		prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0);
	return true;
}

int process_run_with_sudo(char *argv[])
{
	static char sudo[] = "sudo", p[] = "-p", dashes[] = "--", self[PATH_MAX];
	static char prompt[] =
		"wg-quick must be run as root. Please enter the password for %u to continue: ";
	char *before[] = { sudo, p, prompt, dashes, self };
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	size_t argc = 0;
	char **words;

	while (argv[argc])
		argc++;
	words = calloc(argc + ARRAY_LEN(before), sizeof *words);
	if (!words || n <= 0)
		return 1;
	memcpy(words, before, sizeof before);
	memcpy(words + ARRAY_LEN(before), argv + 1, argc * sizeof *words); /* with the null at the end */
	execvp(sudo, words);
	if (errno == ENOENT)
		report_error("CAP_NET_ADMIN is required, and sudo is not installed");
	else
		report_error("CAP_NET_ADMIN is required, and sudo cannot be run: %s", strerror(errno));
	return 127;
}

const char *process_folder(void)
{
	static char folder[PATH_MAX];
	ssize_t n;
	char *slash;

	if (folder[0])
		return folder;
	n = readlink("/proc/self/exe", folder, sizeof folder - 1);
	folder[n > 0 ? n : 0] = '\0';
	slash = strrchr(folder, '/');
	if (!slash) {
		folder[0] = '\0';
		return NULL;
	}
	*slash = '\0';
	return folder;
}

void process_set_environment(void)
{
	const char *folder = process_folder(), *path = getenv("PATH");
	struct text t = text_heap();

	setenv("LC_ALL", "C", 1);
	if (folder) {
		text_f(&t, "%s:%s", folder, path && path[0] ? path : subprocess_default_path);
		if (!t.failed)
			setenv("PATH", t.p, 1);
	}
	text_heap_free(&t);
}

bool process_name(char name[], size_t n, uint32_t pid)
{
	char path[32];
	struct text t = text_fixed(path, sizeof path);
	ssize_t got;
	int fd;

	text_f(&t, "/proc/%u/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? -1 : read(fd, name, n - 1);
	if (fd >= 0)
		close(fd);
	name[got > 0 ? got : 0] = '\0';
	for (char *c = name; *c; c++)
		if (*c == '\n')
			*c = '\0';
		else if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return name[0] != '\0';
}
