/* Two texts in memory: the latest is read, whatever is being written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include "daemon/control/saved_config.h"

enum { TEXT_BYTES = 100 };

static void write_text(void *memory, size_t bytes, const char *text, uint32_t number)
{
	size_t n;
	char *p = saved_config_space(memory, bytes, &n);

	assert_int_equal(n, TEXT_BYTES);
	memcpy(p, text, strlen(text));
	saved_config_commit(memory, bytes, strlen(text), number);
}

static void expect_text(const void *memory, size_t bytes, const char *text, uint32_t number)
{
	struct span got;
	uint32_t got_number;

	assert_true(saved_config_read(&got, &got_number, memory, bytes));
	assert_int_equal(got_number, number);
	assert_int_equal(got.n, strlen(text));
	assert_memory_equal(got.p, text, got.n);
}

static bool has_bytes(const void *memory, size_t bytes, const char *text)
{
	for (size_t i = 0; i + strlen(text) <= bytes; i++)
		if (memcmp((const char *)memory + i, text, strlen(text)) == 0)
			return true;
	return false;
}

static void the_latest_text_is_read_and_the_one_before_is_wiped(void **state)
{
	size_t bytes = saved_config_bytes(TEXT_BYTES), n;
	void *memory = calloc(1, bytes);
	struct span text;
	uint32_t number;

	(void)state;
	assert_non_null(memory);
	assert_false(saved_config_read(&text, &number, memory, bytes));
	memcpy(saved_config_space(memory, bytes, &n), "unfinished", 10);
	assert_false(saved_config_read(&text, &number, memory, bytes));
	write_text(memory, bytes, "private_key=first", 1);
	expect_text(memory, bytes, "private_key=first", 1);
	memcpy(saved_config_space(memory, bytes, &n), "unfinished", 10);
	expect_text(memory, bytes, "private_key=first", 1);
	write_text(memory, bytes, "private_key=second", 2);
	expect_text(memory, bytes, "private_key=second", 2);
	assert_false(has_bytes(memory, bytes, "first"));
	write_text(memory, bytes, "private_key=third", 3);
	expect_text(memory, bytes, "private_key=third", 3);
	assert_false(has_bytes(memory, bytes, "second"));
	free(memory);
}

static void other_bytes_are_no_text(void **state)
{
	size_t bytes = saved_config_bytes(TEXT_BYTES);
	uint8_t *memory = calloc(1, bytes);
	struct span text;
	uint32_t number;

	(void)state;
	assert_non_null(memory);
	write_text(memory, bytes, "listen_port=1", 1);
	assert_false(saved_config_read(&text, &number, memory, SAVED_CONFIG_HEADER_BYTES - 1));
	assert_false(saved_config_read(&text, &number, memory, SAVED_CONFIG_HEADER_BYTES + 2));
	for (size_t i = 0; i < SAVED_CONFIG_HEADER_BYTES; i++) { /* what is read is always within the memory */
		memory[i] ^= 0xff;
		if (saved_config_read(&text, &number, memory, bytes))
			assert_true((const uint8_t *)text.p >= memory && (const uint8_t *)text.p + text.n <= memory + bytes);
		memory[i] ^= 0xff;
	}
	expect_text(memory, bytes, "listen_port=1", 1);
	free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_latest_text_is_read_and_the_one_before_is_wiped),
		cmocka_unit_test(other_bytes_are_no_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
