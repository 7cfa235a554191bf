/* Addresses compared with inet_pton(3) and inet_ntop(3), prefixes bit by bit, and tables of endpoints. */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/addr.h"
#include "../../lib/sample.h"

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 16;
}

static void compare_with_libc(const char *text)
{
	bool v6 = strchr(text, ':') != NULL;
	uint8_t bytes[16] = { 0 };
	struct ip_addr a;
	bool libc = inet_pton(v6 ? AF_INET6 : AF_INET, text, bytes) == 1;

	if (ip_parse(&a, span_of(text)) != libc)
		fail_msg("%s: libc says %d", text, libc);
	if (!libc) {
		assert_int_equal(a.family, IP_NONE);
		return;
	}
	assert_int_equal(a.family, v6 ? IP_V6 : IP_V4);
	assert_memory_equal(a.b, bytes, v6 ? 16 : 4);
}

static const char *const texts[] = {
	"", ".", ":", "::", ":::", "::1", "1::", "1::2::3", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9",
	"1:2:3:4:5:6:7", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::3:4:5:6:7:8", "1:2:3:4:5:6:7:8::",
	"::1:2:3:4:5:6:7:8", ":1::2", "1:", ":1", "::1:", "00001::", "0001::", "g::", "::ffff:1.2.3.4",
	"::1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "::1.2.3.4.5", "::1.2.3.256",
	"::01.2.3.4", "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5::1.2.3.4", "1:2:3:4:5:6::1.2.3.4",
	"1.2.3.4", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.04", "0.0.0.0", "00.0.0.0", "256.1.1.1",
	"1.2.3.4 ", " 1.2.3.4", "1..2.3", "1.2.3.", ".1.2.3.4", "+1.2.3.4", "1.2.3.-4", "0x1.2.3.4", "127.1",
	"1234.1.1.1", "FE80::ABCD", "::-1", "::+1", "1: 2::", "fe80::1%lo", "0:0:0:0:0:0:0:0", "::%",
	"1::2:3:4:5:6:7", "::ffff:0:0", "1:0:0:2:0:0:0:3",
};

static void addresses_in_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		compare_with_libc(texts[i]);
}

static void random_texts(void **state)
{
	static const char letters[] = "0123456789abcdefABCDEF::::::....%/ g0011";
	uint32_t seed = sample_seed(7);
	char text[48];

	(void)state;
	for (int round = 0; round < sample_rounds(300000); round++) {
		size_t n = next_random(&seed) % (round & 1 ? 12 : 44);
		for (size_t i = 0; i < n; i++)
			text[i] = letters[next_random(&seed) % (sizeof letters - 1)];
		text[n] = '\0';
		compare_with_libc(text);
	}
}

#ifndef __GLIBC__
/* Of several runs of zero groups with the same length, the first is the one to leave out (RFC 5952, 4.2.3). */
static bool has_one_longest_run(const uint8_t b[16])
{
	int run = 0, longest = 0, n = 0;

	for (int i = 0; i < 8; i++) {
		run = b[2 * i] == 0 && b[2 * i + 1] == 0 ? run + 1 : 0;
		if (run > longest)
			n = 0;
		if (run >= longest) {
			longest = run;
			n++;
		}
	}
	return longest < 2 || n == 1;
}
#endif

/* Other libcs than glibc print addresses that are "compatible" with IPv4 (RFC 4291, 2.5.5.1) without dots, and may leave out another
 * run of zero groups. */
static bool is_printed_alike(const uint8_t b[16])
{
#ifdef __GLIBC__
	(void)b;
	return true;
#else
	static const uint8_t zero[12];

	return memcmp(b, zero, sizeof zero) != 0 && has_one_longest_run(b);
#endif
}

static void random_addresses_are_printed_as_by_libc(void **state)
{
	uint32_t seed = sample_seed(9);
	char ours[IP_TEXT_MAX], libc[INET6_ADDRSTRLEN];

	(void)state;
	for (int round = 0; round < sample_rounds(200000); round++) {
		uint8_t b[16];
		struct ip_addr v4, v6, back;
		struct text t = text_fixed(ours, sizeof ours);
		uint32_t zeros = next_random(&seed);
		for (int i = 0; i < 16; i++) /* runs of zero groups are the difficult case */
			b[i] = (uint8_t)(zeros >> (i / 2) & 1 ? 0 : next_random(&seed) >> (zeros >> 8 & 7));
		if (zeros >> 12 == 3)
			memset(b + 10, 0xff, 2);
		v6 = ip_v6(b);
		ip_print(&t, &v6);
		if (is_printed_alike(b))
			assert_string_equal(ours, inet_ntop(AF_INET6, b, libc, sizeof libc));
		assert_true(ip_parse(&back, text_of(&t)) && ip_equal(&back, &v6));
		v4 = ip_v4(b);
		t = text_fixed(ours, sizeof ours);
		ip_print(&t, &v4);
		assert_string_equal(ours, inet_ntop(AF_INET, b, libc, sizeof libc));
		assert_true(ip_parse(&back, text_of(&t)) && ip_equal(&back, &v4));
		assert_false(ip_equal(&v4, &v6));
		assert_false(t.failed);
	}
}

static bool bit_of(const uint8_t *b, unsigned int i)
{
	return b[i / 8] >> (7 - i % 8) & 1;
}

