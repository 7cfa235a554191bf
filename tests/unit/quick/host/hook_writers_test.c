/* Whose hooks are run: owners, groups, modes and access control lists of the tunnel file and its folder. As root, the
 * only user who can give files away. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "quick/host/fileio.h"
#include "quick/host/hook_writers.h"
#include "report/report.h"
#include "../../../lib/root.h"

enum { USER = 911, OTHER_USER = 1000, GROUP = 100 };

static char folder[64], path[96], output[] = "/tmp/hook_writers_test.XXXXXX";
static const char *const caller_variables[] = { "SUDO_UID", "SUDO_GID", "PKEXEC_UID", "DOAS_USER" };

static int make_folder(void **state)
{
	(void)state;
	memcpy(folder, "/tmp/hook_writers_test.XXXXXX", 30);
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/wg7.conf", folder);
	for (size_t i = 0; i < ARRAY_LEN(caller_variables); i++)
		unsetenv(caller_variables[i]);
	return fileio_replace(path, SPAN("[Interface]\nPostUp = true\n"));
}

static int remove_folder(void **state)
{
	(void)state;
	fileio_remove(path);
	return rmdir(folder);
}

static void require_root(void)
{
	if (!is_full_root())
		skip();
}

struct access {
	uid_t user;
	gid_t group;
	mode_t mode;
};

static void set_access(const char *of, struct access a)
{
	assert_int_equal(chown(of, a.user, a.group), 0);
	assert_int_equal(chmod(of, a.mode), 0);
}

/* With the hooks of the file and this value of [hooks] owner; "" is its default. */
static bool is_safe(const char *owner)
{
	struct settings set = { 0 };
	struct text value = text_fixed(set.hook_owner, sizeof set.hook_owner);
	struct tunnel_file f = { .path = path };
	int terminal = dup(STDERR_FILENO), out = open(output, O_WRONLY | O_TRUNC);
	bool safe;

	text_add(&value, owner);
	assert_true(string_list_add(&f.interface.hooks[HOOK_POST_UP], SPAN("true")));
	assert_true(terminal >= 0 && out >= 0 && dup2(out, STDERR_FILENO) >= 0);
	safe = hooks_are_safe(&f, &set, true);
	assert_true(dup2(terminal, STDERR_FILENO) >= 0);
	close(out);
	close(terminal);
	string_list_free(&f.interface.hooks[HOOK_POST_UP]);
	return safe;
}

static void assert_reported(const char *words)
{
	struct text t = text_heap();

	assert_int_equal(fileio_read(output, &t), 0);
	if (words[0])
		assert_non_null(strstr(t.p ? t.p : "", words));
	else
		assert_int_equal(t.n, 0);
	text_heap_free(&t);
}

/* What is reported with the default; "" is nothing. */
static void assert_all(const bool safe[4], const char *words)
{
	static const char *const owners[] = { "any", "caller", "root", "unchecked" };

	for (size_t i = 0; i < ARRAY_LEN(owners); i++)
		assert_int_equal(is_safe(owners[i]), safe[i]);
	assert_reported("");
	assert_int_equal(is_safe(""), safe[0]);
	assert_reported(words);
}

#define ACCESS(user, group, mode) ((struct access){ user, group, mode })

static void of_file_and_folder(void **state)
{
	static const struct {
		struct access file, folder;
		bool safe[4]; /* any, caller, root, unchecked */
		const char *words;
	} cases[] = {
		{ { 0, 0, 0600 }, { 0, 0, 0755 }, { true, true, true, true }, "" },
		{ { 0, 0, 0660 }, { 0, 0, 0775 }, { true, true, true, true }, "" },
		{ { USER, USER, 0644 }, { USER, USER, 0755 }, { true, false, false, true },
		  "warning: user 911 can change the hooks in" },
		{ { USER, 0, 0660 }, { 0, 0, 0755 }, { true, false, false, true }, "warning: user 911" },
		{ { 0, 0, 0600 }, { USER, 0, 0755 }, { true, false, false, true }, "warning: user 911" },
		{ { 65534, 65534, 0644 }, { 65534, 65534, 0755 }, { true, false, false, true }, "warning: user 65534" },
		{ { USER, 0, 0600 }, { OTHER_USER, 0, 0755 }, { false, false, false, true }, "user 1000 owns /tmp/" },
		{ { 0, GROUP, 0660 }, { 0, 0, 0755 }, { false, false, false, true }, "group 100 can write to /tmp/" },
		{ { 0, GROUP, 0640 }, { 0, GROUP, 0755 }, { true, true, true, true }, "" },
		{ { 0, 0, 0600 }, { 0, GROUP, 0770 }, { false, false, false, true }, "group 100 can write to /tmp/" },
		{ { 0, 0, 0602 }, { 0, 0, 0755 }, { false, false, false, true }, "all users can write to /tmp/" },
		{ { USER, USER, 0666 }, { 0, 0, 0755 }, { false, false, false, true }, "all users can write to /tmp/" },
		{ { 0, 0, 0600 }, { 0, 0, 0757 }, { false, false, false, true }, "all users can write to /tmp/" },
		/* Like /tmp, and like the secrets of a Kubernetes pod. */
		{ { 0, 0, 0600 }, { 0, 0, 01777 }, { true, true, true, true }, "" },
		{ { 0, GROUP, 0640 }, { 0, GROUP, 03777 }, { true, true, true, true }, "" },
		{ { 0, 0, 0600 }, { USER, 0, 01777 }, { true, false, false, true }, "warning: user 911" },
	};

	(void)state;
	require_root();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		set_access(path, cases[i].file);
		set_access(folder, cases[i].folder);
		assert_all(cases[i].safe, cases[i].words);
	}
}

