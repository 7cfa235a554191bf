/* The request to connection tracking for a packet, and the sender in its answer. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include "daemon/io/conntrack.h"

static const uint8_t sender[] = { 10, 0, 0, 1 }, gateway[] = { 192, 168, 241, 2 }, far[] = { 192, 168, 241, 1 };
static uint8_t packet[64];

static size_t make_v4(uint8_t protocol, const uint8_t payload[8])
{
	memset(packet, 0, sizeof packet);
	packet[0] = 0x46; /* with options */
	packet[9] = protocol;
	memcpy(packet + 12, gateway, 4);
	memcpy(packet + 16, far, 4);
	memcpy(packet + 24, payload, 8);
	return 32;
}

static size_t make_v6(uint8_t protocol, const uint8_t payload[8])
{
	memset(packet, 0, sizeof packet);
	packet[0] = 0x60;
	packet[6] = protocol;
	packet[8] = packet[24] = 0xfd;
	packet[23] = 2;
	packet[39] = 1;
	memcpy(packet + 40, payload, 8);
	return 48;
}

static const uint8_t *tuple_attribute(const struct netlink_message *m, uint16_t part, uint16_t type, size_t size)
{
	const void *messages = m->bytes, *tuple, *p;
	struct netlink_view v;
	struct nfgenmsg g;
	size_t n = ((const struct nlmsghdr *)messages)->nlmsg_len, n_tuple, n_part;

	assert_true(netlink_next(&v, &messages, &n));
	assert_int_equal(v.type, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET);
	assert_true(netlink_read_family(&v, &g, sizeof g));
	tuple = netlink_find_attribute(v.p, v.n, CTA_TUPLE_REPLY, 0, &n_tuple);
	assert_non_null(tuple);
	p = netlink_find_attribute(tuple, n_tuple, part, 0, &n_part);
	assert_non_null(p);
	return netlink_find_attribute(p, n_part, type, size, NULL);
}

static void the_request_names_the_answers(void **state)
{
	static const uint8_t ports[8] = { 0x12, 0x34, 0x56, 0x78 }, echo[8] = { 8, 0, 1, 1, 0xab, 0xcd },
			     echo6[8] = { 128, 0, 1, 1, 0xab, 0xcd };
	struct netlink_message m;

	(void)state;
	assert_true(conntrack_build_query(&m, packet, make_v4(IPPROTO_UDP, ports)));
	assert_memory_equal(tuple_attribute(&m, CTA_TUPLE_IP, CTA_IP_V4_SRC, 4), far, 4);
	assert_memory_equal(tuple_attribute(&m, CTA_TUPLE_IP, CTA_IP_V4_DST, 4), gateway, 4);
	assert_memory_equal(tuple_attribute(&m, CTA_TUPLE_PROTO, CTA_PROTO_SRC_PORT, 2), ports + 2, 2);
	assert_memory_equal(tuple_attribute(&m, CTA_TUPLE_PROTO, CTA_PROTO_DST_PORT, 2), ports, 2);
	assert_int_equal(*tuple_attribute(&m, CTA_TUPLE_PROTO, CTA_PROTO_NUM, 1), IPPROTO_UDP);
	assert_true(conntrack_build_query(&m, packet, make_v4(IPPROTO_ICMP, echo)));
	assert_int_equal(*tuple_attribute(&m, CTA_TUPLE_PROTO, CTA_PROTO_ICMP_TYPE, 1), 0);
	assert_memory_equal(tuple_attribute(&m, CTA_TUPLE_PROTO, CTA_PROTO_ICMP_ID, 2), echo + 4, 2);
	assert_true(conntrack_build_query(&m, packet, make_v6(IPPROTO_ICMPV6, echo6)));
	assert_memory_equal(tuple_attribute(&m, CTA_TUPLE_IP, CTA_IP_V6_SRC, 16), packet + 24, 16);
	assert_memory_equal(tuple_attribute(&m, CTA_TUPLE_IP, CTA_IP_V6_DST, 16), packet + 8, 16);
	assert_int_equal(*tuple_attribute(&m, CTA_TUPLE_PROTO, CTA_PROTO_ICMPV6_TYPE, 1), 129);
	assert_true(conntrack_build_query(&m, packet, make_v6(IPPROTO_TCP, ports)));
	assert_memory_equal(tuple_attribute(&m, CTA_TUPLE_PROTO, CTA_PROTO_SRC_PORT, 2), ports + 2, 2);
}

