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
#include <unistd.h>

#include "ipc/last_request.h"

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/wgsuite-last-request.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	last_request_remove(dir, "wg0");
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

/* The keys and ports in the file, as text. */
static const char *contents(const struct wg_device *of)
{
	static char buffer[256];
	struct text t = text_fixed(buffer, sizeof buffer);
	struct wg_device d;

	assert_int_equal(last_request_read(dir, &d, "wg0", of), 0);
	for (uint32_t i = 0; i < d.n_peers; i++) {
		assert_int_equal(d.peers[i].flags, WG_PEER_HAS_PUBLIC_KEY | WG_PEER_HAS_ENDPOINT);
		assert_int_equal(d.peers[i].endpoint.addr.b[15], d.peers[i].public_key.b[0]);
		assert_int_equal(d.peers[i].endpoint.scope, 7);
		text_f(&t, "%u:%u ", d.peers[i].public_key.b[0], d.peers[i].endpoint.port);
	}
	device_free(&d);
	return buffer;
}

static void patches_accumulate(void **state)
{
	struct wg_device patch = { .name = "wg0" }, of = { 0 };

	(void)state;
	assert_string_equal(contents(NULL), ""); /* no file */
	add_peer(&patch, 1, 10);
	add_peer(&patch, 2, 20);
	add_peer(&patch, 3, 0);
	last_request_save(dir, &patch);
	assert_string_equal(contents(NULL), "1:10 2:20 ");
	device_free(&patch);

	patch = (struct wg_device){ .name = "wg0" };
	add_peer(&patch, 1, 11);
	add_peer(&patch, 2, 0)->flags |= WG_PEER_REMOVE;
	add_peer(&patch, 4, 40);
	last_request_save(dir, &patch);
	assert_string_equal(contents(NULL), "1:11 4:40 ");
	device_free(&patch);

	add_peer(&of, 4, 0);
	assert_string_equal(contents(&of), "4:40 "); /* only peers that `of` has */
	device_free(&of);

	patch = (struct wg_device){ .name = "wg0", .flags = WG_DEVICE_REPLACE_PEERS };
	add_peer(&patch, 5, 50);
	last_request_save(dir, &patch);
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
	last_request_save(dir, &patch);
	device_free(&patch);
	assert_int_equal(stat(file_path(), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 56);
	assert_int_equal(truncate(file_path(), 55), 0);
	assert_string_equal(contents(NULL), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(patches_accumulate, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(damaged_files_are_ignored, make_dir, remove_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