static void refusals_name_the_setting(void **state)
{
	(void)state;
	require_root();
	set_access(folder, ACCESS(0, 0, 0755));
	set_access(path, ACCESS(USER, 0, 0600));
	assert_false(is_safe("caller"));
	assert_reported("help: chown root ");
	assert_reported(", or set [hooks] owner = any in /");
	set_access(path, ACCESS(USER, 0, 0602));
	assert_false(is_safe("any"));
	assert_reported("help: chmod o-w ");
	assert_reported(", or set [hooks] owner = unchecked in /");
}

/* Variables of another session only ever add a user. */
static void callers(void **state)
{
	static const struct { const char *variable, *value; } same_user[] = {
		{ "SUDO_UID", "911" }, { "PKEXEC_UID", "911" }, { "SUDO_UID", "1234" }, { "SUDO_UID", "" },
		{ "PKEXEC_UID", "-1" }, { "DOAS_USER", "nosuchuser" },
	};
	const bool of_caller[4] = { true, true, false, true }, foreign[4] = { true, false, false, true };

	(void)state;
	require_root();
	set_access(folder, ACCESS(0, 0, 0755));
	set_access(path, ACCESS(USER, 0, 0600));
	for (size_t i = 0; i < ARRAY_LEN(same_user); i++) {
		bool caller = strcmp(same_user[i].value, "911") == 0;
		assert_int_equal(setenv(same_user[i].variable, same_user[i].value, 1), 0);
		assert_all(caller ? of_caller : foreign, caller ? "" : "warning: user 911");
		set_access(path, ACCESS(0, 0, 0600));
		assert_all((const bool[]){ true, true, true, true }, "");
		set_access(path, ACCESS(USER, 0, 0600));
		unsetenv(same_user[i].variable);
	}
	/* Every system has this user, with a group of the same name. */
	set_access(path, ACCESS(2, 2, 0660));
	setenv("DOAS_USER", "bin", 1);
	assert_all(of_caller, "");
	unsetenv("DOAS_USER");
	setenv("PKEXEC_UID", "2", 1);
	assert_all(of_caller, "");
	unsetenv("PKEXEC_UID");
	setenv("SUDO_GID", "2", 1);
	assert_all(foreign, "warning: user 2");
	unsetenv("SUDO_GID");
}

/* A version, and entries of tag, permissions and id. */
static bool set_acl(uint16_t tag, uint16_t permissions, uint32_t id)
{
	const struct {
		uint32_t version;
		struct { uint16_t tag, permissions; uint32_t id; } entries[5];
	} acl = { 2, { { 1, 6, UINT32_MAX }, { 2, tag == 2 ? permissions : 4, tag == 2 ? id : 5 }, { 4, 0, UINT32_MAX },
		       { 0x10, 6, UINT32_MAX }, { 0x20, 0, UINT32_MAX } } };
	struct {
		uint32_t version;
		struct { uint16_t tag, permissions; uint32_t id; } entries[5];
	} group = { 2, { { 1, 6, UINT32_MAX }, { 4, 0, UINT32_MAX }, { 8, permissions, id }, { 0x10, 6, UINT32_MAX },
			 { 0x20, 0, UINT32_MAX } } };

	return setxattr(path, "system.posix_acl_access", tag == 2 ? (const void *)&acl : &group, sizeof acl, 0) == 0;
}

static void access_control_lists(void **state)
{
	(void)state;
	require_root();
	set_access(folder, ACCESS(0, 0, 0755));
	set_access(path, ACCESS(0, 0, 0600));
	if (!set_acl(2, 4, USER))
		skip(); /* the file system has none */
	assert_all((const bool[]){ true, true, true, true }, "");
	assert_true(set_acl(2, 6, USER));
	assert_all((const bool[]){ true, false, false, true }, "warning: user 911");
	assert_true(set_acl(8, 4, GROUP));
	assert_all((const bool[]){ true, true, true, true }, "");
	assert_true(set_acl(8, 6, GROUP));
	assert_all((const bool[]){ false, false, false, true }, "group 100 can write to");
	assert_reported("setfacl -b");
}

static void files_without_hooks(void **state)
{
	struct settings set = { 0 };
	struct tunnel_file f = { .path = path };

	(void)state;
	require_root();
	set_access(path, ACCESS(0, 0, 0666));
	assert_true(hooks_are_safe(&f, &set, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_file_and_folder),
		cmocka_unit_test(refusals_name_the_setting),
		cmocka_unit_test(callers),
		cmocka_unit_test(access_control_lists),
		cmocka_unit_test(files_without_hooks),
	};
	int fd = mkstemp(output), failed;

	if (fd < 0)
		return 1;
	close(fd);
	report_set_program("wg-quick");
	failed = cmocka_run_group_tests(tests, make_folder, remove_folder);
	unlink(output);
	return failed;
}
