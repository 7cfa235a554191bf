/* Flow hashes: SipHash-1-3 of addresses, protocol and ports, with a seed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/threads/flow_hash.h"

static const struct flow_seed seed = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

/* IPv4, TCP, from 10.0.0.1 port 0x1234 to 10.0.0.2 port 80. */
static const uint8_t tcp4[40] = { 0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x12, 0x34, 0, 80 };

static uint64_t hash_with(const uint8_t *packet, size_t n, size_t at, uint8_t value)
{
	uint8_t copy[128];

	memcpy(copy, packet, n);
	copy[at] = value;
	return flow_hash(&seed, copy, n);
}

/* What CPython 3.11 computes with SipHash-1-3 and a key of zeros for the addresses, the protocol as 32 bits, and the ports:
 * PYTHONHASHSEED=0 python3 -c 'print(hex(hash(bytes([0,1,2,3,4,5,6,7,6,0,0,0,0x12,0x34,0,80])) & (1 << 64) - 1))' */
static void the_hash_is_siphash_1_3(void **state)
{
	static const struct flow_seed zero = { 0, 0 };
	uint8_t p[40];

	(void)state;
	memcpy(p, tcp4, sizeof p);
	for (uint8_t i = 0; i < 8; i++)
		p[12 + i] = i;
	assert_int_equal(flow_hash(&zero, p, sizeof p), 0x21d3940510da2ec4);
}

static void each_part_of_the_flow_counts(void **state)
{
	uint64_t hash = flow_hash(&seed, tcp4, sizeof tcp4);

	(void)state;
	for (size_t at = 12; at < 24; at++)
		assert_int_not_equal(hash_with(tcp4, sizeof tcp4, at, 0xee), hash);
	assert_int_not_equal(hash_with(tcp4, sizeof tcp4, 9, 17), hash);
	assert_int_equal(hash_with(tcp4, sizeof tcp4, 5, 9), hash);  /* identification */
	assert_int_equal(hash_with(tcp4, sizeof tcp4, 8, 9), hash);  /* TTL */
	assert_int_equal(hash_with(tcp4, sizeof tcp4, 25, 9), hash); /* sequence number */
	assert_int_equal(hash_with(tcp4, sizeof tcp4, 1, 2), hash);  /* a flow stays in order, whatever its TOS */
}

static void the_seed_counts(void **state)
{
	const struct flow_seed other = { seed.a + 1, seed.b }, another = { seed.a, seed.b + 1 };

	(void)state;
	assert_int_not_equal(flow_hash(&other, tcp4, sizeof tcp4), flow_hash(&seed, tcp4, sizeof tcp4));
	assert_int_not_equal(flow_hash(&another, tcp4, sizeof tcp4), flow_hash(&seed, tcp4, sizeof tcp4));
}

static void fragments_of_a_packet_are_one_flow(void **state)
{
	uint8_t first[40], later[40];

	(void)state;
	memcpy(first, tcp4, sizeof first);
	memcpy(later, tcp4, sizeof later);
	first[6] = 0x20; /* more fragments */
	later[6] = 0, later[7] = 185;
	memset(later + 20, 0x77, 20); /* no ports, but payload */
	assert_int_equal(flow_hash(&seed, first, sizeof first), flow_hash(&seed, later, sizeof later));
}

static void options_are_skipped(void **state)
{
	uint8_t p[44] = { 0 };

	(void)state;
	memcpy(p, tcp4, 20);
	p[0] = 0x46;
	memcpy(p + 24, tcp4 + 20, 20);
	assert_int_equal(flow_hash(&seed, p, sizeof p), flow_hash(&seed, tcp4, sizeof tcp4));
}

static void ipv6_counts_likewise(void **state)
{
	uint8_t p[60] = { 0x60, [6] = 17, [8] = 0xfd, [39] = 2, [40] = 1, 2, 3, 4 };
	uint64_t hash = flow_hash(&seed, p, sizeof p);

	(void)state;
	for (size_t at = 8; at < 44; at++)
		assert_int_not_equal(hash_with(p, sizeof p, at, 0xee), hash);
	assert_int_equal(hash_with(p, sizeof p, 44, 0xee), hash);
	assert_int_equal(hash_with(p, sizeof p, 3, 0xee), hash); /* flow label */
	p[6] = 58; /* ICMPv6 has no ports */
	hash = flow_hash(&seed, p, sizeof p);
	assert_int_equal(hash_with(p, sizeof p, 40, 0xee), hash);
}

/* Of every length, also those that end within a header. */
static void short_packets_are_not_read_beyond_their_end(void **state)
{
	(void)state;
	for (size_t n = 0; n <= sizeof tcp4; n++) {
		uint8_t *p = test_malloc(n + 1);
		memcpy(p, tcp4, n);
		(void)flow_hash(&seed, p, n);
		p[0] = n > 0 ? 0x60 : 0;
		(void)flow_hash(&seed, p, n);
		test_free(p);
	}
	assert_int_equal(flow_hash(&seed, tcp4, 23), flow_hash(&seed, tcp4, 20)); /* ports that are cut off */
	assert_int_not_equal(flow_hash(&seed, tcp4, 24), flow_hash(&seed, tcp4, 20));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hash_is_siphash_1_3),
		cmocka_unit_test(each_part_of_the_flow_counts),
		cmocka_unit_test(the_seed_counts),
		cmocka_unit_test(fragments_of_a_packet_are_one_flow),
		cmocka_unit_test(options_are_skipped),
		cmocka_unit_test(ipv6_counts_likewise),
		cmocka_unit_test(short_packets_are_not_read_beyond_their_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
