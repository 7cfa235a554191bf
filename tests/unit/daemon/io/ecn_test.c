/* Marks of congestion: which packets may be marked, and that the IPv4 header checksum stays correct. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/io/ecn.h"

static uint16_t sum(const uint8_t *p, size_t n)
{
	uint32_t s = 0;

	for (size_t i = 0; i < n; i += 2)
		s += load_be16(p + i);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)s;
}

static void make_v4(uint8_t p[20], uint8_t tos, uint16_t id)
{
	memset(p, 0, 20);
	p[0] = 0x45;
	p[1] = tos;
	store_be16(p + 4, id);
	store_be16(p + 10, (uint16_t)~sum(p, 20));
}

static void only_capable_packets_are_marked(void **state)
{
	uint8_t p[40] = { 0x45 };

	(void)state;
	for (unsigned int tos = 0; tos < 256; tos++) {
		p[0] = 0x45;
		p[1] = (uint8_t)tos;
		assert_int_equal(ecn_is_capable(p, 20), (tos & 3) != 0);
		assert_false(ecn_is_capable(p, 19));
		p[0] = (uint8_t)(0x60 | tos >> 4);
		p[1] = (uint8_t)(tos << 4 | 0xf);
		assert_int_equal(ecn_is_capable(p, 40), (tos & 3) != 0);
		assert_false(ecn_is_capable(p, 39));
		p[0] = 0x55;
		assert_false(ecn_is_capable(p, 40));
	}
	assert_false(ecn_is_capable(p, 0));
}

static void the_checksum_stays_correct(void **state)
{
	uint8_t p[20];

	(void)state;
	for (unsigned int id = 0; id < 65536; id++)
		for (unsigned int tos = 1; tos < 4; tos++) {
			make_v4(p, (uint8_t)(id >> 8 & 0xfc) | (uint8_t)tos, (uint16_t)id);
			ecn_mark(p);
			assert_int_equal(p[1] & 3, 3);
			assert_int_equal(p[1] >> 2, id >> 10);
			assert_int_equal(sum(p, 20), 0xffff);
		}
}

static void only_the_field_of_ipv6_changes(void **state)
{
	uint8_t p[40], before[40];

	(void)state;
	for (unsigned int tos = 0; tos < 256; tos++) {
		if ((tos & 3) == 0)
			continue;
		memset(p, 0x5a, sizeof p);
		p[0] = (uint8_t)(0x60 | tos >> 4);
		p[1] = (uint8_t)(tos << 4 | 0xa);
		memcpy(before, p, sizeof p);
		ecn_mark(p);
		before[1] = (uint8_t)((tos | 3) << 4 | 0xa);
		assert_memory_equal(p, before, sizeof p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_capable_packets_are_marked),
		cmocka_unit_test(the_checksum_stays_correct),
		cmocka_unit_test(only_the_field_of_ipv6_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
