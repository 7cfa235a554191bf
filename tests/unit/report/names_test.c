/* Which file has the names of a device, and what is reported about a name. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "report/names.h"
#include "report/report.h"

#define KEY_A "oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs="
#define KEY_B "hV1StKWfcC6Yx21xhFvoiXnWONjGHN1dFeibN737Wnc="
#define KEY_C "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define PRIVATE "6EtabScXwQA6E7QxVwNT26ypFGzxUMX4V1aA/rpSAno="
#define OTHER_PRIVATE "AEtabScXwQA6E7QxVwNT26ypFGzxUMX4V1aA/rpSAno="
#define JOURNAL "wgsuite-record 1\nconfig %s/%s\nindex %s\nlink\n"

static char folder[64], files[96], journals[96];

static struct wg_public key(const char *base64)
{
	struct wg_public k;

	assert_true(key_from_base64(k.b, span_of(base64)));
	return k;
}

static void put(const char *in, const char *name, const char *text)
{
	char path[256];
	struct text t = text_fixed(path, sizeof path);
	int fd;

	text_f(&t, "%s/%s", in, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void put_journal(const char *name, const char *in, const char *file, const char *index)
{
	char text[512];
	struct text t = text_fixed(text, sizeof text);

	text_f(&t, JOURNAL, in, file, index);
	put(journals, name, text);
}

static void put_file(const char *in, const char *name, const char *private_key, const char *peer_name)
{
	char text[512];
	struct text t = text_fixed(text, sizeof text);

	text_f(&t, "[Interface]\n%s%s\n[Peer]\n# Name = %s\nPublicKey = " KEY_A "\n",
	       private_key ? "PrivateKey = " : "", private_key ? private_key : "", peer_name);
	put(in, name, text);
}

static int begin(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/wgsuite-names-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	(void)snprintf(files, sizeof files, "%s/files", folder);
	(void)snprintf(journals, sizeof journals, "%s/journals", folder);
	return mkdir(files, 0700) || mkdir(journals, 0700);
}

static int end(void **state)
{
	char command[256];

	(void)state;
	(void)snprintf(command, sizeof command, "rm -r %s", folder);
	return system(command);
}

/* The name of KEY_A on the device NAME with this index and private key, or "-" and the reason. */
static const char *name_on(const char *device, uint32_t ifindex, const char *private_key, int error)
{
	static char name[128];
	struct names_folders folders = { .files = files, .journals = journals, .netns = 7 };
	struct wg_device d = { .ifindex = ifindex };
	struct wg_public a = key(KEY_A);
	struct peer_names n;
	const char *found;

	strcpy(d.name, device);
	if (private_key) {
		assert_true(key_from_base64(d.private_key.b, span_of(private_key)));
		d.flags = WG_DEVICE_HAS_PRIVATE_KEY;
	}
	names_read(&n, &d, &folders);
	found = names_of(&n, &a);
	(void)snprintf(name, sizeof name, "%s", found ? found : "-");
	assert_int_equal(n.error, error);
	names_free(&n);
	return name;
}

static void by_interface_name(void **state)
{
	(void)state;
	assert_string_equal(name_on("wg0", 5, PRIVATE, -ENOENT), "-");
	put_file(files, "wg0.conf", PRIVATE, "mine");
	assert_string_equal(name_on("wg0", 5, PRIVATE, 0), "mine");
	assert_string_equal(name_on("wg0", 5, NULL, 0), "mine");
	put_file(files, "wg0.conf", NULL, "hook"); /* a hook sets the key */
	assert_string_equal(name_on("wg0", 5, PRIVATE, 0), "hook");
	put_file(files, "wg0.conf", OTHER_PRIVATE, "other");
	assert_string_equal(name_on("wg0", 5, PRIVATE, -ESTALE), "-");
	assert_string_equal(name_on("../files/wg0", 5, NULL, 0), "-");
}

static void in_drop_ins(void **state)
{
	char path[160];

	(void)state;
	(void)snprintf(path, sizeof path, "%s/wg0.conf.d", files);
	assert_int_equal(mkdir(path, 0700), 0);
	put(files, "wg0.conf", "[Interface]\nPrivateKey = " PRIVATE); /* no newline */
	put(path, "x.conf~", "[Peer]\n# Name = backup\nPublicKey = " KEY_A "\n");
	assert_string_equal(name_on("wg0", 5, PRIVATE, 0), "-");
	put(path, "x.conf", "[Peer]\n# Name = dropped in\nPublicKey = " KEY_A "\n");
	assert_string_equal(name_on("wg0", 5, PRIVATE, 0), "dropped in");
}

static void by_private_key(void **state)
{
	(void)state;
	put_file(files, "wg0.conf", OTHER_PRIVATE, "other");
	put_file(files, "wg1.conf", PRIVATE, "same key");
	put_file(files, "wg2.conf.bak", PRIVATE, "backup");
	assert_string_equal(name_on("wg0", 5, PRIVATE, 0), "same key");
	assert_string_equal(name_on("renamed", 5, PRIVATE, 0), "same key");
	assert_string_equal(name_on("renamed", 5, NULL, -ENOENT), "-");
}

