/* The configuration socket in a temporary directory: its file, and the requests of clients. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "daemon/control/stale_sockets.h"
#include "daemon/control/uapi_server.h"

static char dir[64], path[108];
static struct loop loop;
static struct uapi_server server;
static int sets, gets, removals, set_error, takeover_fd;
static uint32_t mark;

static int on_set(void *ctx, const struct wg_device *patch)
{
	(void)ctx;
	sets++;
	if (!set_error && (patch->flags & WG_DEVICE_HAS_FWMARK))
		mark = patch->fwmark;
	return set_error;
}

static int on_get(void *ctx, struct wg_device *state)
{
	(void)ctx;
	gets++;
	*state = (struct wg_device){ .flags = WG_DEVICE_HAS_FWMARK, .fwmark = mark };
	return 0;
}

static struct wg_binding binding;

static int on_set_binding(void *ctx, const struct wg_binding *b)
{
	(void)ctx;
	if (!set_error)
		binding = *b;
	return set_error;
}

static void on_get_binding(void *ctx, struct wg_binding *b)
{
	(void)ctx;
	*b = binding;
}

static void on_takeover(void *ctx, int fd)
{
	(void)ctx;
	takeover_fd = fd;
}

static void on_removed(void *ctx)
{
	(void)ctx;
	removals++;
}

static const struct uapi_handlers handlers = { NULL, on_set, on_get, NULL, on_set_binding, on_get_binding, on_takeover };

static int begin(void **state)
{
	char text[200];
	struct text why = text_fixed(text, sizeof text);

	(void)state;
	sets = gets = removals = set_error = 0;
	mark = 0;
	snprintf(dir, sizeof dir, "/tmp/uapi_server_test.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof path, "%s/wg0.sock", dir);
	return loop_init(&loop) || uapi_server_open(&server, dir, "wg0", &why) ||
	       uapi_server_start(&server, &loop, &handlers, on_removed);
}

static int end(void **state)
{
	(void)state;
	uapi_server_close(&server);
	loop_free(&loop);
	return rmdir(dir); /* which must be empty */
}

static void run_loop(int times)
{
	while (times-- > 0)
		assert_int_equal(loop_run_once(&loop, true), 0);
}

