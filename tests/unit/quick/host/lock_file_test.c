/* Lock files. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "quick/host/lock_file.h"

/* mkdir(2) says that the folder exists, and open(2) that it does not. */
static void folder_is_a_dangling_link(void **state)
{
	char parent[] = "/tmp/lock_file_test.XXXXXX", folder[64], lock[80];

	(void)state;
	assert_non_null(mkdtemp(parent));
	snprintf(folder, sizeof folder, "%s/folder", parent);
	snprintf(lock, sizeof lock, "%s/lock", folder);
	assert_int_equal(symlink("nothing", folder), 0);
	assert_int_equal(lock_file_acquire(folder, lock, 0), -ENOENT);
	assert_int_equal(unlink(folder), 0);
	assert_int_equal(rmdir(parent), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folder_is_a_dangling_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