static void by_journal(void **state)
{
	(void)state;
	put_file(files, "wg0.conf", PRIVATE, "by name");
	put_file(folder, "elsewhere.conf", PRIVATE, "elsewhere");
	assert_string_equal(name_on("wg0", 5, PRIVATE, 0), "by name");
	put_journal("wg0@7", folder, "elsewhere.conf", "5");
	assert_string_equal(name_on("wg0", 5, PRIVATE, 0), "elsewhere");
	assert_string_equal(name_on("renamed", 5, PRIVATE, 0), "elsewhere");
	assert_string_equal(name_on("renamed", 5, OTHER_PRIVATE, 0), "elsewhere"); /* the key was changed since */
	assert_string_equal(name_on("wg0", 6, PRIVATE, 0), "by name"); /* a later interface */
	put_journal("wg0@8", folder, "elsewhere.conf", "6"); /* of another namespace */
	assert_string_equal(name_on("wg0", 6, PRIVATE, 0), "by name");
	assert_string_equal(name_on("wg0", 0, PRIVATE, 0), "by name");
	/* Without a link of this name and a file, the key decides. */
	put_file(files, "wg0.conf", OTHER_PRIVATE, "by name");
	assert_string_equal(name_on("nolink", 0, PRIVATE, 0), "elsewhere");
}

static void broken_journals(void **state)
{
	char path[256];

	(void)state;
	put_file(files, "wg0.conf", PRIVATE, "by name");
	put_file(folder, "elsewhere.conf", PRIVATE, "elsewhere");
	put_journal("wg0@7", "relative", "elsewhere.conf", "5");
	assert_string_equal(name_on("wg0", 5, PRIVATE, 0), "by name");
	put_journal("wg0@7", folder, "missing.conf", "5");
	assert_string_equal(name_on("wg0", 5, PRIVATE, 0), "by name");
	put(journals, "wg0@7", "config /etc/passwd\nindex 5\n");
	put(journals, "endpoints.wg0@7", "\x01\x02");
	put(journals, "@7", JOURNAL);
	assert_string_equal(name_on("wg0", 5, PRIVATE, 0), "by name");
	/* A pipe that nobody writes to is not waited for. */
	(void)snprintf(path, sizeof path, "%s/pipe.conf", files);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_string_equal(name_on("pipe", 9, NULL, -EINVAL), "-");
	assert_string_equal(name_on("nofile", 9, OTHER_PRIVATE, -ENOENT), "-");
}

/* ---- look-ups ---- */

static const char *resolve(const char *file, const char *word, bool ok)
{
	static char printed[2048];
	struct names_folders folders = { .files = files, .journals = journals };
	struct wg_device d = { .name = "wg0" };
	struct wg_public out;
	struct peer_names n;
	int saved = dup(STDERR_FILENO), ends[2];
	ssize_t got;

	put(files, "wg0.conf", file);
	names_read(&n, &d, &folders);
	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	assert_int_equal(names_resolve(&out, &n, word), ok);
	dup2(saved, STDERR_FILENO);
	close(saved);
	got = ok ? 0 : read(ends[0], printed, sizeof printed - 1);
	assert_true(got >= 0);
	close(ends[0]);
	printed[got] = '\0';
	if (ok)
		key_to_base64(printed, out.b);
	names_free(&n);
	return printed;
}

#define FILE_OF_THREE "[Peer]\n# Name = laptop\nPublicKey = " KEY_A "\n[Peer]\n# Name = phone\nPublicKey = " KEY_B "\n" \
	"[Peer]\n# Name = phone\nPublicKey = " KEY_C "\n"

static void look_up(void **state)
{
	char expected[512];

	(void)state;
	report_set_program("wg");
	report_set_interface("wg0");
	assert_string_equal(resolve(FILE_OF_THREE, "@laptop", true), KEY_A);
	assert_string_equal(resolve(FILE_OF_THREE, KEY_B, true), KEY_B);
	assert_string_equal(resolve(FILE_OF_THREE, "@Lap\x1btop", false),
			    "wg: wg0: no peer is named @Lap?top\n  help: did you mean @laptop?\n");
	assert_string_equal(resolve(FILE_OF_THREE, "@phone", false),
			    "wg: wg0: @phone is the name of several peers: " KEY_B " and " KEY_C "\n"
			    "  help: use the key instead of the name, or give the peers different names\n");
	(void)snprintf(expected, sizeof expected,
		       "wg: wg0: no peer is named @\n  help: %s/wg0.conf has the names @laptop, @phone\n", files);
	assert_string_equal(resolve(FILE_OF_THREE, "@", false), expected);
	(void)snprintf(expected, sizeof expected, "wg: wg0: no peer is named @x\n  help: %s/wg0.conf names no peer; "
		       "to name one, write `# Name = NAME' below its [Peer] line\n", files);
	assert_string_equal(resolve("[Peer]\nPublicKey = " KEY_A "\n", "@x", false), expected);
	assert_string_equal(resolve("", "laptop", false), "wg: wg0: expected the public key of a peer or @NAME, found `laptop'\n");
	assert_string_equal(resolve("", PRIVATE "=", false), "wg: wg0: expected the public key of a peer or @NAME\n");
	/* Two sections of one peer are no ambiguity. */
	assert_string_equal(resolve("[Peer]\n# Name = a\nPublicKey = " KEY_A "\n[Peer]\n# Name = a\nPublicKey = " KEY_A "\n",
				    "@a", true), KEY_A);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(by_interface_name, begin, end),
		cmocka_unit_test_setup_teardown(in_drop_ins, begin, end),
		cmocka_unit_test_setup_teardown(by_private_key, begin, end),
		cmocka_unit_test_setup_teardown(by_journal, begin, end),
		cmocka_unit_test_setup_teardown(broken_journals, begin, end),
		cmocka_unit_test_setup_teardown(look_up, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
