/* Requests in one send, tested with rtnetlink, which needs no privileges for reading. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "ipc/genl_codec.h"
#include "ipc/netlink.h"

enum { LOOPBACK = 1, NO_LINK = 0x7ffffff0, UNKNOWN_TYPE = RTM_GETLINK + 1000 };

/* A request for one link, with a body of n bytes or the fewest possible. */
static size_t link_body(struct netlink *s, int index, size_t n)
{
	struct ifinfomsg head = { .ifi_index = index };
	uint8_t *body = netlink_body(s);
	static uint8_t zeros[NETLINK_BODY_MAX];

	memcpy(body, &head, sizeof head);
	if (n < sizeof head + 4)
		return sizeof head;
	return sizeof head + genl_attr_put(body + sizeof head, IFLA_UNSPEC, zeros, n - sizeof head - 4);
}

static void queue_request(struct netlink *s, uint16_t type, int index, size_t n)
{
	netlink_queue(s, type, 0, link_body(s, index, n));
}

static int index_reply(void *ctx, uint16_t type, const uint8_t *body, size_t n)
{
	struct ifinfomsg head;

	if (type == RTM_NEWLINK && n >= sizeof head) {
		memcpy(&head, body, sizeof head);
		*(int *)ctx = head.ifi_index;
	}
	return 0;
}

/* The next request gets its own reply: nothing is left of the one before. */
static void assert_is_usable(struct netlink *s)
{
	int index = 0;

	assert_non_null(s->socket);
	assert_int_equal(netlink_request(s, RTM_GETLINK, 0, link_body(s, LOOPBACK, 0), index_reply, &index), 0);
	assert_int_equal(index, LOOPBACK);
	assert_int_equal(netlink_request(s, RTM_GETLINK, 0, link_body(s, NO_LINK, 0), NULL, NULL), -ENODEV);
}

static void requests_in_one_send(void **state)
{
	struct netlink s;

	(void)state;
	assert_int_equal(netlink_open(&s, NETLINK_ROUTE), 0);
	assert_int_equal(netlink_flush(&s), 0); /* an empty queue */
	for (uint32_t n = 1; n <= NETLINK_QUEUE_MAX; n++) {
		for (uint32_t i = 0; i < n; i++)
			queue_request(&s, RTM_GETLINK, LOOPBACK, i); /* odd lengths as well */
		assert_int_equal(s.n_queued, n);
		assert_int_equal(netlink_flush(&s), 0);
		assert_int_equal(s.n_queued, 0);
		assert_is_usable(&s);
	}
	netlink_close(&s);
}

static void the_first_refusal_is_returned(void **state)
{
	static const struct {
		struct { uint16_t type; int index; } request[NETLINK_QUEUE_MAX];
		int rc;
	} cases[] = {
		{ { { RTM_GETLINK, NO_LINK }, { RTM_GETLINK, LOOPBACK }, { RTM_GETLINK, LOOPBACK } }, -ENODEV },
		{ { { RTM_GETLINK, LOOPBACK }, { RTM_GETLINK, NO_LINK }, { UNKNOWN_TYPE, LOOPBACK } }, -ENODEV },
		{ { { RTM_GETLINK, LOOPBACK }, { UNKNOWN_TYPE, LOOPBACK }, { RTM_GETLINK, NO_LINK } }, -EOPNOTSUPP },
		{ { { RTM_GETLINK, LOOPBACK }, { RTM_GETLINK, LOOPBACK }, { UNKNOWN_TYPE, LOOPBACK } }, -EOPNOTSUPP },
	};
	struct netlink s;

	(void)state;
	assert_int_equal(netlink_open(&s, NETLINK_ROUTE), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (size_t k = 0; k < NETLINK_QUEUE_MAX; k++)
			queue_request(&s, cases[i].request[k].type, cases[i].request[k].index, 0);
		assert_int_equal(netlink_flush(&s), cases[i].rc);
		assert_is_usable(&s);
	}
	netlink_close(&s);
}

/* NETLINK_QUEUE_MAX of the largest messages of the wireguard family fit one send. */
static void queue_limit(void **state)
{
	struct netlink s;
	uint32_t n = 0;

	(void)state;
	assert_int_equal(netlink_open(&s, NETLINK_ROUTE), 0);
	while (netlink_body_space(&s) >= GENL_PAYLOAD_MAX + 4) {
		queue_request(&s, RTM_GETLINK, n == 1 ? NO_LINK : LOOPBACK, GENL_PAYLOAD_MAX);
		n++;
	}
	assert_int_equal(n, NETLINK_QUEUE_MAX);
	assert_int_equal(netlink_body_space(&s), 0);
	assert_int_equal(netlink_flush(&s), -ENODEV);
	assert_true(netlink_body_space(&s) >= GENL_PAYLOAD_MAX + 4);
	assert_is_usable(&s);
	netlink_close(&s);
}

static int refuse(void *ctx, uint16_t type, const uint8_t *body, size_t n)
{
	(void)ctx;
	(void)type;
	(void)body;
	(void)n;
	return -EPROTO;
}

/* A malformed reply closes the socket; the next request reopens it. */
static void socket_is_reopened_after_an_error(void **state)
{
	struct netlink s;

	(void)state;
	assert_int_equal(netlink_open(&s, NETLINK_ROUTE), 0);
	assert_int_equal(netlink_request(&s, RTM_GETLINK, NLM_F_DUMP, link_body(&s, 0, 0), refuse, NULL), -EPROTO);
	assert_null(s.socket);
	queue_request(&s, RTM_GETLINK, LOOPBACK, 0);
	queue_request(&s, RTM_GETLINK, LOOPBACK, 0);
	assert_int_equal(netlink_flush(&s), 0);
	assert_is_usable(&s);
	netlink_close(&s);
}

/* A stale reply: to a request that failed before its reply was read. */
static void leave_reply(struct netlink *s, uint16_t flags, uint32_t seq)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg head;
	} request = { { .nlmsg_len = sizeof request,
			.nlmsg_type = RTM_GETLINK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags,
			.nlmsg_seq = seq },
		      { .ifi_index = NO_LINK } };

	assert_int_equal(mnl_socket_sendto(s->socket, &request, sizeof request), sizeof request);
}

static void stale_replies_are_dropped(void **state)
{
	struct netlink s;

	(void)state;
	assert_int_equal(netlink_open(&s, NETLINK_ROUTE), 0);
	leave_reply(&s, 0, 1000);
	assert_is_usable(&s);
	leave_reply(&s, NLM_F_DUMP, 1000);
	leave_reply(&s, 0, 0);
	queue_request(&s, RTM_GETLINK, LOOPBACK, 0);
	queue_request(&s, RTM_GETLINK, LOOPBACK, 0);
	assert_int_equal(netlink_flush(&s), 0);
	assert_is_usable(&s);
	netlink_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_in_one_send),
		cmocka_unit_test(the_first_refusal_is_returned),
		cmocka_unit_test(queue_limit),
		cmocka_unit_test(socket_is_reopened_after_an_error),
		cmocka_unit_test(stale_replies_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
