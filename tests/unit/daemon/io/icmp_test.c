/* ICMP errors: their contents, the packets that permit one, and the rate limit. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "daemon/io/icmp.h"
#include "daemon/io/offload.h"

static const uint8_t v4[28] = { 0x45, 0, 0, 28, 0, 1, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2 };
static const uint8_t v6[48] = { 0x60, 0, 0, 0, 0, 8, 17, 64, [8] = 0xfd, [23] = 1, [24] = 0xfd, [39] = 2 };

static void an_error_contains_the_packet(void **state)
{
	uint8_t out[ICMP_MESSAGE_MAX], big[2000] = { 0 };
	struct ip_addr to;

	(void)state;
	assert_int_equal(icmp_build_unreachable(out, &to, v4, sizeof v4), 8 + sizeof v4);
	assert_int_equal(out[0], 3);
	assert_int_equal(out[1], 1);
	assert_int_equal(checksum_fold(checksum_add(0, out, 8 + sizeof v4)), 0xffff);
	assert_memory_equal(out + 4, "\0\0\0\0", 4);
	assert_memory_equal(out + 8, v4, sizeof v4);
	assert_int_equal(to.family, IP_V4);
	assert_memory_equal(to.b, v4 + 12, 4);
	assert_int_equal(icmp_build_unreachable(out, &to, v6, sizeof v6), 8 + sizeof v6);
	assert_int_equal(out[0], 1);
	assert_int_equal(out[1], 3);
	assert_memory_equal(out + 4, "\0\0\0\0", 4);
	assert_memory_equal(out + 8, v6, sizeof v6);
	assert_int_equal(to.family, IP_V6);
	assert_memory_equal(to.b, v6 + 8, 16);
	/* Long packets are cut: to 576 bytes in total for IPv4, 1280 for IPv6. */
	memcpy(big, v4, sizeof v4);
	assert_int_equal(icmp_build_unreachable(out, &to, big, sizeof big), 576 - 20);
	memcpy(big, v6, sizeof v6);
	assert_int_equal(icmp_build_unreachable(out, &to, big, sizeof big), 1280 - 40);
}

static void some_packets_permit_no_error(void **state)
{
	static const struct { size_t at; uint8_t value; bool six, permitted; } cases[] = {
		{ 0, 0x45, false, true },  { 16, 224, false, false }, { 16, 255, false, false },
		{ 12, 0, false, false },   { 12, 127, false, false }, { 12, 239, false, false },
		{ 7, 1, false, false },    { 6, 0x1f, false, false }, { 6, 0x20, false, true },
		{ 0, 0x46, false, true },  { 0, 0x48, false, false }, { 0, 0x44, false, false },
		{ 0, 0x55, false, false }, { 0, 0x00, false, false }, { 24, 0xff, true, false },
		{ 8, 0xff, true, false },  { 0, 0x6f, true, true },   { 0, 0x70, true, false },
	};
	uint8_t out[ICMP_MESSAGE_MAX], p[48];
	struct ip_addr to;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t n = cases[i].six ? sizeof v6 : sizeof v4;
		memcpy(p, cases[i].six ? v6 : v4, n);
		p[cases[i].at] = cases[i].value;
		if ((icmp_build_unreachable(out, &to, p, n) > 0) != cases[i].permitted)
			fail_msg("case %zu", i);
	}
	for (size_t n = 0; n < 20; n++)
		assert_int_equal(icmp_build_unreachable(out, &to, v4, n), 0);
	for (size_t n = 0; n < 40; n++)
		assert_int_equal(icmp_build_unreachable(out, &to, v6, n), 0);
	memset(p, 0, sizeof p); /* unspecified source */
	p[0] = 0x60;
	assert_int_equal(icmp_build_unreachable(out, &to, p, sizeof p), 0);
}

static void errors_about_errors_are_not_sent(void **state)
{
	uint8_t out[ICMP_MESSAGE_MAX], p[48];
	struct ip_addr to;

	(void)state;
	for (int type = 0; type < 256; type++) {
		bool is_query4 = type == 0 || type == 8 || type == 13 || type == 14;
		memcpy(p, v4, sizeof v4);
		p[9] = 1;
		p[20] = (uint8_t)type;
		assert_int_equal(icmp_build_unreachable(out, &to, p, sizeof v4) > 0, is_query4);
		memcpy(p, v6, sizeof v6);
		p[6] = 58;
		p[40] = (uint8_t)type;
		assert_int_equal(icmp_build_unreachable(out, &to, p, sizeof v6) > 0, type >= 128);
	}
	assert_int_equal(icmp_build_unreachable(out, &to, p, 40), 0); /* the type is cut off */
}

static void the_rate_is_limited(void **state)
{
	struct icmp c = { .v4 = -1, .v6 = -1 };
	uint64_t now = 1000 * NS_PER_S;
	int sent = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		sent += icmp_take_token(&c, now);
	assert_int_equal(sent, ICMP_BURST);
	for (int i = 1; i <= 1000; i++) /* a second, a thousand attempts */
		sent += icmp_take_token(&c, now + (uint64_t)i * NS_PER_MS);
	assert_int_equal(sent, ICMP_BURST + ICMP_RATE_PER_S);
	now += 3600 * NS_PER_S;
	sent = 0;
	for (int i = 0; i < 1000; i++)
		sent += icmp_take_token(&c, now);
	assert_int_equal(sent, ICMP_BURST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_contains_the_packet),
		cmocka_unit_test(some_packets_permit_no_error),
		cmocka_unit_test(errors_about_errors_are_not_sent),
		cmocka_unit_test(the_rate_is_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