static int client(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(a.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	run_loop(1);
	return fd;
}

static void send_text(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	run_loop(2);
}

/* One read returns the complete reply. */
static void expect_reply(int fd, const char *want)
{
	char got[200] = "";
	ssize_t n = read(fd, got, sizeof got - 1);

	assert_int_equal(n, strlen(want));
	assert_string_equal(got, want);
}

static void replies_are_complete(void **state)
{
	int fd = client();

	(void)state;
	send_text(fd, "get=1\n\n");
	expect_reply(fd, "errno=0\n\n");
	send_text(fd, "set=1\nfwmark=7\n\n");
	expect_reply(fd, "errno=0\n\n");
	send_text(fd, "get=1\n\n");
	expect_reply(fd, "fwmark=7\nerrno=0\n\n");
	close(fd);
	run_loop(1);
	assert_int_equal(server.clients[0].source.fd, -1);
}

static void what_sockets_are_bound_to_has_requests_of_its_own(void **state)
{
	int fd = client();

	(void)state;
	send_text(fd, "set_binding=1\nbind_device=eth1\nsource_address=192.0.2.5\n\n");
	expect_reply(fd, "errno=0\n\n");
	send_text(fd, "get_binding=1\n\n");
	expect_reply(fd, "bind_device=eth1\nsource_address=192.0.2.5\nerrno=0\n\n");
	send_text(fd, "get=1\n\n");
	expect_reply(fd, "errno=0\n\n");
	send_text(fd, "set_binding=1\nfwmark=1\n\n");
	expect_reply(fd, "errno=-22\n\n");
	set_error = -ENODEV;
	send_text(fd, "set_binding=1\nbind_device=eth2\n\n");
	expect_reply(fd, "errno=-19\n\n");
	set_error = 0;
	send_text(fd, "set_binding=1\n\nget_binding=1\n\n");
	expect_reply(fd, "errno=0\n\nerrno=0\n\n");
	close(fd);
}

static void a_connection_that_asks_for_the_tunnel_is_handed_out(void **state)
{
	int fd = client(), other = client();
	char byte;

	(void)state;
	takeover_fd = -1;
	send_text(other, "get=1\n\ntakeover=1\n\n"); /* only as the first request of a connection */
	assert_int_equal(takeover_fd, -1);
	send_text(fd, "takeover=1\n\n");
	assert_true(takeover_fd >= 0);
	assert_int_equal(server.clients[0].source.fd, -1);
	assert_int_equal(write(takeover_fd, "x", 1), 1);
	assert_int_equal(read(fd, &byte, 1), 1);
	close(takeover_fd);
	uapi_server_leave(&server); /* the file and the listener stay for the other process */
	assert_int_equal(read(other, &byte, 1) > 0, 1);
	uapi_server_close(&server);
	assert_int_equal(unlink(path), 0);
	close(fd);
	close(other);
}

static void a_request_may_arrive_byte_by_byte(void **state)
{
	const char text[] = "set=1\nfwmark=12\n\nget=1\n\n";
	int fd = client();

	(void)state;
	for (size_t i = 0; i < sizeof text - 1; i++) {
		char one[2] = { text[i], '\0' };
		send_text(fd, one);
		assert_int_equal(sets, i >= 16);
	}
	expect_reply(fd, "errno=0\n\nfwmark=12\nerrno=0\n\n");
	close(fd);
}

static void an_invalid_request_is_refused_and_not_applied(void **state)
{
	int fd = client();

	(void)state;
	send_text(fd, "set=1\nfwmark=1\nprivate_key=short\nfwmark=2\n\n");
	expect_reply(fd, "errno=-22\n\n");
	assert_int_equal(sets, 0);
	set_error = -EADDRINUSE;
	send_text(fd, "set=1\nfwmark=1\n\n");
	expect_reply(fd, "errno=-98\n\n");
	send_text(fd, "get=1\n\n"); /* the connection stays open */
	expect_reply(fd, "errno=0\n\n");
	assert_int_equal(gets, 1);
	close(fd);
}

static void idle_clients_do_not_block_others(void **state)
{
	int held[UAPI_CLIENTS_MAX + 5];

	(void)state;
	for (int i = 0; i < 50; i++) {
		close(client());
		run_loop(1);
	}
	for (size_t i = 0; i < ARRAY_LEN(held); i++)
		held[i] = client(); /* the first clients are dropped for the last ones */
	send_text(held[ARRAY_LEN(held) - 1], "get=1\n\n");
	expect_reply(held[ARRAY_LEN(held) - 1], "errno=0\n\n");
	char c;
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(read(held[i], &c, 1), 0);
	for (size_t i = 0; i < ARRAY_LEN(held); i++)
		close(held[i]);
}

static void an_endless_line_closes_the_connection(void **state)
{
	static char line[3 * UAPI_INPUT_BYTES];
	int fd = client();
	char c;

	(void)state;
	memset(line, 'x', sizeof line);
	assert_true(send(fd, line, sizeof line, MSG_NOSIGNAL) > 0);
	run_loop(5);
	ssize_t n = read(fd, &c, 1);
	assert_true(n == 0 || (n < 0 && errno == ECONNRESET));
	close(fd);
}

static void a_client_that_does_not_read_is_dropped(void **state)
{
	int fd = client();
	ssize_t n;

	(void)state;
	do /* until the server cannot send its replies any more */
		n = send(fd, "get=1\n\n", 7, MSG_NOSIGNAL);
	while (n > 0 && (run_loop(1), server.clients[0].reply.n == 0));
	assert_true(server.clients[0].reply.n > 0);
	uint64_t deadline = uapi_server_deadline(&server);
	assert_true(deadline != NEVER);
	uapi_server_tick(&server, deadline - 1);
	assert_int_not_equal(server.clients[0].source.fd, -1);
	uapi_server_tick(&server, deadline);
	assert_int_equal(server.clients[0].source.fd, -1);
	assert_true(uapi_server_deadline(&server) == NEVER);
	close(fd);
}

static void the_file_is_watched(void **state)
{
	char other[120];

	(void)state;
	snprintf(other, sizeof other, "%s/other", dir);
	close(open(other, O_CREAT | O_WRONLY, 0600));
	unlink(other);
	run_loop(2);
	assert_int_equal(removals, 0); /* another file */
	uapi_server_rename(&server, "office");
	run_loop(2);
	assert_int_equal(removals, 0);
	assert_int_equal(access(path, F_OK), -1);
	snprintf(other, sizeof other, "%s/office.sock", dir);
	assert_int_equal(access(other, F_OK), 0);
	unlink(other);
	run_loop(2);
	assert_true(removals > 0);
}

static void only_the_owner_can_connect(void **state)
{
	struct stat s;

	(void)state;
	assert_int_equal(lstat(path, &s), 0);
	assert_true(S_ISSOCK(s.st_mode));
	assert_int_equal(s.st_mode & 0777, 0600);
}

static void a_second_server_is_refused(void **state)
{
	static struct uapi_server second;
	char text[200];
	struct text why = text_fixed(text, sizeof text);

	(void)state;
	assert_int_equal(uapi_server_open(&second, dir, "wg0", &why), -EADDRINUSE);
	assert_non_null(strstr(text, "in use"));
	uapi_server_close(&second);
	assert_int_equal(access(path, F_OK), 0);
}

/* connect() needs no descriptor of the server, accept() does. */
static int queued_client(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(a.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static void limit_descriptors(rlim_t n)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = n;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void without_descriptors_the_oldest_client_is_evicted(void **state)
{
	int first = client(), second = queued_client();

	(void)state;
	limit_descriptors(0);
	run_loop(1); /* evicts the first, whose descriptor the second gets */
	limit_descriptors(1024);
	run_loop(1);
	assert_int_equal(read(first, &(char){ 0 }, 1), 0);
	send_text(second, "get=1\n\n");
	expect_reply(second, "errno=0\n\n");
	close(first);
	close(second);
	run_loop(2);
}

/* With nobody to evict, the loop must not spin on the readable listener. */
static void without_descriptors_and_clients_accepting_pauses(void **state)
{
	int fd = queued_client();

	(void)state;
	limit_descriptors(0);
	run_loop(1);
	limit_descriptors(1024);
	assert_true(uapi_server_deadline(&server) < NEVER);
	run_loop(3);
	assert_int_equal(server.clients[0].source.fd, -1);
	uapi_server_tick(&server, uapi_server_deadline(&server));
	assert_true(uapi_server_deadline(&server) == NEVER);
	run_loop(1);
	send_text(fd, "get=1\n\n");
	expect_reply(fd, "errno=0\n\n");
	close(fd);
	run_loop(1);
}

static void sockets_of_dead_daemons_are_removed(void **state)
{
	static const struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), other;

	(void)state;
	snprintf(a.sun_path, sizeof a.sun_path, "%s/wg1.sock", dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	close(fd);
	stale_sockets_remove(dir, ".sock");
	assert_int_equal(access(a.sun_path, F_OK), 0); /* young: its daemon may not listen yet */
	assert_int_equal(utimensat(AT_FDCWD, a.sun_path, old, 0), 0);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
	snprintf(a.sun_path, sizeof a.sun_path, "%s/file.sock", dir);
	other = open(a.sun_path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(futimens(other, old), 0);
	close(other);
	stale_sockets_remove(dir, ".sock");
	assert_int_equal(access(path, F_OK), 0);       /* alive */
	assert_int_equal(access(a.sun_path, F_OK), 0); /* not a socket */
	assert_int_equal(unlink(a.sun_path), 0);
	run_loop(3);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(replies_are_complete),
		CASE(what_sockets_are_bound_to_has_requests_of_its_own),
		CASE(a_connection_that_asks_for_the_tunnel_is_handed_out),
		CASE(a_request_may_arrive_byte_by_byte),
		CASE(an_invalid_request_is_refused_and_not_applied),
		CASE(idle_clients_do_not_block_others),
		CASE(an_endless_line_closes_the_connection),
		CASE(a_client_that_does_not_read_is_dropped),
		CASE(the_file_is_watched),
		CASE(only_the_owner_can_connect),
		CASE(a_second_server_is_refused),
		CASE(without_descriptors_the_oldest_client_is_evicted),
		CASE(without_descriptors_and_clients_accepting_pauses),
		CASE(sockets_of_dead_daemons_are_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
