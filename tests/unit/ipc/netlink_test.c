/* Orders in one send, against the kernel's rtnetlink, which needs no permission to be asked. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "ipc/genl_codec.h"
#include "ipc/netlink.h"

enum { LOOPBACK = 1, NO_LINK = 0x7ffffff0, NO_ORDER = RTM_GETLINK + 1000 };

/* Asks for one link, in a body of n bytes or as few as that takes. */
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

static void order(struct netlink *s, uint16_t type, int index, size_t n)
{
	netlink_queue(s, type, 0, link_body(s, index, n));
}

static int take_index(void *ctx, uint16_t type, const uint8_t *body, size_t n)
{
	struct ifinfomsg head;

	if (type == RTM_NEWLINK && n >= sizeof head) {
		memcpy(&head, body, sizeof head);
		*(int *)ctx = head.ifi_index;
	}
	return 0;
}

/* The next question gets its own answer, nothing is left of what was before. */
static void assert_is_usable(struct netlink *s)
{
	int index = 0;

	assert_non_null(s->socket);
	assert_int_equal(netlink_ask(s, RTM_GETLINK, 0, link_body(s, LOOPBACK, 0), take_index, &index), 0);
	assert_int_equal(index, LOOPBACK);
	assert_int_equal(netlink_ask(s, RTM_GETLINK, 0, link_body(s, NO_LINK, 0), NULL, NULL), -ENODEV);
}

static void together(void **state)
{
	struct netlink s;

	(void)state;
	assert_int_equal(netlink_open(&s, NETLINK_ROUTE), 0);
	assert_int_equal(netlink_flush(&s), 0); /* of nothing */
	for (uint32_t n = 1; n <= NETLINK_QUEUE_MAX; n++) {
		for (uint32_t i = 0; i < n; i++)
			order(&s, RTM_GETLINK, LOOPBACK, i); /* of odd lengths too */
		assert_int_equal(s.n_queued, n);
		assert_int_equal(netlink_flush(&s), 0);
		assert_int_equal(s.n_queued, 0);
		assert_is_usable(&s);
	}
	netlink_close(&s);
}

static void first_refusal_counts(void **state)
{
	static const struct {
		struct { uint16_t type; int index; } order[NETLINK_QUEUE_MAX];
		int rc;
	} cases[] = {
		{ { { RTM_GETLINK, NO_LINK }, { RTM_GETLINK, LOOPBACK }, { RTM_GETLINK, LOOPBACK } }, -ENODEV },
		{ { { RTM_GETLINK, LOOPBACK }, { RTM_GETLINK, NO_LINK }, { NO_ORDER, LOOPBACK } }, -ENODEV },
		{ { { RTM_GETLINK, LOOPBACK }, { NO_ORDER, LOOPBACK }, { RTM_GETLINK, NO_LINK } }, -EOPNOTSUPP },
		{ { { RTM_GETLINK, LOOPBACK }, { RTM_GETLINK, LOOPBACK }, { NO_ORDER, LOOPBACK } }, -EOPNOTSUPP },
	};
	struct netlink s;

	(void)state;
	assert_int_equal(netlink_open(&s, NETLINK_ROUTE), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (size_t k = 0; k < NETLINK_QUEUE_MAX; k++)
			order(&s, cases[i].order[k].type, cases[i].order[k].index, 0);
		assert_int_equal(netlink_flush(&s), cases[i].rc);
		assert_is_usable(&s);
	}
	netlink_close(&s);
}

/* The largest messages of the wireguard family fit one send, and no more than are meant to. */
static void as_much_as_fits(void **state)
{
	struct netlink s;
	uint32_t n = 0;

	(void)state;
	assert_int_equal(netlink_open(&s, NETLINK_ROUTE), 0);
	while (netlink_body_room(&s) >= GENL_PAYLOAD_MAX + 4) {
		order(&s, RTM_GETLINK, n == 1 ? NO_LINK : LOOPBACK, GENL_PAYLOAD_MAX);
		n++;
	}
	assert_int_equal(n, NETLINK_QUEUE_MAX);
	assert_int_equal(netlink_body_room(&s), 0);
	assert_int_equal(netlink_flush(&s), -ENODEV);
	assert_true(netlink_body_room(&s) >= GENL_PAYLOAD_MAX + 4);
	assert_is_usable(&s);
	netlink_close(&s);
}

/* A torn or broken answer closes the socket; what is asked next opens it again. */
static int refuse(void *ctx, uint16_t type, const uint8_t *body, size_t n)
{
	(void)ctx;
	(void)type;
	(void)body;
	(void)n;
	return -EPROTO;
}

static void again_after_a_broken_answer(void **state)
{
	struct netlink s;

	(void)state;
	assert_int_equal(netlink_open(&s, NETLINK_ROUTE), 0);
	assert_int_equal(netlink_ask(&s, RTM_GETLINK, NLM_F_DUMP, link_body(&s, 0, 0), refuse, NULL), -EPROTO);
	assert_null(s.socket);
	order(&s, RTM_GETLINK, LOOPBACK, 0);
	order(&s, RTM_GETLINK, LOOPBACK, 0);
	assert_int_equal(netlink_flush(&s), 0);
	assert_is_usable(&s);
	netlink_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(together),
		cmocka_unit_test(first_refusal_counts),
		cmocka_unit_test(as_much_as_fits),
		cmocka_unit_test(again_after_a_broken_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
