/* A file that is updated keeps owner, mode, links and extended attributes, and its old contents after an error. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <signal.h>
#include <unistd.h>

#include <cmocka.h>

#include "quick/host/file_update.h"
#include "quick/host/fileio.h"

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	memcpy(folder, "/tmp/file_update_test.XXXXXX", 29);
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder); /* fails when a temporary file was left */
}

static const char *path(const char *name)
{
	static char out[2][128];
	static int i;

	i = !i;
	snprintf(out[i], sizeof out[i], "%s/%s", folder, name);
	return out[i];
}

static void make(const char *name, unsigned int mode, const char *contents)
{
	assert_int_equal(fileio_replace(path(name), span_of(contents)), 0);
	assert_int_equal(chmod(path(name), mode), 0);
}

static unsigned int mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(lstat(path(name), &st), 0);
	return st.st_mode & 07777;
}

static ino_t inode_of(const char *name)
{
	struct stat st;

	assert_int_equal(lstat(path(name), &st), 0);
	return st.st_ino;
}

static void assert_contents(const char *name, const char *expected)
{
	struct text t = text_heap();

	assert_int_equal(fileio_read(path(name), &t), 0);
	assert_true(span_is(text_of(&t), expected));
	text_heap_free(&t);
}

static void permissions(void **state)
{
	static const struct { unsigned int before; enum file_privacy privacy; unsigned int after; } cases[] = {
		{ 0644, FILE_MODE_KEPT, 0644 },       { 0640, FILE_MODE_KEPT, 0640 },
		{ 0644, FILE_MODE_NOT_OTHERS, 0600 }, { 0640, FILE_MODE_NOT_OTHERS, 0640 },
		{ 0660, FILE_MODE_NOT_OTHERS, 0660 }, { 0644, FILE_MODE_OWNER, 0600 },
		{ 0660, FILE_MODE_OWNER, 0600 },      { 0400, FILE_MODE_OWNER, 0400 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (int links = 1; links <= 2; links++) {
			make("conf", cases[i].before, "old\n");
			if (links == 2)
				assert_int_equal(link(path("conf"), path("other")), 0);
			assert_int_equal(file_update(path("conf"), SPAN("new\n"), cases[i].privacy), 0);
			assert_contents("conf", "new\n");
			assert_int_equal(mode_of("conf"), cases[i].after);
			fileio_remove(path("conf"));
			fileio_remove(path("other"));
		}
}

static void a_single_file_is_replaced_atomically(void **state)
{
	ino_t before;

	(void)state;
	make("conf", 0600, "old\n");
	assert_int_equal(link(path("conf"), path("inode")), 0); /* so that its number is not used again */
	before = inode_of("conf");
	assert_int_equal(unlink(path("conf")), 0);
	make("conf", 0600, "old\n");
	assert_int_not_equal(inode_of("conf"), before);
	before = inode_of("conf");
	assert_int_equal(file_update(path("conf"), SPAN("new\n"), FILE_MODE_KEPT), 0);
	assert_int_not_equal(inode_of("conf"), before);
	assert_contents("conf", "new\n");
	fileio_remove(path("conf"));
	fileio_remove(path("inode"));
}

static void hard_links_stay(void **state)
{
	static const char *const texts[] = { "longer than the old contents\n", "short", "", "x\n" };

	(void)state;
	make("conf", 0600, "old contents\n");
	assert_int_equal(link(path("conf"), path("other")), 0);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(file_update(path("conf"), span_of(texts[i]), FILE_MODE_KEPT), 0);
		assert_contents("other", texts[i]);
		assert_int_equal(inode_of("conf"), inode_of("other"));
	}
	fileio_remove(path("conf"));
	fileio_remove(path("other"));
}

static void extended_attributes_stay(void **state)
{
	char value[16];

	(void)state;
	make("conf", 0640, "old\n");
	if (setxattr(path("conf"), "user.note", "value", 5, 0) < 0) {
		fileio_remove(path("conf"));
		skip();
	}
	assert_int_equal(file_update(path("conf"), SPAN("new\n"), FILE_MODE_KEPT), 0);
	assert_int_equal(getxattr(path("conf"), "user.note", value, sizeof value), 5);
	assert_memory_equal(value, "value", 5);
	assert_int_equal(mode_of("conf"), 0640);
	fileio_remove(path("conf"));
}

/* The limit on the size of files stands for a full disk. */
static void contents_stay_after_an_error(void **state)
{
	struct rlimit before, small;
	static char large[8192];

	(void)state;
	memset(large, 'x', sizeof large);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = (struct rlimit){ 4096, before.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	for (int links = 1; links <= 2; links++) {
		make("conf", 0600, "old\n");
		if (links == 2)
			assert_int_equal(link(path("conf"), path("other")), 0);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		assert_int_equal(file_update(path("conf"), (struct span){ large, sizeof large }, FILE_MODE_KEPT), -EFBIG);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
		assert_contents("conf", "old\n");
		fileio_remove(path("conf"));
		fileio_remove(path("other"));
	}
	signal(SIGXFSZ, SIG_DFL);
}

static void what_is_no_file(void **state)
{
	(void)state;
	assert_int_equal(file_update(path("none"), SPAN("x"), FILE_MODE_KEPT), -ENOENT);
	assert_int_equal(file_update(folder, SPAN("x"), FILE_MODE_KEPT), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(permissions),
		cmocka_unit_test(a_single_file_is_replaced_atomically),
		cmocka_unit_test(hard_links_stay),
		cmocka_unit_test(extended_attributes_stay),
		cmocka_unit_test(contents_stay_after_an_error),
		cmocka_unit_test(what_is_no_file),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
