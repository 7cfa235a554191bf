/* The file of endpoints that were configured last. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ipc/last_request.h"

static char dir[64];

static const struct identity device = {
	.backend = IPC_KERNEL, .boot = "11111111-2222-3333-4444-55555555555", .namespace = 4026531840, .cookie = 1, .number = 7,
};

static int make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/wgsuite-last-request.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static enum existence all_are_gone(void *ctx, const char *name, const struct identity *id)
{
	(void)ctx;
	(void)id;
	assert_string_equal(name, "wg0");
	return IS_GONE;
}

static int remove_dir(void **state)
{
	(void)state;
	last_request_clean(dir, all_are_gone, NULL);
	return access(dir, F_OK) < 0 && errno == ENOENT ? 0 : -1; /* the last file removes the directory */
}

static struct wg_peer *add_peer(struct wg_device *d, uint8_t key, uint16_t port)
{
	struct wg_peer *peer = device_add_peer(d);

	assert_non_null(peer);
	peer->public_key.b[0] = key;
	peer->flags = WG_PEER_HAS_PUBLIC_KEY | (port ? WG_PEER_HAS_ENDPOINT : 0);
	peer->endpoint.addr = ip_v6((const uint8_t[16]){ 0xfe, 0x80, [15] = key });
	peer->endpoint.port = port;
	peer->endpoint.scope = port ? 7 : 0;
	return peer;
}

/* The keys and ports that the file has of a device, as text. */
static const char *contents_for(const struct identity *id, const struct wg_device *of)
{
	static char buffer[256];
	struct text t = text_fixed(buffer, sizeof buffer);
	struct wg_device d;

	assert_int_equal(last_request_read(dir, id, &d, "wg0", of), 0);
	for (uint32_t i = 0; i < d.n_peers; i++) {
		assert_int_equal(d.peers[i].flags, WG_PEER_HAS_PUBLIC_KEY | WG_PEER_HAS_ENDPOINT);
		assert_int_equal(d.peers[i].endpoint.addr.b[15], d.peers[i].public_key.b[0]);
		assert_int_equal(d.peers[i].endpoint.scope, 7);
		text_f(&t, "%u:%u ", d.peers[i].public_key.b[0], d.peers[i].endpoint.port);
	}
	device_free(&d);
	return buffer;
}

static const char *contents(const struct wg_device *of)
{
	return contents_for(&device, of);
}

static bool save(const struct identity *id, const struct wg_device *patch)
{
	assert_true(last_request_changes(patch));
	return last_request_save(dir, id, patch);
}

static void patches_accumulate(void **state)
{
	struct wg_device patch = { .name = "wg0" }, of = { 0 };

	(void)state;
	assert_string_equal(contents(NULL), ""); /* no file */
	add_peer(&patch, 1, 10);
	add_peer(&patch, 2, 20);
	add_peer(&patch, 3, 0);
	assert_true(save(&device, &patch));
	assert_string_equal(contents(NULL), "1:10 2:20 ");
	device_free(&patch);

	patch = (struct wg_device){ .name = "wg0" };
	add_peer(&patch, 1, 11);
	add_peer(&patch, 2, 0)->flags |= WG_PEER_REMOVE;
	add_peer(&patch, 4, 40);
	assert_false(save(&device, &patch)); /* not the first time */
	assert_string_equal(contents(NULL), "1:11 4:40 ");
	device_free(&patch);

	add_peer(&of, 4, 0);
	assert_string_equal(contents(&of), "4:40 "); /* only peers that `of` has */
	device_free(&of);

	patch = (struct wg_device){ .name = "wg0", .flags = WG_DEVICE_REPLACE_PEERS };
	add_peer(&patch, 5, 50);
	assert_false(save(&device, &patch));
	assert_string_equal(contents(NULL), "5:50 ");
	device_free(&patch);
}

/* The path of the only file in the directory. */
static const char *file_path(void)
{
	static char path[512];
	const struct dirent *entry;
	DIR *d = opendir(dir);

	assert_non_null(d);
	path[0] = '\0';
	while ((entry = readdir(d)))
		if (entry->d_name[0] != '.')
			snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
	closedir(d);
	return path;
}

