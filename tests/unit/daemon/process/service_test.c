/* Messages to the service manager, and descriptors from it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "daemon/process/service.h"

static char dir[64], path[100];
static int manager;

static int begin(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	(void)state;
	strcpy(dir, "/tmp/wgsuite-service.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(path, sizeof path, "%s/notify", dir);
	strcpy(a.sun_path, path);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setenv("NOTIFY_SOCKET", path, 1);
	return bind(manager, (struct sockaddr *)&a, sizeof a);
}

static int end(void **state)
{
	(void)state;
	close(manager);
	unlink(path);
	unsetenv("NOTIFY_SOCKET");
	return rmdir(dir);
}

/* The next message; its descriptor, or -1. */
static int receive(char *text, size_t n)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { text, n - 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.bytes };
	ssize_t k = recvmsg(manager, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int fd = -1;

	assert_true(k >= 0);
	text[k] = '\0';
	if (c)
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

static void descriptors_are_stored_by_name(void **state)
{
	struct service s;
	struct stat a, b;
	char text[200], name[200];
	int fd;

	(void)state;
	assert_true(service_open(&s));
	service_notify_ready(&s);
	assert_int_equal(receive(text, sizeof text), -1);
	assert_string_equal(text, "READY=1");
	assert_int_equal(service_store(&s, "tun", manager), 0);
	fd = receive(text, sizeof text);
	assert_string_equal(text, "FDSTORE=1\nFDPOLL=0\nFDNAME=tun");
	assert_true(fstat(fd, &a) == 0 && fstat(manager, &b) == 0);
	assert_int_equal(a.st_ino, b.st_ino);
	close(fd);
	service_forget(&s, "tun");
	assert_int_equal(receive(text, sizeof text), -1);
	assert_string_equal(text, "FDSTOREREMOVE=1\nFDNAME=tun");
	memset(name, 'x', sizeof name);
	name[sizeof name - 1] = '\0';
	assert_true(service_store(&s, name, manager) < 0);
	service_close(&s);
	service_close(&s);
	service_notify_ready(&s); /* no effect */
	assert_true(recv(manager, text, sizeof text, MSG_DONTWAIT) < 0);
}

static void addresses_that_cannot_be_used(void **state)
{
	struct service s;
	char text[200];

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_false(service_open(&s));
	setenv("NOTIFY_SOCKET", "relative", 1);
	assert_false(service_open(&s));
	memset(text, '/', sizeof text);
	text[sizeof text - 1] = '\0';
	setenv("NOTIFY_SOCKET", text, 1);
	assert_false(service_open(&s));
	setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	assert_true(service_open(&s));
	assert_true(service_store(&s, "tun", manager) < 0);
	assert_true(service_wait(&s) < 0);
	service_close(&s);
	setenv("NOTIFY_SOCKET", path, 1);
}

static void set_number(const char *variable, long n)
{
	char text[32];

	(void)snprintf(text, sizeof text, "%ld", n);
	setenv(variable, text, 1);
}

/* The descriptors from 3 on are those of the manager. */
static void take(void)
{
	struct service_fd fds[3];

	for (int fd = 3; fd < 7; fd++)
		assert_int_equal(dup2(manager, fd), fd);
	setenv("LISTEN_FDNAMES", "tun:a-name-of-more-characters-than-have-space", 1);
	set_number("LISTEN_FDS", 5); /* 7 is not open */
	close(7);
	set_number("LISTEN_PID", 1); /* of another process */
	assert_int_equal(service_take_fds(fds, 3), 0);
	set_number("LISTEN_PID", (long)getpid());
	assert_int_equal(service_take_fds(fds, 3), 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fds[i].fd, 3 + i);
		assert_true(fcntl(fds[i].fd, F_GETFD) & FD_CLOEXEC);
		assert_true(fcntl(fds[i].fd, F_GETFL) & O_NONBLOCK);
	}
	assert_string_equal(fds[0].name, "tun");
	assert_string_equal(fds[1].name, "a-name-of-more-characters-than-");
	assert_string_equal(fds[2].name, "");
	assert_true(fcntl(6, F_GETFD) < 0); /* no space for it */
	setenv("LISTEN_FDS", "-1", 1);
	assert_int_equal(service_take_fds(fds, 3), 0);
	setenv("LISTEN_FDS", "99999999999", 1);
	assert_int_equal(service_take_fds(fds, 3), 0);
}

static void descriptors_arrive_with_their_names(void **state)
{
	int saved[8];

	(void)state;
	for (int fd = 3; fd < 8; fd++)
		saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 20);
	manager = fcntl(manager, F_DUPFD_CLOEXEC, 20);
	take();
	for (int fd = 3; fd < 8; fd++) {
		if (saved[fd] >= 0)
			assert_int_equal(dup2(saved[fd], fd), fd);
		else
			close(fd);
		close(saved[fd]);
	}
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDNAMES");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(descriptors_are_stored_by_name, begin, end),
		cmocka_unit_test_setup_teardown(addresses_that_cannot_be_used, begin, end),
		cmocka_unit_test_setup_teardown(descriptors_arrive_with_their_names, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
