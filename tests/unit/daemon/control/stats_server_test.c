/* The socket of the statistics: each connection gets one whole text, and no client can delay another or the loop. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "daemon/control/stats_server.h"
#include "daemon/process/clock.h"

static char dir[64], path[100];
static struct loop loop;
static struct stats_server server;
static size_t text_n; /* bytes of the text */
static int n_texts;

static void print(void *ctx, struct text *out)
{
	assert_ptr_equal(ctx, &loop);
	n_texts++;
	for (size_t i = 0; i < text_n; i++)
		text_char(out, (char)('a' + i % 26));
}

static int open_server(void **state)
{
	char buffer[200];
	struct text why = text_fixed(buffer, sizeof buffer);

	(void)state;
	snprintf(dir, sizeof dir, "/tmp/stats_server_test.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof path, "%s/wg0.stats", dir);
	return loop_init(&loop) || stats_server_open(&server, dir, "wg0", &why) ||
	       stats_server_start(&server, &loop, print, &loop);
}

static int close_server(void **state)
{
	(void)state;
	stats_server_close(&server);
	loop_free(&loop);
	return access(path, F_OK) == 0 || rmdir(dir); /* nothing is left */
}

static int client(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), small = 1;

	strcpy(a.sun_path, path);
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static void run(void)
{
	for (int i = 0; i < 3; i++)
		assert_int_equal(loop_run_once(&loop, true), 0);
}

/* Reads all that there is, while the loop runs. Returns the bytes; is_closed: and the end. */
static size_t read_all(int fd, bool *is_closed)
{
	static char got[STATS_BYTES_MAX];
	size_t n = 0;
	ssize_t k = -1;

	for (int i = 0; i < 1000 && k != 0; i++) {
		k = recv(fd, got + n, sizeof got - n, MSG_DONTWAIT);
		if (k < 0 && errno == ECONNRESET)
			k = 0;
		for (ssize_t j = 0; j < k; j++, n++)
			assert_int_equal(got[n], 'a' + n % 26);
		run();
	}
	*is_closed = k == 0;
	return n;
}

static void each_connection_gets_one_text(void **state)
{
	static const size_t sizes[] = { 1, 4095, 4096, 16383, 16384, 100000, STATS_BYTES_MAX - 1 };
	struct stat st;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		int fd = client();
		bool is_closed;
		text_n = sizes[i];
		run();
		assert_int_equal(read_all(fd, &is_closed), sizes[i]);
		assert_true(is_closed);
		close(fd);
		assert_int_equal(stats_server_deadline(&server), NEVER);
	}
}

static void a_text_that_is_too_long_is_not_sent(void **state)
{
	bool is_closed;
	int fd = client();

	(void)state;
	text_n = STATS_BYTES_MAX;
	run();
	assert_int_equal(read_all(fd, &is_closed), 0);
	assert_true(is_closed);
	close(fd);
}

/* As a program may that expects a server of HTTP. */
static void what_a_client_sends_does_not_lose_the_text(void **state)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\n\r\n";
	bool is_closed;
	int fd = client();

	(void)state;
	text_n = 5000;
	assert_int_equal(send(fd, request, sizeof request, MSG_NOSIGNAL), sizeof request);
	run();
	assert_int_equal(read_all(fd, &is_closed), 5000);
	assert_true(is_closed);
	close(fd);
}

static void a_client_that_closes_at_once_is_forgotten(void **state)
{
	(void)state;
	text_n = STATS_BYTES_MAX - 1;
	for (int i = 0; i < 100; i++) {
		close(client());
		run();
	}
	assert_int_equal(stats_server_deadline(&server), NEVER);
}

/* Clients that never read: each holds a slot for some seconds at most, and the newest one is always served. */
static void clients_that_do_not_read_are_dropped(void **state)
{
	int fds[STATS_CLIENTS_MAX + 5];
	uint64_t deadline;
	bool is_closed;

	(void)state;
	text_n = STATS_BYTES_MAX - 1; /* more than a socket takes */
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = client();
		run();
	}
	for (size_t i = 0; i < ARRAY_LEN(fds) - STATS_CLIENTS_MAX; i++) {
		assert_true(read_all(fds[i], &is_closed) < text_n);
		assert_true(is_closed);
	}
	assert_int_equal(read_all(fds[ARRAY_LEN(fds) - 1], &is_closed), text_n);
	deadline = stats_server_deadline(&server);
	assert_in_range(deadline, clock_boot_ns(), clock_boot_ns() + STATS_CLIENT_NS);
	stats_server_tick(&server, deadline - 1);
	assert_int_equal(stats_server_deadline(&server), deadline);
	stats_server_tick(&server, deadline + STATS_CLIENT_NS);
	assert_int_equal(stats_server_deadline(&server), NEVER);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
}

static void a_stale_file_is_replaced_and_another_one_is_not(void **state)
{
	static struct stats_server second;
	char buffer[200];
	struct text why = text_fixed(buffer, sizeof buffer);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_int_equal(stats_server_open(&second, dir, "wg0", &why), -EADDRINUSE);
	stats_server_close(&second);
	assert_int_equal(access(path, F_OK), 0);
	snprintf(a.sun_path, sizeof a.sun_path, "%s/wg1.stats", dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	close(fd);
	assert_int_equal(stats_server_open(&second, dir, "wg1", &why), 0);
	socket_file_rename(&second.file, "wg2");
	assert_int_not_equal(access(a.sun_path, F_OK), 0);
	a.sun_path[strlen(a.sun_path) - 7] = '2';
	assert_int_equal(access(a.sun_path, F_OK), 0);
	stats_server_close(&second);
	assert_int_not_equal(access(a.sun_path, F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_connection_gets_one_text),
		cmocka_unit_test(a_text_that_is_too_long_is_not_sent),
		cmocka_unit_test(what_a_client_sends_does_not_lose_the_text),
		cmocka_unit_test(a_client_that_closes_at_once_is_forgotten),
		cmocka_unit_test(clients_that_do_not_read_are_dropped),
		cmocka_unit_test(a_stale_file_is_replaced_and_another_one_is_not),
	};

	return cmocka_run_group_tests(tests, open_server, close_server);
}
