/* The socket transport against scripted daemons: correct, outdated and malicious ones. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ipc/ipc.h"
#include "ipc/link.h"
#include "ipc/socket.h"
#include "model/uapi.h"
#include "../../lib/root.h"
#include "../../lib/uapi_script.h"

#define KEY_A "b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33"
#define STATE \
	"private_key=e84b5a6d2717c1003a13b431570353dbaca9146cf150c5f8575680feba52027a\n" \
	"listen_port=12912\npublic_key=" KEY_A "\nallowed_ip=192.168.4.4/32\nallowed_ip=10.0.0.0/8\n" \
	"endpoint=192.0.2.1:5\nunknown_key=1\n"

static int get_once(struct wg_device *out, const char *answer, size_t n)
{
	struct uapi_script s = { .answers = { answer }, .answer_n = { n }, .n = 1 };
	struct ipc c = { 0 };
	int rc;

	uapi_script_begin(&s, "wg0");
	c.socket_dir = s.dir;
	rc = ipc_get(&c, out, "wg0");
	ipc_close(&c);
	uapi_script_end(&s);
	assert_int_equal(s.served, 1);
	assert_string_equal(s.requests[0], "get=1\n\n");
	free(s.requests[0]);
	return rc;
}

static void get_reads_a_device(void **state)
{
	struct wg_device d;
	char base64[KEY_BASE64_CHARS + 1];

	(void)state;
	assert_int_equal(get_once(&d, STATE "errno=0\n\n", 0), 0);
	assert_string_equal(d.name, "wg0");
	assert_int_equal(d.listen_port, 12912);
	assert_int_equal(d.n_peers, 1);
	assert_int_equal(d.peers[0].n_allowedips, 2);
	assert_true(d.flags & WG_DEVICE_HAS_PUBLIC_KEY);
	key_to_base64(base64, d.public_key.b); /* of the private key above */
	assert_string_equal(base64, "wVMuGz01CPx+vDVPpnliDzPyhxSVQuaExnt7DYE2Kyk=");
	device_free(&d);
}

static void failing_replies(void **state)
{
	static const struct {
		const char *answer;
		int rc;
	} cases[] = {
		{ "errno=-1\n\n", -EPERM },
		{ "errno=1\n\n", -EPERM },
		{ STATE "errno=-22\n\n", -EINVAL },
		{ STATE "\n", -EPROTO },                   /* no errno */
		{ STATE "errno=0\n", -EPROTO },            /* no blank line */
		{ STATE, -EPROTO },
		{ "", -EPROTO },
		{ "x", -EPROTO },
		{ "hello\n\n", -EPROTO },
		{ "listen_port=65536\nerrno=0\n\n", -EPROTO },
		{ "private_key=e84b\nerrno=0\n\n", -EPROTO },
		{ "public_key=" KEY_A "\nallowed_ip=10.0.0.0/33\nerrno=0\n\n", -EPROTO },
		{ "public_key=" KEY_A "\nendpoint=evil.example:5\nerrno=0\n\n", -EPROTO },
		{ "public_key=" KEY_A "\nrx_bytes=-1\nerrno=0\n\n", -EPROTO },
		{ "errno=99999999999\n\n", -EPROTO },
		{ "errno=\n\n", -EPROTO },
	};
	struct wg_device d;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(get_once(&d, cases[i].answer, cases[i].answer[0] ? 0 : 1), cases[i].rc);
		assert_int_equal(d.n_peers, 0);
		assert_int_equal(d.flags, 0);
	}
	assert_int_equal(get_once(&d, "of_tomorr\0ow=1\nerrno=0\n\n", 22), -EPROTO);
}

/* Endless lines and NULs fail. */
static void endless_replies_fail(void **state)
{
	size_t n = 8 << 20;
	char *flood = malloc(n);
	struct wg_device d;

	(void)state;
	memset(flood, 'a', n);
	assert_int_equal(get_once(&d, flood, n), -EPROTO);
	memset(flood, 0, n);
	assert_int_equal(get_once(&d, flood, n), -EPROTO);
	memset(flood, '\n', n);
	assert_int_equal(get_once(&d, flood, n), -EPROTO);
	free(flood);
}

