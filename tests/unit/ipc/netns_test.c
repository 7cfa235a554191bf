/* The identifiers of the network namespace, in a unit that allows only some families of sockets. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/netns.h"

enum { READ, OTHER, NO_FILTER };

/* As RestrictAddressFamilies= of systemd.exec(5). */
static bool allow_only(unsigned int family)
{
	const unsigned int low = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]) + low),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, family, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof code / sizeof code[0], code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static int read_with_only(unsigned int family, const struct netns *expected)
{
	struct netns n;

	if (!allow_only(family))
		return NO_FILTER;
	return netns_read(&n) == 0 && n.inode == expected->inode && n.cookie == expected->cookie ? READ : OTHER;
}

static void only_netlink_is_needed(void **state)
{
	struct netns expected;
	struct stat st;
	int status = 0;
	pid_t child;

	(void)state;
	assert_int_equal(netns_read(&expected), 0);
	assert_int_equal(stat("/proc/self/ns/net", &st), 0);
	assert_true(expected.inode == st.st_ino);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(read_with_only(AF_NETLINK, &expected));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_FILTER)
		skip(); /* an emulated system */
	assert_int_equal(WEXITSTATUS(status), READ);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(only_netlink_is_needed) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
