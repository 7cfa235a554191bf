/* The filter of malformed messages and the choice of the socket, with datagrams over loopback: every first word with every
 * length, alone, joined by the kernel, and divided again for sockets without UDP_GRO. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <linux/udp.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <cmocka.h>
#include <unistd.h>
#include "daemon/io/offload_disable.h"
#include "daemon/io/udp.h"

enum { NOWHERE = -1, LENGTHS_MAX = 66000, MARKER = 40 };

/* First bytes, and the length that a message with them has: 0: none, otherwise exact, or the minimum for data. */
static const struct { uint8_t word[4]; uint32_t n; enum udp_kind kind; } words[] = {
	{ { 1 }, 148, UDP_INITIATIONS }, { { 2 }, 92, UDP_REPLIES }, { { 3 }, 64, UDP_REPLIES }, { { 4 }, 32, UDP_DATA },
	{ { 0 }, 0, UDP_DATA }, { { 5 }, 0, UDP_DATA }, { { 1, 1 }, 0, UDP_DATA }, { { 2, 0, 1 }, 0, UDP_DATA },
	{ { 3, 0, 0, 1 }, 0, UDP_DATA }, { { 4, 0, 0, 0x80 }, 0, UDP_DATA }, { { 0, 0, 0, 1 }, 0, UDP_DATA },
	{ { 0xff, 0xff, 0xff, 0xff }, 0, UDP_DATA }, { { 0, 0, 0, 4 }, 0, UDP_DATA },
};
enum { INITIATION, RESPONSE, COOKIE_REPLY, DATA, ZERO };

static struct udp to;
static int from;
static bool v6;
static uint8_t out[LENGTHS_MAX], in[LENGTHS_MAX];

static struct udp_socket *socket_of(enum udp_kind kind)
{
	static const uint8_t sockets[][2] = { { UDP_V4, UDP_V6 }, { UDP_V4_INITIATIONS, UDP_V6_INITIATIONS },
					      { UDP_V4_REPLIES, UDP_V6_REPLIES } };

	return &to.sockets[sockets[kind][v6]];
}

static void must_send(size_t n)
{
	struct pollfd p = { from, POLLOUT, 0 };
	ssize_t sent;

	while ((sent = send(from, out, n, 0)) < 0) {
		assert_true(errno == EAGAIN || errno == ENOBUFS);
		assert_true(poll(&p, 1, 5000) >= 0);
	}
	assert_int_equal(sent, n);
}

/* Sends messages that pass to every socket, and discards what arrives up to these: all datagrams before them have been
 * delivered or dropped then, since this thread runs on one processor. */
static void until_markers(size_t got[UDP_REPLIES + 1])
{
	static const uint8_t types[] = { DATA, INITIATION, RESPONSE };

	for (enum udp_kind kind = UDP_DATA; kind <= UDP_REPLIES; kind++) {
		struct udp_socket *s = socket_of(kind);
		struct pollfd p = { s->fd, POLLIN, 0 };
		ssize_t n;

		got[kind] = 0;
		if (s->fd < 0)
			continue;
		memset(out, MARKER, words[types[kind]].n);
		memcpy(out, words[types[kind]].word, 4);
		must_send(words[types[kind]].n);
		for (;;) {
			assert_int_equal(poll(&p, 1, 5000), 1);
			n = recv(s->fd, in, sizeof in, MSG_DONTWAIT);
			assert_true(n >= 0);
			if ((size_t)n == words[types[kind]].n && in[4] == MARKER)
				break;
			got[kind] += (size_t)n;
		}
	}
}

/* What was sent before has arrived at this socket with n bytes in total, and nowhere else. */
static void expect_bytes(int kind, size_t n)
{
	size_t got[UDP_REPLIES + 1];

	until_markers(got);
	for (int i = UDP_DATA; i <= UDP_REPLIES; i++)
		assert_int_equal(got[i], i == kind ? n : 0);
}

/* UDP_GRO on each: to join the datagrams of a flow, the kernel asks the socket that a hash of the addresses selects. */
static void expect_same_offloads(void)
{
	for (enum udp_kind kind = UDP_DATA; kind <= UDP_REPLIES; kind++) {
		int on = -1;
		socklen_t n = sizeof on;
		if (socket_of(kind)->fd < 0)
			continue;
		if (getsockopt(socket_of(kind)->fd, IPPROTO_UDP, UDP_GRO, &on, &n) == 0) /* not every kernel tells */
			assert_int_equal(on, socket_of(kind)->gro);
		assert_int_equal(socket_of(kind)->gro, socket_of(UDP_DATA)->gro);
		assert_int_equal(socket_of(kind)->kind, kind);
	}
}

static void open_ends(bool six, unsigned int disabled)
{
	struct sockaddr_in a4 = { .sin_family = AF_INET };
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };

	v6 = six;
	assert_int_equal(udp_open(&to, 0, 0, disabled), 0);
	if (socket_of(UDP_DATA)->fd < 0 || (!(disabled & OFFLOAD_NO_SPLIT) && socket_of(UDP_REPLIES)->fd < 0))
		skip();
	expect_same_offloads();
	from = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(from >= 0);
	a.sin6_port = a4.sin_port = htons(to.port);
	a4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(from, six ? (void *)&a : (void *)&a4, six ? sizeof a : sizeof a4), 0);
}

static void close_ends(void)
{
	close(from);
	udp_close(&to);
}

static void put(size_t at, unsigned int word, size_t n)
{
	memset(out + at, 0x55, n);
	memcpy(out + at, words[word].word, n < 4 ? n : 4);
}

