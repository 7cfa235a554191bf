/* Inner packets: parsing, padding for every MTU, and the sixteen combinations of ECN. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/packet.h"

static uint16_t sum_of(const uint8_t *header)
{
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += load_be16(header + i);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

static void test_parse(void **state)
{
	uint8_t v4[20] = { 0x45, 0x2e, 0x12, 0x34 }, v6[40] = { 0x6a, 0xb0, 0, 0, 0x01, 0x02 };
	struct packet_ip ip;

	(void)state;
	assert_true(packet_parse(&ip, v4, sizeof v4));
	assert_int_equal(ip.family, IP_V4);
	assert_int_equal(ip.tos, 0x2e);
	assert_int_equal(ip.claimed, 0x1234);
	assert_ptr_equal(ip.source, v4 + 12);
	assert_ptr_equal(ip.destination, v4 + 16);
	assert_true(packet_parse(&ip, v6, sizeof v6));
	assert_int_equal(ip.family, IP_V6);
	assert_int_equal(ip.tos, 0xab);
	assert_int_equal(ip.claimed, 40 + 0x102);
	assert_ptr_equal(ip.source, v6 + 8);
	assert_ptr_equal(ip.destination, v6 + 24);
	memset(v6 + 4, 0xff, 2);
	assert_true(packet_parse(&ip, v6, sizeof v6));
	assert_int_equal(ip.claimed, 65575);
}

static void test_not_ip(void **state)
{
	uint8_t bytes[40] = { 0 };
	struct packet_ip ip;

	(void)state;
	assert_false(packet_parse(&ip, bytes, 0));
	for (unsigned int version = 0; version < 16; version++) {
		bytes[0] = (uint8_t)(version << 4 | 5);
		assert_int_equal(packet_parse(&ip, bytes, 40), version == 4 || version == 6);
		assert_int_equal(packet_parse(&ip, bytes, 39), version == 4);
		assert_int_equal(packet_parse(&ip, bytes, 20), version == 4);
		assert_false(packet_parse(&ip, bytes, 19));
		assert_false(packet_parse(&ip, bytes, 1));
	}
}

static void test_padding(void **state)
{
	static const size_t mtus[] = { 0, 68, 576, 1280, 1299, 1420, 65535 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(mtus); i++) {
		size_t mtu = mtus[i];

		for (size_t n = 0; n <= 70000; n += n < 3000 ? 1 : 13) {
			size_t padded = packet_padded(n, mtu);

			assert_true(padded >= n && padded < n + 16);
			if (mtu != 0 && n <= mtu)
				assert_true(padded <= mtu);
			if (mtu == 0 || (n + 15) / 16 * 16 <= mtu)
				assert_int_equal(padded, (n + 15) / 16 * 16);
			else if (n <= mtu)
				assert_int_equal(padded, mtu);
		}
	}
	assert_int_equal(packet_padded(1420, 1420), 1420);
	assert_int_equal(packet_padded(1419, 1420), 1420);
	assert_int_equal(packet_padded(1291, 1299), 1296);
	assert_int_equal(packet_padded(1297, 1299), 1299);
	/* padded as a fragment of 1 byte, as in the Linux kernel */
	assert_int_equal(packet_padded(1421, 1420), 1436);
	assert_int_equal(packet_padded(2840, 1420), 2840);
}

static void test_outer_tos(void **state)
{
	(void)state;
	for (unsigned int tos = 0; tos < 256; tos++)
		assert_int_equal(packet_outer_tos((uint8_t)tos), (tos & 3) == 3 ? 2 : tos & 3);
}

/* [inner][outer], ECN: 0 not-ECT, 1 ECT(1), 2 ECT(0), 3 CE. */
static const uint8_t merged[4][4] = {
	{ 0, 0, 0, 0 },
	{ 1, 1, 1, 3 },
	{ 2, 1, 2, 3 },
	{ 3, 3, 3, 3 },
};

static void test_merge_ecn_v4(void **state)
{
	(void)state;
	for (unsigned int x = 0; x < 16 * 64; x++) {
		unsigned int inner = x & 3, outer = x >> 2 & 3, dscp = x >> 4 << 2;
		uint8_t p[20] = { 0x45, (uint8_t)(dscp | inner), 0, 20, (uint8_t)(x * 37),
				  (uint8_t)(x * 101), 0, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2 };
		struct packet_ip ip;

		store_be16(p + 10, (uint16_t)~sum_of(p));
		assert_int_equal(sum_of(p), 0xffff);
		assert_true(packet_parse(&ip, p, sizeof p));
		packet_merge_ecn(p, &ip, (uint8_t)(0xb8 | outer)); /* the outer DSCP is ignored */
		assert_int_equal(p[1], dscp | merged[inner][outer]);
		assert_int_equal(sum_of(p), 0xffff);
	}
}

static void test_merge_ecn_v6(void **state)
{
	(void)state;
	for (unsigned int x = 0; x < 16 * 64; x++) {
		unsigned int inner = x & 3, outer = x >> 2 & 3, tc = (x >> 4) << 2 | inner;
		uint8_t p[40] = { (uint8_t)(0x60 | tc >> 4), (uint8_t)(tc << 4 | 0xd), 0xab, 0xcd };
		struct packet_ip ip;

		assert_true(packet_parse(&ip, p, sizeof p));
		assert_int_equal(ip.tos, tc);
		packet_merge_ecn(p, &ip, (uint8_t)outer);
		assert_true(packet_parse(&ip, p, sizeof p));
		assert_int_equal(ip.tos, (tc & 0xfc) | merged[inner][outer]);
		assert_int_equal(p[0] >> 4, 6);
		assert_int_equal(p[1] & 0xf, 0xd);
		assert_int_equal(load_be16(p + 2), 0xabcd); /* the flow label */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_not_ip),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_outer_tos),
		cmocka_unit_test(test_merge_ecn_v4),
		cmocka_unit_test(test_merge_ecn_v6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
