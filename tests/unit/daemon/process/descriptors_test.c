/* Descriptors are closed with close_range(2), with the list in /proc if the kernel lacks the call, and one by one if
 * there is no list either. Each case in a child, behind a system call filter that takes away what it lacks. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <cmocka.h>
#include <limits.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/base.h"
#include "daemon/process/descriptors.h"

static bool refuse(const char *const *calls)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int error = !f;

	for (; f && *calls; calls++)
		error |= seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), seccomp_syscall_resolve_name(*calls), 0);
	error |= prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) | seccomp_load(f);
	seccomp_release(f);
	return !error;
}

/* One bit for each descriptor of the list that is open. */
static int open_of(const int *fds, size_t n)
{
	int set = 0;

	for (size_t i = 0; i < n; i++)
		set |= (fcntl(fds[i], F_GETFD) >= 0) << i;
	return set;
}

/* What remains open of these descriptors after closing 10 to 19, and then all from 30. */
static int remaining(const char *const *refused)
{
	static const int fds[] = { 9, 10, 15, 19, 20, 30, 31, 900 };
	int status, null = open("/dev/null", O_RDONLY);
	pid_t child = fork();

	if (child == 0) {
		for (size_t i = 0; i < ARRAY_LEN(fds); i++)
			if (dup2(null, fds[i]) < 0)
				_exit(100);
		if (open_of(fds, ARRAY_LEN(fds)) != 0xff || !refuse(refused))
			_exit(101);
		descriptors_close(10, 19);
		descriptors_close(30, UINT_MAX);
		_exit(open_of(fds, ARRAY_LEN(fds)));
	}
	close(null);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

enum { ONLY_9_AND_20 = 1 | 1 << 4 };

static void with_close_range(void **state)
{
	static const char *const nothing[] = { NULL };

	(void)state;
	assert_int_equal(remaining(nothing), ONLY_9_AND_20);
}

static void without_close_range(void **state)
{
	static const char *const refused[] = { "close_range", NULL };

	(void)state;
	assert_int_equal(remaining(refused), ONLY_9_AND_20);
}

static void without_proc(void **state)
{
	static const char *const refused[] = { "close_range", "open", "openat", NULL };

	(void)state;
	assert_int_equal(remaining(refused), ONLY_9_AND_20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_close_range),
		cmocka_unit_test(without_close_range),
		cmocka_unit_test(without_proc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