static int set_script(struct uapi_script *s, const struct wg_device *patch)
{
	struct ipc c = { 0 };
	int rc;

	uapi_script_begin(s, "wg0");
	c.socket_dir = s->dir;
	rc = ipc_set(&c, patch);
	ipc_close(&c);
	uapi_script_end(s);
	return rc;
}

static void free_requests(struct uapi_script *s)
{
	for (int i = 0; i < s->served; i++)
		free(s->requests[i]);
}

static struct wg_device patch_of_one_peer(void)
{
	struct wg_device patch = { .name = "wg0" };
	struct wg_peer *peer = device_add_peer(&patch);

	assert_true(key_from_hex(peer->public_key.b, span_of(KEY_A)));
	peer->flags = WG_PEER_HAS_PUBLIC_KEY;
	return patch;
}

static void add_ip(struct wg_peer *peer, const char *prefix, bool remove)
{
	struct wg_allowedip *ip = peer_add_allowedip(peer);

	assert_true(prefix_parse(&ip->prefix, span_of(prefix), NULL));
	ip->flags = remove ? WG_ALLOWEDIP_REMOVE : 0;
}

static void set_sends_a_patch(void **state)
{
	struct uapi_script s = { .answers = { "errno=0\n\n" }, .n = 1 };
	struct wg_device patch = patch_of_one_peer();

	(void)state;
	add_ip(&patch.peers[0], "10.0.0.0/8", true);
	assert_int_equal(set_script(&s, &patch), 0);
	assert_int_equal(s.served, 1);
	assert_string_equal(s.requests[0], "set=1\npublic_key=" KEY_A "\nallowed_ip=-10.0.0.0/8\n\n");
	free_requests(&s);
	device_free(&patch);
}

static void errno_of_set_has_either_sign(void **state)
{
	static const char *const answers[] = { "errno=-98\n\n", "errno=98\n\n" };
	struct wg_device patch = { .name = "wg0", .flags = WG_DEVICE_HAS_LISTEN_PORT, .listen_port = 53 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct uapi_script s = { .answers = { answers[i] }, .n = 1 };

		assert_int_equal(set_script(&s, &patch), -EADDRINUSE);
		free_requests(&s);
	}
}

/* A daemon that does not know '-': the list is read, changed and written completely. */
static void old_daemons_get_full_lists(void **state)
{
	struct uapi_script s = {
		.answers = { "errno=-22\n\n", STATE "errno=0\n\n", "errno=0\n\n" }, .n = 3,
	};
	struct wg_device patch = patch_of_one_peer();

	(void)state;
	add_ip(&patch.peers[0], "10.0.0.0/8", true);
	add_ip(&patch.peers[0], "fd00::/64", false);
	assert_int_equal(set_script(&s, &patch), 0);
	assert_int_equal(s.served, 3);
	assert_string_equal(s.requests[2], "set=1\npublic_key=" KEY_A "\nreplace_allowed_ips=true\n"
					   "allowed_ip=192.168.4.4/32\nallowed_ip=fd00::/64\n\n");
	free_requests(&s);
	device_free(&patch);
}

/* Without a removal, EINVAL has another reason and is not retried. */
static void a_refused_value_is_not_retried(void **state)
{
	struct uapi_script s = { .answers = { "errno=-22\n\n" }, .n = 1 };
	struct wg_device patch = patch_of_one_peer();

	(void)state;
	add_ip(&patch.peers[0], "10.0.0.0/8", false);
	assert_int_equal(set_script(&s, &patch), -EINVAL);
	assert_int_equal(s.served, 1);
	free_requests(&s);
	device_free(&patch);
}

