/* Files are replaced whole: owner, mode and links are kept where the function says so, and nothing is left behind. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "quick/host/fileio.h"

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	memcpy(folder, "/tmp/fileio_test.XXXXXX", 24);
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder); /* fails when a temporary file was left */
}

static const char *path(const char *name)
{
	static char out[128];

	snprintf(out, sizeof out, "%s/%s", folder, name);
	return out;
}

static unsigned int mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(lstat(path(name), &st), 0);
	return st.st_mode & 07777;
}

static void assert_contents(const char *name, const char *expected)
{
	struct text t = text_heap();

	assert_int_equal(fileio_read(path(name), &t), 0);
	assert_true(span_is(text_of(&t), expected));
	text_heap_free(&t);
}

static void new_files_are_private(void **state)
{
	(void)state;
	assert_false(fileio_exists(path("new")));
	assert_int_equal(fileio_replace(path("new"), SPAN("secret\n")), 0);
	assert_int_equal(mode_of("new"), 0600);
	assert_int_equal(fileio_append(path("new"), SPAN("more\n")), 0);
	assert_contents("new", "secret\nmore\n");
	fileio_remove(path("new"));
	assert_false(fileio_exists(path("new")));
	assert_int_equal(fileio_append(path("new"), SPAN("more\n")), -ENOENT);
}

static void public_files_ignore_the_umask(void **state)
{
	mode_t umask_before = umask(077);

	(void)state;
	assert_int_equal(fileio_replace_public(path("public"), SPAN("a\n")), 0);
	assert_int_equal(mode_of("public"), 0644);
	fileio_remove(path("public"));
	assert_int_equal(fileio_rewrite(path("public"), SPAN("b\n")), 0);
	assert_int_equal(mode_of("public"), 0644);
	assert_contents("public", "b\n");
	fileio_remove(path("public"));
	umask(umask_before);
}

static void what_a_killed_process_left_is_replaced(void **state)
{
	(void)state;
	assert_int_equal(fileio_replace(path("a.tmp"), SPAN("left")), 0);
	assert_int_equal(fileio_replace(path("a"), SPAN("new")), 0);
	assert_false(fileio_exists(path("a.tmp")));
	fileio_remove(path("a"));
}

static void links_are_written_through(void **state)
{
	char target[128];

	(void)state;
	snprintf(target, sizeof target, "%s", path("target"));
	assert_int_equal(symlink(target, path("link")), 0);
	assert_int_equal(fileio_rewrite(path("link"), SPAN("a long first text\n")), 0);
	assert_int_equal(fileio_rewrite(path("link"), SPAN("second\n")), 0);
	assert_contents("target", "second\n");
	fileio_remove(path("link"));
	assert_contents("target", "second\n");
	fileio_remove(target);
}

static void errors(void **state)
{
	struct text t = text_heap();

	(void)state;
	assert_int_equal(fileio_read(path("none"), &t), -ENOENT);
	assert_int_equal(fileio_read(folder, &t), -EINVAL);
	assert_int_equal(fileio_replace(path("none/file"), SPAN("x")), -ENOENT);
	text_heap_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_files_are_private),
		cmocka_unit_test(public_files_ignore_the_umask),
		cmocka_unit_test(what_a_killed_process_left_is_replaced),
		cmocka_unit_test(links_are_written_through),
		cmocka_unit_test(errors),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
