/* Drop-ins on disk: which files are read, in which order, and errors. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "quick/host/drop_ins_load.h"
#include "quick/host/fileio.h"
#include "quick/host/tunnel_file_load.h"

#define KEY "Jixsag44W8CFkKCIvlLSZF86/Q/4BovkpqdB9Vps5Sk="

static char folder[64], path[128], message[256];

static void note(void *ctx, const struct diag_message *m)
{
	(void)ctx;
	snprintf(message, sizeof message, "%s:%u: %s", m->at.file + strlen(folder) + 1, m->at.line, m->text);
}

static const char *in_folder(const char *name)
{
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static int make_folder(void **state)
{
	(void)state;
	memcpy(folder, "/tmp/drop_ins_test.XXXXXX", 26);
	return mkdtemp(folder) && mkdir(in_folder("wg7.conf.d"), 0700) == 0 ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(in_folder("wg7.conf.d")) == 0 ? rmdir(folder) : -1;
}

static void write_file(const char *name, const char *text)
{
	assert_int_equal(fileio_replace(in_folder(name), span_of(text)), 0);
}

static int load(struct tunnel_file *f)
{
	struct diag d = { .emit = note };

	*f = (struct tunnel_file){ .name = "wg7", .path = span_dup(span_of(in_folder("wg7.conf"))) };
	message[0] = '\0';
	return tunnel_file_load(f, &d);
}

static const char *const files[] = { "wg7.conf", "wg7.conf.d/20-b.conf", "wg7.conf.d/10.conf", "wg7.conf.d/Z.conf",
				     "wg7.conf.d/.hidden.conf", "wg7.conf.d/x.conf~", "wg7.conf.d/.conf", "wg7.conf.d/x" };

static void write_all(void)
{
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char text[64];
		snprintf(text, sizeof text, "[Interface]\nPostUp = %s\n", files[i]);
		write_file(files[i], text);
	}
}

static void remove_all(void)
{
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		fileio_remove(in_folder(files[i]));
}

static void order(void **state)
{
	static const char *const expected[] = { "wg7.conf", "wg7.conf.d/10.conf", "wg7.conf.d/20-b.conf", "wg7.conf.d/Z.conf" };
	struct tunnel_file f;

	(void)state;
	write_all();
	assert_int_equal(load(&f), 0);
	assert_int_equal(f.interface.hooks[HOOK_POST_UP].n, ARRAY_LEN(expected));
	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		assert_string_equal(f.interface.hooks[HOOK_POST_UP].list[i], expected[i]);
	assert_int_equal(f.drop_ins.n, 3);
	tunnel_file_free(&f);
	/* Without them. */
	f = (struct tunnel_file){ .name = "wg7", .path = span_dup(span_of(in_folder("wg7.conf"))), .without_drop_ins = true };
	assert_int_equal(tunnel_file_load(&f, &(struct diag){ .emit = note }), 0);
	assert_int_equal(f.interface.hooks[HOOK_POST_UP].n, 1);
	assert_null(f.origins);
	tunnel_file_free(&f);
	remove_all();
}

static void kinds_of_files(void **state)
{
	struct tunnel_file f;

	(void)state;
	write_file("wg7.conf", "[Interface]\nMTU = 1300\n");
	assert_int_equal(symlink("/dev/null", in_folder("wg7.conf.d/a.conf")), 0);
	assert_int_equal(load(&f), 0);
	assert_null(f.origins);
	tunnel_file_free(&f);
	fileio_remove(in_folder("wg7.conf.d/a.conf"));
	assert_int_equal(mkfifo(in_folder("wg7.conf.d/a.conf"), 0600), 0);
	assert_int_equal(load(&f), -EINVAL);
	assert_string_equal(message, "wg7.conf.d/a.conf:0: it is not a regular file");
	tunnel_file_free(&f);
	fileio_remove(in_folder("wg7.conf.d/a.conf"));
	assert_int_equal(symlink("nowhere", in_folder("wg7.conf.d/a.conf")), 0);
	assert_int_equal(load(&f), -ENOENT);
	assert_string_equal(message, "wg7.conf.d/a.conf:0: No such file or directory");
	tunnel_file_free(&f);
	fileio_remove(in_folder("wg7.conf.d/a.conf"));
	assert_int_equal(mkdir(in_folder("wg7.conf.d/a.conf"), 0700), 0);
	assert_int_equal(load(&f), -EINVAL);
	tunnel_file_free(&f);
	rmdir(in_folder("wg7.conf.d/a.conf"));
	fileio_remove(in_folder("wg7.conf"));
}

static void errors_and_changes(void **state)
{
	struct tunnel_file f;
	uint64_t changed_ns;
	struct stat st;

	(void)state;
	write_file("wg7.conf", "[Peer]\nPublicKey = " KEY "\n");
	assert_int_equal(load(&f), 0);
	changed_ns = f.changed_ns;
	tunnel_file_free(&f);
	write_file("wg7.conf.d/a.conf", "[Peer]\nPublicKey = " KEY "\nAllowedIPs = x\n");
	assert_int_equal(load(&f), -EINVAL);
	assert_string_equal(message, "wg7.conf.d/a.conf:3: Unable to parse IP address: `x'");
	assert_true(f.changed_ns >= changed_ns);
	tunnel_file_free(&f);
	/* To remove one is a change as well. */
	fileio_remove(in_folder("wg7.conf.d/a.conf"));
	assert_int_equal(load(&f), 0);
	assert_int_equal(stat(in_folder("wg7.conf.d"), &st), 0);
	assert_int_equal(f.changed_ns, (uint64_t)st.st_ctim.tv_sec * 1000000000ull + (uint64_t)st.st_ctim.tv_nsec);
	tunnel_file_free(&f);
	fileio_remove(in_folder("wg7.conf"));
}

static void there_are_bounds(void **state)
{
	struct string_list paths = { 0 };
	struct diag d = { .emit = note };
	struct tunnel_file f;
	uint64_t changed_ns = 0;
	char name[64];

	(void)state;
	for (int i = 0; i < DROP_INS_MAX + 1; i++) {
		snprintf(name, sizeof name, "wg7.conf.d/%d.conf", i);
		assert_int_equal(symlink("/dev/null", in_folder(name)), 0);
	}
	assert_int_equal(drop_ins_list(&paths, &changed_ns, folder, "wg7", &d), -E2BIG);
	assert_string_equal(message, "wg7.conf.d:0: there are more than 1000 drop-ins");
	string_list_free(&paths);
	for (int i = 0; i < DROP_INS_MAX + 1; i++) {
		snprintf(name, sizeof name, "wg7.conf.d/%d.conf", i);
		unlink(in_folder(name));
	}
	write_file("wg7.conf.d/a.conf", "");
	assert_int_equal(truncate(in_folder("wg7.conf.d/a.conf"), (off_t)DROP_INS_BYTES_MAX + 1), 0);
	write_file("wg7.conf", "[Interface]\n");
	assert_int_equal(load(&f), -EFBIG);
	assert_string_equal(message, "wg7.conf.d/a.conf:0: the drop-ins of a tunnel have more than 64 MiB");
	tunnel_file_free(&f);
	fileio_remove(in_folder("wg7.conf.d/a.conf"));
	fileio_remove(in_folder("wg7.conf"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order),
		cmocka_unit_test(kinds_of_files),
		cmocka_unit_test(errors_and_changes),
		cmocka_unit_test(there_are_bounds),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
