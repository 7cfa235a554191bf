/* The configuration socket in a folder of its own: its file's life, and conversations with clients. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "daemon/control/uapi_server.h"

static char dir[64], path[108];
static struct loop loop;
static struct uapi_server server;
static int sets, gets, removals, set_error;
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

static void on_removed(void *ctx)
{
	(void)ctx;
	removals++;
}

static const struct uapi_handlers handlers = { NULL, on_set, on_get, NULL };

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
	return rmdir(dir); /* nothing may be left in it */
}

static void turn(int times)
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
	turn(1);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	turn(2);
}

/* What one read gives is the whole answer. */
static void hear(int fd, const char *want)
{
	char got[200] = "";
	ssize_t n = read(fd, got, sizeof got - 1);

	assert_int_equal(n, strlen(want));
	assert_string_equal(got, want);
}

static void answers_come_whole(void **state)
{
	int fd = client();

	(void)state;
	say(fd, "get=1\n\n");
	hear(fd, "errno=0\n\n");
	say(fd, "set=1\nfwmark=7\n\n");
	hear(fd, "errno=0\n\n");
	say(fd, "get=1\n\n");
	hear(fd, "fwmark=7\nerrno=0\n\n");
	close(fd);
	turn(1);
	assert_int_equal(server.clients[0].source.fd, -1);
}

static void a_request_may_come_byte_by_byte(void **state)
{
	const char text[] = "set=1\nfwmark=12\n\nget=1\n\n";
	int fd = client();

	(void)state;
	for (size_t i = 0; i < sizeof text - 1; i++) {
		char one[2] = { text[i], '\0' };
		say(fd, one);
		assert_int_equal(sets, i >= 16);
	}
	hear(fd, "errno=0\n\nfwmark=12\nerrno=0\n\n");
	close(fd);
}

static void what_is_wrong_is_refused_and_not_applied(void **state)
{
	int fd = client();

	(void)state;
	say(fd, "set=1\nfwmark=1\nprivate_key=short\nfwmark=2\n\n");
	hear(fd, "errno=-22\n\n");
	assert_int_equal(sets, 0);
	set_error = -EADDRINUSE;
	say(fd, "set=1\nfwmark=1\n\n");
	hear(fd, "errno=-98\n\n");
	say(fd, "get=1\n\n"); /* the connection goes on */
	hear(fd, "errno=0\n\n");
	assert_int_equal(gets, 1);
	close(fd);
}

static void probes_and_silence_are_no_trouble(void **state)
{
	int held[UAPI_CLIENTS_MAX + 5];

	(void)state;
	for (int i = 0; i < 50; i++) {
		close(client());
		turn(1);
	}
	for (size_t i = 0; i < ARRAY_LEN(held); i++)
		held[i] = client(); /* the first ones are dropped for the last ones */
	say(held[ARRAY_LEN(held) - 1], "get=1\n\n");
	hear(held[ARRAY_LEN(held) - 1], "errno=0\n\n");
	char c;
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(read(held[i], &c, 1), 0);
	for (size_t i = 0; i < ARRAY_LEN(held); i++)
		close(held[i]);
}

static void a_line_without_end_is_cut_off(void **state)
{
	static char line[3 * UAPI_INPUT_BYTES];
	int fd = client();
	char c;

	(void)state;
	memset(line, 'x', sizeof line);
	assert_true(send(fd, line, sizeof line, MSG_NOSIGNAL) > 0);
	turn(5);
	ssize_t n = read(fd, &c, 1);
	assert_true(n == 0 || (n < 0 && errno == ECONNRESET));
	close(fd);
}

static void who_does_not_read_is_dropped_in_the_end(void **state)
{
	int fd = client();
	ssize_t n;

	(void)state;
	do /* until our side cannot send its answers any more */
		n = send(fd, "get=1\n\n", 7, MSG_NOSIGNAL);
	while (n > 0 && (turn(1), server.clients[0].reply.n == 0));
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
	turn(2);
	assert_int_equal(removals, 0); /* somebody else's */
	uapi_server_rename(&server, "office");
	turn(2);
	assert_int_equal(removals, 0);
	assert_int_equal(access(path, F_OK), -1);
	snprintf(other, sizeof other, "%s/office.sock", dir);
	assert_int_equal(access(other, F_OK), 0);
	unlink(other);
	turn(2);
	assert_true(removals > 0);
}

static void the_mode_is_right_from_the_start(void **state)
{
	struct stat s;

	(void)state;
	assert_int_equal(lstat(path, &s), 0);
	assert_true(S_ISSOCK(s.st_mode));
	assert_int_equal(s.st_mode & 0777, 0600);
}

static void a_second_one_is_refused(void **state)
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

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(answers_come_whole),
		CASE(a_request_may_come_byte_by_byte),
		CASE(what_is_wrong_is_refused_and_not_applied),
		CASE(probes_and_silence_are_no_trouble),
		CASE(a_line_without_end_is_cut_off),
		CASE(who_does_not_read_is_dropped_in_the_end),
		CASE(the_file_is_watched),
		CASE(the_mode_is_right_from_the_start),
		CASE(a_second_one_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
