/* Descriptors in messages, and shared memory of a fixed size. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/process/fd_passing.h"

static int ends[2];

static int begin(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
}

static int end(void **state)
{
	(void)state;
	close(ends[0]);
	if (ends[1] >= 0)
		close(ends[1]);
	return 0;
}

static void descriptors_arrive_with_the_bytes(void **state)
{
	int pipes[2], fds[FD_PASSING_MAX];
	unsigned int n;
	char text[5], byte;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(fd_send(ends[0], "hello", 5, pipes, 2), 0);
	assert_int_equal(fd_receive(ends[1], 1000, text, 5, fds, &n), 0);
	assert_memory_equal(text, "hello", 5);
	assert_int_equal(n, 2);
	assert_true(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	for (int i = 0; i < 2; i++) {
		close(fds[i]);
		close(pipes[i]);
	}
}

static void too_few_bytes_are_an_error(void **state)
{
	int fds[FD_PASSING_MAX], zero = ends[0], highest = dup(0);
	unsigned int n;
	char text[5];

	(void)state;
	close(highest);
	assert_int_equal(fd_send(ends[0], "abc", 3, &zero, 1), 0);
	assert_int_equal(fd_receive(ends[1], 20, text, 5, fds, &n), -ETIMEDOUT);
	assert_int_equal(n, 0);
	assert_int_equal(fd_receive(ends[1], 0, text, 1, fds, &n), -ETIMEDOUT);
	assert_int_equal(fd_send(ends[1], "x", 1, NULL, 0), 0);
	assert_int_equal(fd_receive(ends[0], 0, text, 1, fds, &n), 0); /* what is there takes no time */
	assert_int_equal(dup(0), highest); /* no descriptor is left open, of those that arrived or else */
	close(highest);
	close(ends[1]);
	ends[1] = -1;
	assert_int_equal(fd_receive(ends[0], 1000, text, 1, fds, &n), -ECONNRESET);
	assert_int_equal(fd_send(ends[0], "abc", 3, NULL, 0), -EPIPE);
}

static void memory_is_shared_and_of_a_fixed_size(void **state)
{
	void *a, *b;
	size_t n;
	int fd;

	(void)state;
	assert_int_equal(shared_memory_create(&fd, &a, 5000), 0);
	assert_int_equal(shared_memory_map(&b, &n, fd, 5000), 0);
	assert_int_equal(n, 5000);
	memcpy(a, "secret", 6);
	assert_memory_equal(b, "secret", 6);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(ftruncate(fd, 100000), -1);
	shared_memory_wipe(b, n);
	assert_memory_equal(a, "\0\0\0\0\0\0", 6);
	assert_int_equal(munmap(a, 5000), 0);
	assert_int_equal(shared_memory_map(&b, &n, fd, 4999), -EFBIG);
	close(fd);
}

static void memory_that_may_shrink_is_refused(void **state)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *p;
	size_t n;

	(void)state;
	assert_int_equal(ftruncate(fd, 100), 0);
	assert_int_equal(shared_memory_map(&p, &n, fd, 1000), -EINVAL);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
	assert_int_equal(shared_memory_map(&p, &n, fd, 1000), -EINVAL);
	close(fd);
	fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK), 0);
	assert_int_equal(shared_memory_map(&p, &n, fd, 1000), -EINVAL); /* empty */
	close(fd);
	assert_true(shared_memory_map(&p, &n, ends[0], 1000) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(descriptors_arrive_with_the_bytes, begin, end),
		cmocka_unit_test_setup_teardown(too_few_bytes_are_an_error, begin, end),
		cmocka_unit_test_setup_teardown(memory_is_shared_and_of_a_fixed_size, begin, end),
		cmocka_unit_test_setup_teardown(memory_that_may_shrink_is_refused, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