static void stale_sockets_and_other_files(void **state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/wgsuite-sock.XXXXXX", path[96];
	struct ipc_names names = { 0 };
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), lock;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(sa.sun_path, sizeof sa.sun_path, "%s/stale.sock", dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	close(fd); /* no process listens now */
	snprintf(path, sizeof path, "%s/link.sock", dir);
	assert_int_equal(symlink("stale.sock", path), 0);
	if (geteuid() == 0) /* root's link is followed, and stays when the daemon behind it has died */
		assert_int_equal(socket_open(dir, "link"), -ECONNREFUSED);
	if (is_full_root())
		assert_int_equal(lchown(path, 65534, 65534), 0);
	if (is_full_root() || geteuid() != 0)
		assert_int_equal(socket_open(dir, "link"), -ENOENT);
	lock = open(dir, O_RDONLY | O_DIRECTORY); /* of a daemon that does not listen yet */
	assert_int_equal(flock(lock, LOCK_EX), 0);
	assert_int_equal(socket_open(dir, "stale"), -ECONNREFUSED);
	assert_int_equal(lstat(sa.sun_path, &st), 0);
	close(lock);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(socket_open(dir, "link"), -ENOENT);
	assert_int_equal(socket_open(dir, "../x"), -ENOENT);
	assert_int_equal(socket_open(dir, ""), -ENOENT);
	assert_int_equal(socket_list(dir, &names), 0);
	assert_int_equal(names.n, 0);
	assert_int_equal(lstat(sa.sun_path, &st), -1); /* the stale one was removed */
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(socket_list(dir, &names), 0); /* no directory: no devices */
	ipc_names_free(&names);
}

static void list_of_sockets(void **state)
{
	struct uapi_script s = { .n = 1, .answers = { "" } };
	struct ipc_names names = { 0 };

	(void)state;
	uapi_script_begin(&s, "fifteen-letters");
	assert_int_equal(socket_list(s.dir, &names), 0);
	assert_int_equal(names.n, 1);
	assert_string_equal(names.list[0].name, "fifteen-letters");
	assert_int_equal(names.list[0].backend, IPC_SOCKET);
	uapi_script_end(&s);
	ipc_names_free(&names);
}

/* A listener that accepts no connection, as a stopped daemon. */
static int stopped_daemon(char dir[32])
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(dir, "/tmp/wgsuite-sock.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(sa.sun_path, sizeof sa.sun_path, "%s/wg0.sock", dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(fd, 0), 0); /* one connection waits */
	return fd;
}

static void stopped_daemon_end(int fd, const char *dir)
{
	char path[96];

	close(fd);
	snprintf(path, sizeof path, "%s/wg0.sock", dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* One that is stopped times out, also when its queue of connections is full; it is listed at once. */
static void a_silent_daemon_times_out(void **state)
{
	char dir[32];
	struct ipc c = { .socket_dir = dir };
	struct ipc_names names = { 0 };
	struct wg_device d;
	int fd = stopped_daemon(dir);

	(void)state;
	assert_int_equal(ipc_get(&c, &d, "wg0"), -ETIMEDOUT);
	assert_int_equal(ipc_get(&c, &d, "wg0"), -ETIMEDOUT);
	assert_int_equal(socket_list(dir, &names), 0);
	assert_int_equal(names.n, 1);
	ipc_names_free(&names);
	ipc_close(&c);
	stopped_daemon_end(fd, dir);
}

/* A connection whose send() fails, as with ENOBUFS: no reply can come. */
static void a_failed_send_is_not_waited_for(void **state)
{
	int pair[2];
	struct wg_device patch = patch_of_one_peer();

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	for (int i = 0; i < 4000; i++) /* more than a datagram may have: EMSGSIZE */
		add_ip(device_add_peer(&patch), "fd00::/64", false);
	for (uint32_t i = 1; i < patch.n_peers; i++)
		patch.peers[i].flags = WG_PEER_HAS_PUBLIC_KEY;
	assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &(int){ 4096 }, sizeof(int)), 0);
	assert_int_equal(socket_set(pair[0], &patch), -EMSGSIZE);
	close(pair[1]);
	device_free(&patch);
}

