/* Encoding and decoding of keys, compared with a simple implementation, and all invalid characters. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/key.h"
#include "base/mem.h"
#include "../../lib/plain_base64.h"

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 16;
}

static void round_trip_of_random_keys(void **state)
{
	uint8_t key[KEY_BYTES], back[KEY_BYTES], plain[KEY_BYTES];
	char text[KEY_HEX_CHARS + 1], expect[KEY_HEX_CHARS + 1];
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		for (int i = 0; i < KEY_BYTES; i++)
			key[i] = (uint8_t)next_random(&seed);
		key_to_base64(text, key);
		assert_int_equal(strlen(text), KEY_BASE64_CHARS);
		assert_true(plain_base64(plain, text, strlen(text)));
		assert_memory_equal(plain, key, KEY_BYTES);
		assert_true(key_from_base64(back, span_of(text)));
		assert_memory_equal(back, key, KEY_BYTES);
		key_to_hex(text, key);
		for (int i = 0; i < KEY_BYTES; i++)
			snprintf(expect + 2 * i, 3, "%02x", key[i]);
		assert_string_equal(text, expect);
		assert_true(key_from_hex(back, span_of(text)));
		assert_memory_equal(back, key, KEY_BYTES);
	}
}

/* Every byte at every position gives the result of the simple implementation. */
static void every_character_at_every_position(void **state)
{
	static const char good[] = "oM3PZ1Htc7FnACoIZGhCyrfeR+Y8Yh34WzDaulNEjGs=";
	uint8_t a[KEY_BYTES], b[KEY_BYTES];
	char text[sizeof good];

	(void)state;
	for (size_t at = 0; at < KEY_BASE64_CHARS; at++) {
		for (int c = 0; c < 256; c++) {
			bool ours, plain;
			memcpy(text, good, sizeof good);
			text[at] = (char)c;
			ours = key_from_base64(a, (struct span){ text, KEY_BASE64_CHARS });
			plain = plain_base64(b, text, KEY_BASE64_CHARS);
			assert_int_equal(ours, plain);
			if (ours)
				assert_memory_equal(a, b, KEY_BYTES);
			else
				assert_true(mem_is_zero_ct(a, KEY_BYTES));
		}
	}
}

static bool is_hex_digit(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static void every_hex_digit(void **state)
{
	char text[KEY_HEX_CHARS];
	uint8_t key[KEY_BYTES];

	(void)state;
	for (size_t at = 0; at < KEY_HEX_CHARS; at++) {
		for (int c = 0; c < 256; c++) {
			memset(text, 'F', sizeof text);
			text[at] = (char)c;
			assert_int_equal(key_from_hex(key, (struct span){ text, sizeof text }), is_hex_digit(c));
			assert_int_equal(mem_is_zero_ct(key, KEY_BYTES), !is_hex_digit(c));
		}
	}
}

static void lengths_are_exact(void **state)
{
	static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000000";
	static const char as[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=AAA=";
	uint8_t key[KEY_BYTES];

	(void)state;
	for (size_t n = 0; n < sizeof zeros; n++)
		assert_int_equal(key_from_hex(key, (struct span){ zeros, n }), n == KEY_HEX_CHARS);
	for (size_t n = 0; n < sizeof as; n++)
		assert_int_equal(key_from_base64(key, (struct span){ as, n }), n == KEY_BASE64_CHARS);
	assert_false(key_from_hex(key, (struct span){ NULL, 0 }));
	assert_false(key_from_base64(key, (struct span){ NULL, 0 }));
}

static void comparison_and_wiping(void **state)
{
	uint8_t a[70], b[70];

	(void)state;
	for (size_t n = 0; n <= sizeof a; n++) {
		memset(a, 0x5a, sizeof a);
		memset(b, 0x5a, sizeof b);
		assert_true(mem_equal_ct(a, b, n));
		for (size_t i = 0; i < n; i++)
			for (unsigned int bit = 0; bit < 8; bit++) {
				b[i] ^= (uint8_t)(1u << bit);
				assert_false(mem_equal_ct(a, b, n));
				b[i] = a[i];
			}
		mem_wipe(a, n);
		assert_true(mem_is_zero_ct(a, n));
		assert_false(n < sizeof a && mem_is_zero_ct(a, sizeof a));
		for (size_t i = 0; i < n; i++) {
			a[i] = 0x80;
			assert_false(mem_is_zero_ct(a, n));
			a[i] = 0;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip_of_random_keys),
		cmocka_unit_test(every_character_at_every_position),
		cmocka_unit_test(every_hex_digit),
		cmocka_unit_test(lengths_are_exact),
		cmocka_unit_test(comparison_and_wiping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
