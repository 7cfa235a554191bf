/* Files of keys: which are read, and how a new one is made. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/vector.h"
#include "quick/host/fileio.h"
#include "quick/host/key_file.h"
#include "quick/host/key_make.h"

#define KEY "oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs="

static char folder[64], path[96], other[96], message[512];
static unsigned int messages;

static void note(void *ctx, const struct diag_message *m)
{
	(void)ctx;
	messages++;
	snprintf(message, sizeof message, "%s%s%s", m->text, m->help ? " / " : "", m->help ? m->help : "");
}

static int make_folder(void **state)
{
	(void)state;
	memcpy(folder, "/tmp/key_file_test.XXXXXX", 26);
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/key", folder);
	snprintf(other, sizeof other, "%s/other", folder);
	umask(0);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

/* Both texts of the failure, without the folder's name. */
static void look_up(const char *name, unsigned int kind, unsigned int use, int expected, const char *text)
{
	struct key_source s = { .kind = (uint8_t)kind, .key = "PrivateKeyFile", .at = { .file = "wg0.conf", .line = 2, .column = 18 } };
	struct key_files files = { .use = use, .interface = "wg0" };
	struct diag d = { .emit = note };
	uint8_t key[KEY_BYTES] = { 0 }, expected_key[KEY_BYTES];
	char copy[128], *found;

	snprintf(copy, sizeof copy, "%s", name);
	s.name = copy;
	messages = 0;
	assert_int_equal(key_file_look_up(&files, key, &s, &d), expected);
	assert_int_equal(messages, text != NULL);
	assert_int_equal(d.errors, text != NULL);
	if (expected == 0) {
		assert_true(key_from_base64(expected_key, SPAN(KEY)));
		assert_memory_equal(key, expected_key, sizeof key);
	}
	if (!text)
		return;
	while ((found = strstr(message, folder)))
		memmove(found, found + strlen(folder), strlen(found + strlen(folder)) + 1);
	assert_string_equal(message, text);
}