static void more_peers_than_a_device_can_have(void **state)
{
	static const char line[] = "public_key=" KEY_A "\n", tail[] = "errno=0\n\n";
	size_t n = (WG_PEERS_MAX + 1) * (sizeof line - 1), total = n + sizeof tail - 1;
	char *reply = malloc(total);
	struct wg_device d;

	(void)state;
	for (size_t i = 0; i < n; i += sizeof line - 1)
		memcpy(reply + i, line, sizeof line - 1);
	memcpy(reply + n, tail, sizeof tail - 1);
	assert_int_equal(get_once(&d, reply, total), -EMSGSIZE);
	assert_int_equal(d.n_peers, 0);
	free(reply);
}

static void more_allowed_ips_than_a_device_can_have(void **state)
{
	static const char line[] = "allowed_ip=10.0.0.0/8\n";
	struct wg_device d = { 0 };
	struct uapi_reader r = { .device = &d, .scopes = &ipc_scopes };
	struct span text = SPAN("public_key=" KEY_A "\n");

	(void)state;
	assert_int_equal(uapi_read_reply(&r, &text), 0);
	r.n_allowedips = WG_ALLOWEDIPS_MAX - 1;
	text = (struct span){ line, sizeof line - 1 };
	assert_int_equal(uapi_read_reply(&r, &text), 0);
	text = (struct span){ line, sizeof line - 1 };
	assert_int_equal(uapi_read_reply(&r, &text), -EMSGSIZE);
	device_free(&d);
}

/* Without Unix sockets (a sandbox) there are no devices; without descriptors that is not known. */
static void lack_of_descriptors_is_an_error(void **state)
{
	struct uapi_script s = { .n = 1, .answers = { "" } };
	struct rlimit before, none;

	(void)state;
	uapi_script_begin(&s, "wg0");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ 0, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(socket_open(s.dir, "wg0"), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	uapi_script_end(&s);
}

static void long_names_are_refused(void **state)
{
	struct ipc c = { 0 };
	struct wg_device d;

	(void)state;
	assert_int_equal(ipc_get(&c, &d, "sixteen-letters!"), -ENAMETOOLONG);
	ipc_close(&c);
}

static void links_of_other_kinds(void **state)
{
	struct ipc c = { .socket_dir = "/nonexistent" };
	struct ipc_names names;
	struct wg_device d;
	struct netlink rt;
	uint32_t index = 1;

	(void)state;
	assert_int_equal(netlink_open(&rt, NETLINK_ROUTE), 0);
	assert_int_equal(link_index(&rt, "lo", &index), 0);
	assert_int_equal(index, 0);
	assert_int_equal(link_index(&rt, "nosuch", &index), -ENODEV);
	netlink_close(&rt);
	assert_int_equal(ipc_list(&c, &names), 0);
	ipc_names_free(&names);
	assert_true(ipc_error_is_no_device(ipc_get(&c, &d, "nosuch")));
	assert_true(ipc_error_is_no_device(ipc_get(&c, &d, "lo")));
	ipc_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(get_reads_a_device),
		cmocka_unit_test(failing_replies),
		cmocka_unit_test(endless_replies_fail),
		cmocka_unit_test(set_sends_a_patch),
		cmocka_unit_test(errno_of_set_has_either_sign),
		cmocka_unit_test(old_daemons_get_full_lists),
		cmocka_unit_test(a_refused_value_is_not_retried),
		cmocka_unit_test(stale_sockets_and_other_files),
		cmocka_unit_test(list_of_sockets),
		cmocka_unit_test(a_silent_daemon_times_out),
		cmocka_unit_test(a_failed_send_is_not_waited_for),
		cmocka_unit_test(more_peers_than_a_device_can_have),
		cmocka_unit_test(more_allowed_ips_than_a_device_can_have),
		cmocka_unit_test(lack_of_descriptors_is_an_error),
		cmocka_unit_test(long_names_are_refused),
		cmocka_unit_test(links_of_other_kinds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
