/* The Internet checksum's sum: every row the CPU has says what adding words one by one says. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/io/checksum.h"

enum { LONGEST = 1500 };

static uint32_t state_of_chance = 7;

static uint8_t chance(void)
{
	state_of_chance = state_of_chance * 1664525 + 1013904223;
	return (uint8_t)(state_of_chance >> 24);
}

/* RFC 1071, word by word. */
static uint16_t slow(uint64_t sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i += 2) {
		uint8_t b[2] = { p[i], i + 1 < n ? p[i + 1] : 0 };
		uint16_t word;
		memcpy(&word, b, 2);
		sum += word;
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void every_row_is_right_at_every_length(void **state)
{
	unsigned int rows = 0;

	(void)state;
	for (const struct sum_row *row = sum_rows;; row++) {
		for (size_t n = 0; n <= LONGEST && row->works(); n++) {
			size_t before = n % 65;
			uint64_t start = n % 3 ? (uint64_t)chance() << 26 : 0;
			uint8_t *room = malloc(before + n); /* exact, for ASan */
			assert_non_null(room);
			for (size_t i = 0; i < before + n; i++)
				room[i] = n % 4 ? chance() : 0xff;
			assert_int_equal(sum_fold(row->bytes(start, room + before, n)) % 0xffff,
					 slow(start, room + before, n) % 0xffff);
			uint8_t *copy = malloc(n ? n : 1);
			assert_non_null(copy);
			assert_int_equal(sum_fold(row->copy(start, copy, room + before, n)) % 0xffff,
					 slow(start, room + before, n) % 0xffff);
			assert_memory_equal(copy, room + before, n);
			free(copy);
			free(room);
		}
		rows += row->works();
		if (strcmp(row->name, "portable") == 0)
			break;
	}
	assert_true(rows >= 1);
}

static void what_is_chosen_is_used(void **state)
{
	static uint8_t bytes[LONGEST], copy[LONGEST];

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = chance();
	for (int generic = 0; generic < 2; generic++) {
		sum_choose(generic);
		for (size_t n = 0; n <= sizeof bytes; n += 13)
			assert_int_equal(sum_fold(sum_bytes(5, bytes, n)) % 0xffff, slow(5, bytes, n) % 0xffff);
		for (size_t n = 0; n <= sizeof bytes; n += 13) {
			memset(copy, 0xee, sizeof copy);
			assert_int_equal(sum_fold(sum_copy(5, copy, bytes, n)) % 0xffff, slow(5, bytes, n) % 0xffff);
			assert_memory_equal(copy, bytes, n);
			assert_true(n == sizeof copy || copy[n] == 0xee);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_right_at_every_length),
		cmocka_unit_test(what_is_chosen_is_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