static void damaged_files_are_ignored(void **state)
{
	struct wg_device patch = { .name = "wg0" };
	struct stat st;

	(void)state;
	add_peer(&patch, 1, 10);
	assert_true(save(&device, &patch));
	device_free(&patch);
	assert_int_equal(stat(file_path(), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, IDENTITY_BYTES + 56);
	assert_int_equal(truncate(file_path(), IDENTITY_BYTES + 55), 0);
	assert_string_equal(contents(NULL), "");
}

static void save_one(const struct identity *id, uint16_t port)
{
	struct wg_device patch = { .name = "wg0" };

	add_peer(&patch, 1, port);
	(void)save(id, &patch);
	device_free(&patch);
}

static void another_device_of_the_same_name(void **state)
{
	struct identity others[] = { device, device, device, device };

	(void)state;
	others[0].boot[0] = '0';
	others[1].cookie++; /* the namespace has the inode of an earlier one */
	others[2].number++;
	others[3].time_ns++;
	save_one(&device, 10);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_string_equal(contents_for(&others[i], NULL), "");
	assert_string_equal(contents(NULL), "1:10 ");
	save_one(&others[2], 20); /* replaces the old file, and does not add to it */
	assert_string_equal(contents_for(&others[2], NULL), "1:20 ");
	assert_string_equal(contents(NULL), "");
}

static void name_of_the_namespace_is_not_compared(void **state)
{
	struct identity named = device;

	(void)state;
	strcpy(named.netns_name, "blue");
	save_one(&device, 10);
	assert_string_equal(contents_for(&named, NULL), "1:10 ");
}

static void identities_as_bytes(void **state)
{
	struct identity a = device, b;
	uint8_t bytes[IDENTITY_BYTES];

	(void)state;
	strcpy(a.netns_name, "blue");
	a.time_ns = 0x123456789abcdef;
	identity_encode(bytes, &a);
	assert_true(identity_decode(&b, bytes));
	assert_true(identity_equal(&a, &b));
	assert_string_equal(b.netns_name, "blue");
	memset(bytes + IDENTITY_BYTES - sizeof a.netns_name, 'x', sizeof a.netns_name);
	assert_false(identity_decode(&b, bytes)); /* without an end */
	identity_encode(bytes, &a);
	bytes[0] = 0;
	assert_false(identity_decode(&b, bytes));
}

/* ---- removing ---- */

static enum existence as_in_time(void *ctx, const char *name, const struct identity *id)
{
	assert_string_equal(name, "wg0");
	assert_true(identity_equal(id, &device));
	return *(enum existence *)ctx;
}

static void set_age(const char *path, time_t days)
{
	const struct timespec then = { .tv_sec = time(NULL) - days * 86400 };

	assert_int_equal(utimensat(AT_FDCWD, path, (const struct timespec[]){ then, then }, 0), 0);
}

static bool remains(enum existence e)
{
	last_request_clean(dir, as_in_time, &e);
	return access(dir, F_OK) == 0 && file_path()[0] != '\0';
}

static void files_of_devices_that_are_gone(void **state)
{
	(void)state;
	save_one(&device, 10);
	assert_true(remains(EXISTS));
	assert_true(remains(MAY_EXIST));
	assert_false(remains(IS_GONE));
}

static void files_of_unknown_namespaces_expire(void **state)
{
	struct stat st;

	(void)state;
	save_one(&device, 10);
	set_age(file_path(), 31);
	assert_true(remains(EXISTS));
	assert_string_equal(contents(NULL), "1:10 "); /* in use: it is young again */
	assert_int_equal(stat(file_path(), &st), 0);
	assert_true(time(NULL) - st.st_mtime < 86400);
	set_age(file_path(), 29);
	assert_true(remains(MAY_EXIST));
	set_age(file_path(), 31);
	assert_false(remains(MAY_EXIST));
}

static void write_file(const char *name, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void files_of_other_formats(void **state)
{
	(void)state;
	write_file("endpoints.wg0@1", "01234567890123456789012345678901234567890123456789012345"); /* of an earlier version */
	assert_false(remains(EXISTS));
	assert_int_equal(mkdir(dir, 0755), 0);
	write_file("endpoints.wg0@1.new", "");
	assert_true(remains(IS_GONE)); /* another process may be writing it */
	set_age(file_path(), 1);
	assert_false(remains(EXISTS));
	assert_int_equal(mkdir(dir, 0755), 0);
	write_file("wg0@1", ""); /* a journal */
	assert_true(remains(IS_GONE));
	assert_int_equal(unlink(file_path()), 0);
	write_file("endpoints.@1", "");
	assert_true(remains(IS_GONE));
	assert_int_equal(unlink(file_path()), 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(patches_accumulate, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(damaged_files_are_ignored, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(another_device_of_the_same_name, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(name_of_the_namespace_is_not_compared, make_dir, remove_dir),
		cmocka_unit_test(identities_as_bytes),
		cmocka_unit_test_setup(files_of_devices_that_are_gone, make_dir),
		cmocka_unit_test_setup(files_of_unknown_namespaces_expire, make_dir),
		cmocka_unit_test_setup(files_of_other_formats, make_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
