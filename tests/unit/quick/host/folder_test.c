/* The names in a folder, and why they cannot be read. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "quick/host/folder.h"

static void names_or_the_error(void **state)
{
	char folder[] = "/tmp/folder_test.XXXXXX";
	struct string_list names = { 0 };

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(folder_list(&names, folder), 0);
	assert_int_equal(names.n, 2); /* . and .. */
	string_list_free(&names);
	folder_remove(folder);
	assert_int_equal(folder_list(&names, folder), 0);
	assert_int_equal(folder_list(&names, "/dev/null"), -ENOTDIR);
	assert_int_equal(names.n, 0);
	string_list_free(&names);
}

static void absolute_paths(void **state)
{
	static const char *const cases[][3] = { /* current folder, path, result */
		{ "/tmp", "/a/./b", "/a/./b" }, { "/tmp", "a/b", "/tmp/a/b" },     { "/tmp", "./a", "/tmp/a" },
		{ "/tmp", ".//a", "/tmp/a" },   { "/tmp", ".", "/tmp" },           { "/tmp", "./", "/tmp" },
		{ "/tmp", "../a", "/tmp/../a" }, { "/tmp", ".hidden", "/tmp/.hidden" }, { "/", "a", "/a" },
		{ "/", ".", "/" },
	};
	char *before = realpath(".", NULL);

	(void)state;
	assert_non_null(before);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *path;
		assert_int_equal(chdir(cases[i][0]), 0);
		path = folder_absolute_path(cases[i][1]);
		assert_string_equal(path, cases[i][2]);
		free(path);
	}
	assert_int_equal(chdir(before), 0);
	free(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absolute_paths),
		cmocka_unit_test(names_or_the_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
