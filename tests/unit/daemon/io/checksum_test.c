/* Internet checksum: every implementation that the CPU supports agrees with adding word by word. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/io/checksum.h"

enum { LONGEST = 1500 };

static uint32_t random_state = 7;

static uint8_t random_byte(void)
{
	random_state = random_state * 1664525 + 1013904223;
	return (uint8_t)(random_state >> 24);
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

static void every_implementation_is_correct_at_every_length(void **state)
{
	unsigned int n_impls = 0;

	(void)state;
	for (const struct checksum_impl *impl = checksum_impls;; impl++) {
		for (size_t n = 0; n <= LONGEST && impl->supported(); n++) {
			size_t before = n % 65;
			uint64_t start = n % 3 ? (uint64_t)random_byte() << 26 : 0;
			uint8_t *buffer = malloc(before + n); /* exact, for ASan */
			assert_non_null(buffer);
			for (size_t i = 0; i < before + n; i++)
				buffer[i] = n % 4 ? random_byte() : 0xff;
			assert_int_equal(checksum_fold(impl->add(start, buffer + before, n)) % 0xffff,
					 slow(start, buffer + before, n) % 0xffff);
			uint8_t *copy = malloc(n ? n : 1);
			assert_non_null(copy);
			assert_int_equal(checksum_fold(impl->add_copy(start, copy, buffer + before, n)) % 0xffff,
					 slow(start, buffer + before, n) % 0xffff);
			assert_memory_equal(copy, buffer + before, n);
			free(copy);
			free(buffer);
		}
		n_impls += impl->supported();
		if (strcmp(impl->name, "portable") == 0)
			break;
	}
	assert_true(n_impls >= 1);
}

static void the_selected_implementation_is_used(void **state)
{
	static uint8_t bytes[LONGEST], copy[LONGEST];

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = random_byte();
	for (int generic = 0; generic < 2; generic++) {
		checksum_select(generic);
		for (size_t n = 0; n <= sizeof bytes; n += 13)
			assert_int_equal(checksum_fold(checksum_add(5, bytes, n)) % 0xffff, slow(5, bytes, n) % 0xffff);
		for (size_t n = 0; n <= sizeof bytes; n += 13) {
			memset(copy, 0xee, sizeof copy);
			assert_int_equal(checksum_fold(checksum_add_copy(5, copy, bytes, n)) % 0xffff, slow(5, bytes, n) % 0xffff);
			assert_memory_equal(copy, bytes, n);
			assert_true(n == sizeof copy || copy[n] == 0xee);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_implementation_is_correct_at_every_length),
		cmocka_unit_test(the_selected_implementation_is_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