static void write_file(const char *text, mode_t mode)
{
	assert_int_equal(fileio_replace(path, span_of(text)), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void contents(void **state)
{
	static const char not_a_key[] = "PrivateKeyFile: cannot read /key: it is not a key / a key has 44 base64 characters, the last of which is '='";
	char large[2048];

	(void)state;
	write_file(KEY, 0600);
	look_up(path, KEY_FILE, 0, 0, NULL);
	write_file(" " KEY "\r\n\n", 0400);
	look_up(path, KEY_NEW_FILE, KEY_FILE_MAKE, 0, NULL);
	write_file(" \n", 0600);
	look_up(path, KEY_FILE, 0, -EINVAL, "PrivateKeyFile: cannot read /key: it is empty / a key has 44 base64 characters, the last of which is '='");
	write_file("PrivateKey = " KEY "\n", 0600);
	look_up(path, KEY_FILE, 0, -EINVAL, not_a_key);
	write_file(KEY KEY, 0600);
	look_up(path, KEY_FILE, 0, -EINVAL, not_a_key);
	memset(large, ' ', sizeof large);
	memcpy(large, KEY, KEY_BASE64_CHARS);
	large[sizeof large - 1] = '\0';
	write_file(large, 0600);
	look_up(path, KEY_FILE, 0, -EINVAL, not_a_key);
	fileio_remove(path);
}

static void permissions(void **state)
{
	(void)state;
	write_file(KEY, 0640);
	look_up(path, KEY_FILE, 0, -EPERM, "PrivateKeyFile: cannot read /key: its mode is 0640, and must be 0600 / chmod 600 /key");
	write_file(KEY, 0604);
	look_up(path, KEY_FILE, 0, -EPERM, "PrivateKeyFile: cannot read /key: its mode is 0604, and must be 0600 / chmod 600 /key");
	write_file(KEY, 0600);
	if (getuid() == 0 && chown(path, 12345, 0) == 0) {
		look_up(path, KEY_FILE, 0, -EPERM, "PrivateKeyFile: cannot read /key: it belongs to user 12345 / chown root /key");
		setenv("SUDO_UID", "12345", 1);
		look_up(path, KEY_FILE, 0, 0, NULL);
		unsetenv("SUDO_UID");
	}
	fileio_remove(path);
}

static void kinds_of_files(void **state)
{
	char none[128];

	(void)state;
	look_up(path, KEY_FILE, KEY_FILE_MAKE, -ENOENT, "PrivateKeyFile: cannot read /key: No such file or directory");
	look_up(path, KEY_NEW_FILE, 0, -ENOENT, "PrivateKeyFile: cannot read /key: No such file or directory / `wg-quick up' makes it");
	look_up(path, KEY_NEW_FILE, KEY_FILE_LATER, -EAGAIN, NULL);
	look_up(folder, KEY_FILE, 0, -EISDIR, "PrivateKeyFile: cannot read : it is a directory");
	look_up("/dev/null", KEY_FILE, 0, -EINVAL, "PrivateKeyFile: cannot read /dev/null: it is not a regular file");
	write_file(KEY, 0600);
	assert_int_equal(symlink(path, other), 0);
	look_up(other, KEY_FILE, 0, -ELOOP, "PrivateKeyFile: cannot read /other: it is a symbolic link / write the path of its target");
	look_up(other, KEY_NEW_FILE, KEY_FILE_MAKE, -ELOOP,
		"PrivateKeyFile: cannot read /other: it is a symbolic link / write the path of its target");
	snprintf(none, sizeof none, "%s/x", path);
	look_up(none, KEY_FILE, 0, -ENOTDIR, "PrivateKeyFile: cannot read /key/x: Not a directory");
	fileio_remove(other);
	fileio_remove(path);
}

static void credentials(void **state)
{
	(void)state;
	unsetenv("CREDENTIALS_DIRECTORY");
	look_up("key", KEY_CREDENTIAL, 0, -ENOENT, "PrivateKeyFile: there is no credential `key': CREDENTIALS_DIRECTORY is not set / "
						   "use systemctl, and LoadCredential= or LoadCredentialEncrypted= in the unit");
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	look_up("key", KEY_CREDENTIAL, 0, -ENOENT, "PrivateKeyFile: cannot read /key: No such file or directory");
	write_file(KEY, 0440); /* an access control list for the user of the unit */
	look_up("key", KEY_CREDENTIAL, 0, 0, NULL);
	write_file(KEY, 0444);
	look_up("key", KEY_CREDENTIAL, 0, -EPERM, "PrivateKeyFile: cannot read /key: its mode is 0444, and must be 0600 / chmod 600 /key");
	unsetenv("CREDENTIALS_DIRECTORY");
	fileio_remove(path);
}

/* They are read where their writer waits, and otherwise not even opened. */
static void pipes(void **state)
{
	char descriptor[32];
	int ends[2], status;
	pid_t writer;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	look_up(path, KEY_FILE, 0, -EAGAIN, NULL);
	writer = fork();
	if (writer == 0) {
		int fd = open(path, O_WRONLY);
		_exit(fd < 0 || write(fd, KEY "\n", KEY_BASE64_CHARS + 1) != KEY_BASE64_CHARS + 1);
	}
	look_up(path, KEY_FILE, KEY_FILE_WAIT, 0, NULL);
	assert_int_equal(waitpid(writer, &status, 0), writer);
	assert_int_equal(status, 0);
	assert_int_equal(chmod(path, 0644), 0);
	fileio_remove(path);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], KEY, KEY_BASE64_CHARS), KEY_BASE64_CHARS);
	close(ends[1]);
	snprintf(descriptor, sizeof descriptor, "/dev/fd/%d", ends[0]);
	look_up(descriptor, KEY_FILE, 0, -EAGAIN, NULL);
	look_up(descriptor, KEY_FILE, KEY_FILE_WAIT, 0, NULL);
	close(ends[0]);
}

