/* Replies are matched with requests by their sequence numbers, and an error of the socket does not outlive its request. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "quick/host/rtnetlink.h"

enum { NO_LINK = 0x7ffffff0 };

/* A reply to a request that nobody waits for. */
static void leave_reply(struct rtnetlink *rt, uint32_t seq)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg head;
	} request = { { .nlmsg_len = sizeof request,
			.nlmsg_type = RTM_GETLINK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
			.nlmsg_seq = seq },
		      { .ifi_index = NO_LINK } };

	assert_int_equal(send(rt->fd, &request, sizeof request, 0), sizeof request);
}

static void assert_is_usable(struct rtnetlink *rt)
{
	struct link_info link;
	struct routes routes = { 0 };
	char why[128];

	assert_int_equal(rtnetlink_link_find(rt, "lo", 0, &link), 0);
	assert_true(link.loopback);
	assert_int_equal(rtnetlink_link_find(rt, "lo", NO_LINK, &link), -ENODEV);
	assert_int_equal(rtnetlink_routes(rt, IP_V4, 51999, 0, &routes), 0);
	assert_int_equal(routes.n, 0);
	assert_true(rtnetlink_send(rt, rtnetlink_build_link_delete(NO_LINK), why) < 0);
	assert_true(why[0]);
	assert_false(rtnetlink_is_uncertain(rt));
}

static void stale_replies_are_dropped(void **state)
{
	static const uint32_t before[] = { 0, 1, 2, 1000, 0x80000000 };
	struct rtnetlink rt;

	(void)state;
	assert_int_equal(rtnetlink_open(&rt), 0);
	assert_is_usable(&rt);
	for (size_t i = 0; i < ARRAY_LEN(before); i++) {
		leave_reply(&rt, rt.seq - before[i]);
		assert_is_usable(&rt);
	}
	rtnetlink_close(&rt);
}

struct refusals {
	uint32_t numbers[8];
	size_t n;
};

static void note_refusal(void *ctx, uint32_t number, int error, const char *why)
{
	struct refusals *r = ctx;

	(void)why;
	assert_true(error < 0 && r->n < ARRAY_LEN(r->numbers));
	r->numbers[r->n++] = number;
}

/* The numbers of a batch may have gaps, and are independent of the sequence numbers. */
static void a_batch_reports_its_own_numbers(void **state)
{
	static const uint32_t numbers[] = { 7, 8, 100, 4000000 };
	struct rtnetlink rt;

	(void)state;
	assert_int_equal(rtnetlink_open(&rt), 0);
	for (int again = 0; again < 3; again++) {
		struct refusals refused = { 0 };
		leave_reply(&rt, rt.seq);
		for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
			assert_int_equal(rtnetlink_batch_add(&rt, rtnetlink_build_link_delete(NO_LINK), numbers[i]), 0);
		assert_int_equal(rtnetlink_batch_send(&rt, note_refusal, &refused), 0);
		assert_int_equal(refused.n, ARRAY_LEN(numbers));
		assert_memory_equal(refused.numbers, numbers, sizeof numbers);
	}
	rtnetlink_close(&rt);
}

/* The descriptor becomes one that no message can be sent to. */
static void an_error_ends_only_its_request(void **state)
{
	struct link_info link;
	struct rtnetlink rt;
	char why[128];

	(void)state;
	assert_int_equal(rtnetlink_open(&rt), 0);
	for (int sends = 0; sends < 2; sends++) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);
		assert_int_equal(dup2(null, rt.fd), rt.fd);
		close(null);
		if (sends)
			assert_int_equal(rtnetlink_send(&rt, rtnetlink_build_link_delete(NO_LINK), why), -ENOTSOCK);
		else
			assert_int_equal(rtnetlink_link_find(&rt, "lo", 0, &link), -ENOTSOCK);
		assert_true(rtnetlink_is_uncertain(&rt));
		assert_is_usable(&rt);
	}
	rtnetlink_close(&rt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stale_replies_are_dropped),
		cmocka_unit_test(a_batch_reports_its_own_numbers),
		cmocka_unit_test(an_error_ends_only_its_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
