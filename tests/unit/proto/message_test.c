/* Messages are recognised by exact length and all four bytes of the type. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/message.h"

static void test_lengths(void **state)
{
	static const size_t want[] = { 0, 148, 92, 64 };
	static uint8_t bytes[2048];
	struct wg_msg msg;

	(void)state;
	for (uint32_t type = 0; type < 256; type++) {
		store_le32(bytes, type);
		for (size_t n = 0; n <= sizeof bytes; n++) {
			bool ok = type >= 1 && type <= 3 ? n == want[type] : type == 4 && n >= 32;

			assert_int_equal(msg_parse(&msg, bytes, n), ok);
			if (ok)
				assert_int_equal(msg.type, type);
		}
	}
}

static void test_reserved_bytes(void **state)
{
	static uint8_t bytes[148];
	struct wg_msg msg;

	(void)state;
	for (uint32_t type = 1; type <= 4; type++) {
		size_t n = type == 1 ? 148 : type == 2 ? 92 : 64;

		for (unsigned int bit = 8; bit < 32; bit++) {
			store_le32(bytes, type | 1u << bit);
			assert_false(msg_parse(&msg, bytes, n));
		}
		store_le32(bytes, type);
		assert_true(msg_parse(&msg, bytes, n));
	}
}

static void test_data_header(void **state)
{
	static const uint8_t want[] = { 4, 0, 0, 0, 4, 3, 2, 1, 8, 7, 6, 5, 4, 3, 2, 1 };
	uint8_t out[16];

	(void)state;
	msg_data_header(out, 0x01020304, 0x0102030405060708);
	assert_memory_equal(out, want, sizeof want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_reserved_bytes),
		cmocka_unit_test(test_data_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
