/* Tunnel files on disk: finding them, reading them in either mode. */
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
#include "quick/host/tunnel_file_load.h"

#define KEY "Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk="

static char folder[64], path[96];

static int make_folder(void **state)
{
	(void)state;
	memcpy(folder, "/tmp/tunnel_file_test.XXXXXX", 29);
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/wg7.conf", folder);
	return freopen("/dev/null", "w", stderr) ? 0 : -1; /* expected errors */
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static void write_file(const char *text)
{
	assert_int_equal(fileio_replace(path, span_of(text)), 0);
}

static void files_are_found_and_loaded(void **state)
{
	struct tunnel_file f = { 0 };
	struct diag d = { 0 };

	(void)state;
	assert_false(tunnel_file_find(&f, path));
	write_file("[Interface]\nAddress = 10.0.0.1/24\n[Peer]\nPublicKey = " KEY "\n");
	assert_true(tunnel_file_find(&f, path));
	assert_string_equal(f.name, "wg7");
	assert_string_equal(f.path, path);
	f.lines_only = true;
	assert_int_equal(tunnel_file_load(&f, &d), 0);
	assert_int_equal(tunnel_file_load_again(&f, &d), 0);
	assert_false(f.lines_only);
	assert_int_equal(f.device.n_peers, 1);
	assert_int_equal(f.interface.addresses.n, 1);
	assert_string_equal(f.path, path);
	tunnel_file_free(&f);
	fileio_remove(path);
}

static void a_link_has_its_own_name(void **state)
{
	char other[96];
	struct tunnel_file f = { 0 };

	(void)state;
	write_file("[Interface]\n");
	snprintf(other, sizeof other, "%s/office.conf", folder);
	assert_int_equal(symlink(path, other), 0);
	assert_true(tunnel_file_find(&f, other));
	assert_string_equal(f.name, "office");
	assert_string_equal(f.path, path);
	tunnel_file_free(&f);
	unlink(other);
	fileio_remove(path);
}

static void folders_are_refused(void **state)
{
	struct tunnel_file f = { 0 };
	struct diag d = { 0 };

	(void)state;
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(tunnel_file_find(&f, path));
	assert_int_equal(tunnel_file_load(&f, &d), -EISDIR);
	assert_int_equal(d.errors, 1);
	tunnel_file_free(&f);
	rmdir(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_found_and_loaded),
		cmocka_unit_test(a_link_has_its_own_name),
		cmocka_unit_test(folders_are_refused),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