static void packets_without_answers_or_too_short_are_refused(void **state)
{
	static const uint8_t error[8] = { 3, 1 }, echo6[8] = { 128 }, zero[8];
	struct netlink_message m;

	(void)state;
	assert_false(conntrack_build_query(&m, packet, make_v4(IPPROTO_ICMP, error)));
	assert_false(conntrack_build_query(&m, packet, make_v4(IPPROTO_ICMP, echo6)));
	assert_false(conntrack_build_query(&m, packet, make_v4(IPPROTO_GRE, zero)));
	assert_false(conntrack_build_query(&m, packet, make_v6(IPPROTO_ICMP, zero)));
	assert_false(conntrack_build_query(&m, packet, make_v4(IPPROTO_ICMPV6, echo6)));
	for (int v6 = 0; v6 < 2; v6++) {
		size_t n = v6 ? make_v6(IPPROTO_UDP, zero) : make_v4(IPPROTO_UDP, zero);
		for (size_t k = 0; k < n; k++) {
			uint8_t *exact = malloc(k + 1); /* so that a sanitizer sees the end */
			memcpy(exact, packet, k);
			assert_false(conntrack_build_query(&m, exact, k));
			free(exact);
		}
		assert_true(conntrack_build_query(&m, packet, n));
	}
}

static void put_tuple(struct netlink_message *m, uint16_t direction, const uint8_t *from, const uint8_t *to)
{
	size_t tuple = netlink_nest(m, direction), ip = netlink_nest(m, CTA_TUPLE_IP);

	netlink_put(m, CTA_IP_V4_SRC, from, 4);
	netlink_put(m, CTA_IP_V4_DST, to, 4);
	netlink_nest_end(m, ip);
	netlink_nest_end(m, tuple);
}

static bool read_answer(struct ip_addr *got, const uint8_t *o_from, const uint8_t *o_to, const uint8_t *r_from,
			const uint8_t *r_to)
{
	struct nfgenmsg g = { 0 };
	struct netlink_message m;
	const void *messages = m.bytes;
	struct netlink_view v;
	size_t n;

	netlink_begin(&m, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW, 0, &g, sizeof g);
	if (o_from)
		put_tuple(&m, CTA_TUPLE_ORIG, o_from, o_to);
	put_tuple(&m, CTA_TUPLE_REPLY, r_from, r_to);
	n = ((const struct nlmsghdr *)messages)->nlmsg_len;
	assert_true(netlink_next(&v, &messages, &n) && netlink_read_family(&v, &g, sizeof g));
	return conntrack_read_sender(got, &v, packet);
}

static void the_answer_names_the_sender(void **state)
{
	struct ip_addr got, want = ip_v4(sender);

	(void)state;
	(void)make_v4(IPPROTO_UDP, (const uint8_t[8]){ 0 });
	assert_true(read_answer(&got, sender, far, far, gateway));
	assert_true(ip_equal(&got, &want));
	/* The packet is itself an answer, to a connection to this gateway that it forwards to `sender`. */
	assert_true(read_answer(&got, far, gateway, sender, far));
	assert_true(ip_equal(&got, &want));
	assert_true(read_answer(&got, gateway, far, far, gateway)); /* not translated */
	assert_int_equal(got.family, IP_NONE);
	assert_false(read_answer(&got, sender, far, far, sender)); /* another connection */
	assert_false(read_answer(&got, NULL, NULL, far, gateway));
	assert_int_equal(got.family, IP_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_request_names_the_answers),
		cmocka_unit_test(packets_without_answers_or_too_short_are_refused),
		cmocka_unit_test(the_answer_names_the_sender),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