static bool is_message(unsigned int word, size_t n)
{
	return words[word].n > 0 && (words[word].kind == UDP_DATA ? n >= words[word].n : n == words[word].n);
}

static void only_messages_arrive_and_each_at_its_socket(void **state)
{
	static const size_t more[] = { 296, 297, 340, 440, 1000, 1420, 1452, 9000, 65507 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		uint64_t n_dropped = 0;
		open_ends(i, 0);
		for (unsigned int word = 0; word < ARRAY_LEN(words); word++)
			for (size_t k = 0; k < 200 + ARRAY_LEN(more); k++) {
				size_t n = k < 200 ? k : more[k - 200];
				bool passes = is_message(word, n);
				put(0, word, n);
				must_send(n);
				expect_bytes(passes ? (int)words[word].kind : NOWHERE, n);
				n_dropped += !passes;
			}
		assert_int_equal(udp_take_dropped(&to), n_dropped);
		close_ends();
	}
}

/* Sends n datagrams with this length and word, and one more, as one message that the kernel divides where it must. */
static size_t send_joined(unsigned int word, uint32_t length, size_t n, unsigned int last_word, uint32_t last_n)
{
	const int segment = (int)length;
	size_t total = 0;

	if (setsockopt(from, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment) != 0)
		skip();
	for (size_t i = 0; i < n; i++, total += length)
		put(total, word, length);
	if (last_n > 0)
		put(total, last_word, last_n);
	must_send(total + last_n);
	assert_int_equal(setsockopt(from, IPPROTO_UDP, UDP_SEGMENT, &(int){ 0 }, sizeof segment), 0);
	return total + last_n;
}

/* Data after a handshake message goes where that goes: the kernel chooses the socket for all of them at once. */
static void joined_messages_arrive_whole(void **state)
{
	static const size_t counts[] = { 1, 2, 3, 10, 63 };

	(void)state;
	for (int i = 0; i < 4; i++) {
		bool split = i < 2;
		open_ends(i % 2, split ? 0 : OFFLOAD_NO_SPLIT);
		for (unsigned int first = INITIATION; first <= DATA; first++)
			for (size_t c = 0; c < ARRAY_LEN(counts); c++)
				for (unsigned int last = INITIATION; last <= DATA; last++) {
					uint32_t length = first == DATA ? 256 : words[first].n;
					for (uint32_t n = 0; n <= length; n += 4) {
						if (n > 0 && !is_message(last, n))
							continue;
						size_t total = send_joined(first, length, counts[c], last, n);
						expect_bytes(split ? (int)words[first].kind : UDP_DATA, total);
					}
				}
		assert_int_equal(udp_take_dropped(&to), 0);
		close_ends();
	}
}

static void joined_malformed_messages_are_dropped(void **state)
{
	static const uint32_t lengths[] = { 5, 31, 33, 63, 65, 91, 93, 100, 147, 149, 200, 1000 };
	static const size_t counts[] = { 2, 3, 7, 64 };

	(void)state;
	for (int i = 0; i < 4; i++) {
		open_ends(i % 2, i < 2 ? 0 : OFFLOAD_NO_SPLIT);
		for (unsigned int word = 0; word < ARRAY_LEN(words); word++)
			for (size_t k = 0; k < ARRAY_LEN(lengths); k++)
				for (size_t c = 0; c < ARRAY_LEN(counts); c++) {
					if (word == DATA || lengths[k] * counts[c] > 65000)
						continue;
					(void)send_joined(word, lengths[k], counts[c], word, 0);
					expect_bytes(NOWHERE, 0);
				}
		/* the last one is malformed */
		for (unsigned int word = INITIATION; word <= COOKIE_REPLY; word++) {
			(void)send_joined(word, words[word].n, 5, ZERO, 40);
			expect_bytes(NOWHERE, 0);
			(void)send_joined(word, words[word].n, 5, DATA, 31);
			expect_bytes(NOWHERE, 0);
			(void)send_joined(word, words[word].n, 5, word, words[word].n - 1);
			expect_bytes(NOWHERE, 0);
		}
		close_ends();
	}
}

/* Without UDP_GRO, the filter sees each datagram. */
static void datagrams_for_a_socket_without_gro_are_checked_one_by_one(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		open_ends(i, OFFLOAD_NO_GRO);
		for (unsigned int word = INITIATION; word <= COOKIE_REPLY; word++) {
			(void)send_joined(word, words[word].n, 5, ZERO, 40);
			expect_bytes((int)words[word].kind, (size_t)5 * words[word].n);
		}
		(void)send_joined(DATA, 100, 5, ZERO, 40);
		expect_bytes(UDP_DATA, 500);
		(void)send_joined(INITIATION, 33, 64, ZERO, 0);
		expect_bytes(NOWHERE, 0);
		assert_int_equal(udp_take_dropped(&to), 3 + 1 + 64);
		close_ends();
	}
}

static int stay_on_one_processor(void **state)
{
	cpu_set_t one;
	int at = sched_getcpu();

	(void)state;
	CPU_ZERO(&one);
	CPU_SET(at < 0 ? 0 : (size_t)at, &one);
	return sched_setaffinity(0, sizeof one, &one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_messages_arrive_and_each_at_its_socket),
		cmocka_unit_test(joined_messages_arrive_whole),
		cmocka_unit_test(joined_malformed_messages_are_dropped),
		cmocka_unit_test(datagrams_for_a_socket_without_gro_are_checked_one_by_one),
	};

	return cmocka_run_group_tests(tests, stay_on_one_processor, NULL);
}