static void prefixes_by_bits(void **state)
{
	uint32_t seed = sample_seed(3);

	(void)state;
	for (int round = 0; round < sample_rounds(100000); round++) {
		bool v6 = next_random(&seed) & 1;
		unsigned int all = v6 ? 128 : 32, bits = next_random(&seed) % (all + 1), other;
		struct ip_addr a, b;
		struct ip_prefix p, q;
		uint8_t bytes[16], more[16];
		bool same = true;
		for (int i = 0; i < 16; i++)
			bytes[i] = more[i] = (uint8_t)next_random(&seed);
		other = next_random(&seed) % all;
		more[other / 8] ^= (uint8_t)(0x80 >> other % 8);
		a = v6 ? ip_v6(bytes) : ip_v4(bytes);
		b = v6 ? ip_v6(more) : ip_v4(more);
		assert_true(prefix_make(&p, &a, bits));
		for (unsigned int i = 0; i < all; i++)
			assert_int_equal(bit_of(p.addr.b, i), i < bits && bit_of(a.b, i));
		for (unsigned int i = 0; i < bits; i++)
			same = same && bit_of(a.b, i) == bit_of(b.b, i);
		assert_true(prefix_contains(&p, &a));
		assert_int_equal(prefix_contains(&p, &b), same);
		assert_true(prefix_make(&q, &b, all));
		assert_int_equal(prefix_covers(&p, &q), same);
		assert_int_equal(prefix_covers(&q, &p), bits == all && same);
		assert_false(prefix_make(&q, &a, all + 1));
	}
}

/* A prefix, its printed form (null: invalid), and whether host bits were cleared. */
static const struct {
	const char *in, *out;
	bool host_bits;
} prefixes[] = {
	{ "10.1.2.3/8", "10.0.0.0/8", true },
	{ "10.0.0.0/8", "10.0.0.0/8", false },
	{ "10.1.2.3", "10.1.2.3/32", false },
	{ "0.0.0.0/0", "0.0.0.0/0", false },
	{ "1.2.3.4/0", "0.0.0.0/0", true },
	{ "::/0", "::/0", false },
	{ "2001:db8::1/127", "2001:db8::/127", true },
	{ "2001:db8::1", "2001:db8::1/128", false },
	{ "1.2.3.4/33", NULL, false },
	{ "::/129", NULL, false },
	{ "1.2.3.4/", NULL, false },
	{ "/8", NULL, false },
	{ "1.2.3.4/-1", NULL, false },
	{ "1.2.3.4/4294967296", NULL, false },
	{ "1.2.3.4/8/8", NULL, false },
};

static void prefixes_in_the_table(void **state)
{
	char buffer[IP_PREFIX_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		struct text t = text_fixed(buffer, sizeof buffer);
		struct ip_prefix p;
		bool host_bits = false;
		bool ok = prefix_parse(&p, span_of(prefixes[i].in), &host_bits);
		assert_int_equal(ok, prefixes[i].out != NULL);
		if (!ok)
			continue;
		prefix_print(&t, &p);
		assert_string_equal(buffer, prefixes[i].out);
		assert_int_equal(host_bits, prefixes[i].host_bits);
	}
}

static bool eth0_index(uint32_t *index, struct span name)
{
	*index = 3;
	return span_is(name, "eth0");
}

static bool eth0_name(char name[16], uint32_t index)
{
	memcpy(name, "eth0", 5);
	return index == 3;
}

/* An endpoint and its printed form; null: invalid. */
static const struct {
	const char *in, *out;
} endpoints[] = {
	{ "192.0.2.1:51820", "192.0.2.1:51820" },
	{ "[2001:DB8::1]:0", "[2001:db8::1]:0" },
	{ "[fe80::1%eth0]:65535", "[fe80::1%eth0]:65535" },
	{ "[fe80::1%3]:1", "[fe80::1%eth0]:1" },
	{ "[fe80::1%4]:1", "[fe80::1%4]:1" },
	{ "[ff02::1%3]:1", "[ff02::1%eth0]:1" }, /* link-local multicast */
	{ "[ff05::1%3]:1", "[ff05::1%3]:1" },
	{ "[2001:db8::1%3]:1", "[2001:db8::1%3]:1" }, /* not link-local */
	{ "[192.0.2.1]:5", "192.0.2.1:5" },
	{ "[fe80::1%eth1]:1", NULL },
	{ "[192.0.2.1%3]:5", NULL },
	{ "[fe80::1%]:1", NULL },
	{ "192.0.2.1:65536", NULL },
	{ "192.0.2.1:", NULL },
	{ "192.0.2.1", NULL },
	{ "::1:5", NULL },
	{ "[::1:5", NULL },
	{ "[::1]5", NULL },
	{ "[]:5", NULL },
	{ "[", NULL },
	{ "]:5", NULL },
	{ ":5", NULL },
	{ "", NULL },
	{ "example.com:5", NULL },
};

static void endpoints_in_the_table(void **state)
{
	static const struct ip_scopes scopes = { eth0_index, eth0_name };
	char buffer[IP_ENDPOINT_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(endpoints); i++) {
		struct text t = text_fixed(buffer, sizeof buffer);
		struct ip_endpoint e;
		bool ok = endpoint_parse(&e, span_of(endpoints[i].in), &scopes);
		assert_int_equal(ok, endpoints[i].out != NULL);
		if (!ok) {
			assert_int_equal(e.addr.family, IP_NONE);
			continue;
		}
		endpoint_print(&t, &e, &scopes);
		assert_string_equal(buffer, endpoints[i].out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_in_the_table),
		cmocka_unit_test(random_texts),
		cmocka_unit_test(random_addresses_are_printed_as_by_libc),
		cmocka_unit_test(prefixes_by_bits),
		cmocka_unit_test(prefixes_in_the_table),
		cmocka_unit_test(endpoints_in_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