static void new_keys(void **state)
{
	struct wg_private key, again;
	struct text text = text_heap();
	struct stat st;
	char nowhere[128];

	(void)state;
	umask(0277); /* the mode does not depend on it */
	assert_int_equal(key_make(&key, path), 0);
	umask(0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(fileio_read(path, &text), 0);
	assert_int_equal(text.n, KEY_BASE64_CHARS + 1);
	assert_true(key_from_base64(again.b, span_sub(text_of(&text), 0, KEY_BASE64_CHARS)));
	assert_memory_equal(&again, &key, sizeof key);
	assert_int_equal(key.b[0] & 7, 0); /* clamped */
	assert_int_equal(key.b[31] & 0xc0, 0x40);
	/* It replaces nothing, not even a link that leads nowhere. */
	assert_int_equal(key_make(&key, path), -EEXIST);
	fileio_remove(path);
	assert_int_equal(symlink("nowhere", path), 0);
	assert_int_equal(key_make(&key, path), -EEXIST);
	fileio_remove(path);
	snprintf(nowhere, sizeof nowhere, "%s/no/key", folder);
	assert_int_equal(key_make(&key, nowhere), -ENOENT);
	text_heap_free(&text);
}

static bool file_has(const struct wg_private *key)
{
	struct wg_private found;
	struct text text = text_heap();
	bool has = fileio_read(path, &text) == 0 && text.n == KEY_BASE64_CHARS + 1 &&
		   key_from_base64(found.b, span_sub(text_of(&text), 0, KEY_BASE64_CHARS)) && memcmp(&found, key, sizeof found) == 0;

	text_heap_free(&text);
	return has;
}

static void new_keys_without_unnamed_files(void **state)
{
	char temporary[128];
	struct wg_private key;
	struct stat st;

	(void)state;
	snprintf(temporary, sizeof temporary, "%s.tmp", path);
	for (int kind = 0; kind < 3; kind++) { /* of what was left there */
		if (kind == 1)
			assert_int_equal(close(open(temporary, O_CREAT | O_WRONLY, 0666)), 0);
		else if (kind == 2)
			assert_int_equal(symlink("/dev/null", temporary), 0);
		assert_int_equal(key_make_named(&key, path), 0);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode, S_IFREG | 0600);
		assert_true(file_has(&key));
		assert_int_equal(lstat(temporary, &st), -1);
		assert_int_equal(key_make_named(&key, path), -EEXIST);
		assert_int_equal(lstat(temporary, &st), -1);
		fileio_remove(path);
	}
}

/* Several processes at the same time: one makes the file, and it has that key. */
static void new_keys_of_several_processes(void **state)
{
	enum { ROUNDS = 30, PROCESSES = 4 };

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		int made = 0, start[2];
		char c;
		assert_int_equal(pipe(start), 0);
		for (int i = 0; i < PROCESSES; i++) {
			if (fork() == 0) {
				struct wg_private key;
				int r;
				close(start[1]);
				while (read(start[0], &c, 1) > 0)
					;
				r = key_make_named(&key, path);
				_exit(r == -EEXIST ? 1 : r == 0 && file_has(&key) ? 0 : 2);
			}
		}
		close(start[1]);
		close(start[0]);
		for (int i = 0; i < PROCESSES; i++) {
			int status;
			assert_true(wait(&status) > 0);
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
			made += WEXITSTATUS(status) == 0;
		}
		assert_int_equal(made, 1);
		fileio_remove(path);
	}
}

/* What `check` sees, which does not read them. */
static void check(unsigned int kind, const char *text)
{
	struct key_source s = { .kind = (uint8_t)kind, .key = "PrivateKeyFile", .name = path };
	struct diag d = { .emit = note };

	messages = 0;
	key_file_check(&s, &d);
	assert_int_equal(messages, text != NULL);
	if (text)
		assert_non_null(strstr(message, text));
}

static void checks(void **state)
{
	(void)state;
	check(KEY_FILE, "No such file");
	check(KEY_NEW_FILE, NULL);
	check(KEY_CREDENTIAL, NULL);
	write_file("not read", 0600);
	check(KEY_FILE, NULL);
	write_file("not read", 0660);
	check(KEY_FILE, "its mode is 0660");
	check(KEY_NEW_FILE, "its mode is 0660");
	fileio_remove(path);
	assert_int_equal(symlink("key", path), 0);
	check(KEY_NEW_FILE, "it is a symbolic link");
	fileio_remove(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	check(KEY_FILE, NULL);
	fileio_remove(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contents),
		cmocka_unit_test(permissions),
		cmocka_unit_test(kinds_of_files),
		cmocka_unit_test(credentials),
		cmocka_unit_test(pipes),
		cmocka_unit_test(new_keys),
		cmocka_unit_test(new_keys_without_unnamed_files),
		cmocka_unit_test(new_keys_of_several_processes),
		cmocka_unit_test(checks),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
