/* Splitting, trimming, comparison and numbers. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/span.h"

static void splitting(void **state)
{
	static const struct {
		const char *text;
		const char *pieces; /* each in brackets */
	} table[] = {
		{ "a,,b", "[a][][b]" }, { "", "[]" }, { ",", "[][]" }, { "abc", "[abc]" }, { "a,", "[a][]" },
	};
	char joined[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct span rest = span_of(table[i].text), piece;
		int n = 0;
		joined[0] = '\0';
		while (span_next(&piece, &rest, ','))
			n += snprintf(joined + n, sizeof joined - (size_t)n, "[%.*s]", (int)piece.n, piece.p);
		assert_string_equal(joined, table[i].pieces);
		assert_false(span_next(&piece, &rest, ','));
	}
}

static void offsets_are_clipped(void **state)
{
	struct span s = SPAN("abcdef");

	(void)state;
	assert_true(span_is(span_sub(s, 2, 2), "cd"));
	assert_true(span_is(span_sub(s, 4, SIZE_MAX), "ef"));
	assert_true(span_is(span_sub(s, 9, 1), ""));
	assert_int_equal(span_sub(s, SIZE_MAX, SIZE_MAX).n, 0);
	assert_int_equal(span_find(s, 'c'), 2);
	assert_int_equal(span_find(s, 'x'), 6);
	assert_int_equal(span_find_last(SPAN("a:b:c"), ':'), 3);
	assert_int_equal(span_find_last(SPAN("abc"), ':'), 3);
	assert_true(span_contains(s, "") && span_contains(s, "abc") && span_contains(SPAN("xabx"), "ab"));
	assert_false(span_contains(SPAN("ab"), "abc") || span_contains((struct span){ 0 }, "a") || span_contains(SPAN("aab"), "ba"));
	assert_true(span_starts(s, "abc") && !span_starts(s, "abd") && !span_starts(SPAN("ab"), "abc"));
	assert_true(span_is(span_trim(SPAN(" \t\n\v\f\r a b \r\n")), "a b"));
	assert_int_equal(span_trim(SPAN(" \t ")).n, 0);
	assert_true(span_is_nocase(SPAN("PrivateKEY"), "privatekey"));
	assert_false(span_is_nocase(SPAN("PrivateKe"), "privatekey"));
	assert_false(span_is_nocase(SPAN("PrivateKeyX"), "privatekey"));
	assert_false(span_is_nocase(SPAN("@"), "`")); /* only letters have a case */
	assert_false(span_is_nocase((struct span){ "a\0", 2 }, "a"));
	assert_true(span_equal((struct span){ NULL, 0 }, SPAN("")));
}

static void six_characters_are_blank(void **state)
{
	(void)state;
	for (int c = -128; c < 256; c++)
		assert_int_equal(ascii_is_blank((char)c), (char)c != '\0' && strchr(" \t\n\v\f\r", (char)c) != NULL);
}

/* For limits in both bases, exactly the numbers up to the limit are accepted. */
static void numbers_do_not_wrap(void **state)
{
	static const uint64_t limits[] = { 0, 1, 9, 10, 15, 16, 255, 65535, UINT32_MAX, INT64_MAX,
					   UINT64_MAX - 1, UINT64_MAX };
	char text[40];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		for (uint64_t v = limits[i] < 20 ? 0 : limits[i] - 20; ; v++) {
			for (size_t j = 0; j < ARRAY_LEN(limits); j++) {
				uint64_t got = 77;
				snprintf(text, sizeof text, "%llu", (unsigned long long)v);
				assert_int_equal(span_to_u64(&got, span_of(text), limits[j]), v <= limits[j]);
				assert_true(v > limits[j] || got == v);
				snprintf(text, sizeof text, "%llX", (unsigned long long)v);
				assert_int_equal(span_hex_to_u64(&got, span_of(text), limits[j]), v <= limits[j]);
				assert_true(v > limits[j] || got == v);
			}
			if (v == UINT64_MAX || v > limits[i] + 20)
				break;
		}
	}
}

static void text_that_is_not_a_number(void **state)
{
	static const char *const no_decimal[] = { "", "-1", "+1", " 1", "1 ", "0x1", "a", "1a", "18446744073709551616",
						  "99999999999999999999", "184467440737095516150" };
	static const char *const no_hex[] = { "", "-1", "0x1", "g", "1 ", "10000000000000000" };
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(no_decimal); i++)
		assert_false(span_to_u64(&v, span_of(no_decimal[i]), UINT64_MAX));
	for (size_t i = 0; i < ARRAY_LEN(no_hex); i++)
		assert_false(span_hex_to_u64(&v, span_of(no_hex[i]), UINT64_MAX));
	assert_true(span_to_u64(&v, SPAN("00000000000000000000000018446744073709551615"), UINT64_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splitting),
		cmocka_unit_test(offsets_are_clipped),
		cmocka_unit_test(six_characters_are_blank),
		cmocka_unit_test(numbers_do_not_wrap),
		cmocka_unit_test(text_that_is_not_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
