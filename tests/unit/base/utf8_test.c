/* Decoding of UTF-8, what a terminal must not see, and widths. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/utf8.h"

static void characters(void **state)
{
	static const struct {
		const char *text;
		uint32_t code;
		uint8_t bytes, width;
		bool printable;
	} table[] = {
		{ "a", 'a', 1, 1, true },
		{ "\xc3\xa9", 0xe9, 2, 1, true },
		{ "\xe6\xbc\xa2", 0x6f22, 3, 2, true },         /* a Chinese character */
		{ "\xf0\x9f\x98\x80", 0x1f600, 4, 2, true },    /* an emoji */
		{ "\xcc\x81", 0x301, 2, 0, true },              /* a combining accent */
		{ "\xd7\x90", 0x5d0, 2, 1, true },              /* a Hebrew letter */
		{ "\x1b", 0x1b, 1, 1, false },
		{ "\x7f", 0x7f, 1, 1, false },
		{ "\xc2\x9b", 0x9b, 2, 1, false },              /* CSI of C1 */
		{ "\xe2\x80\xae", 0x202e, 3, 1, false },        /* right-to-left override */
		{ "\xef\xbb\xbf", 0xfeff, 3, 1, false },        /* byte order mark */
		{ "\xc0\xaf", 0xfffd, 1, 1, false },            /* overlong */
		{ "\xe0\x80\xaf", 0xfffd, 1, 1, false },
		{ "\xed\xa0\x80", 0xd800, 3, 1, false },        /* a surrogate */
		{ "\xf4\x90\x80\x80", 0xfffd, 1, 1, false },    /* above U+10FFFF */
		{ "\xff", 0xfffd, 1, 1, false },
		{ "\xe6\xbc", 0xfffd, 1, 1, false },            /* incomplete */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct utf8_char c = utf8_at(span_of(table[i].text), 0);
		assert_int_equal(c.bytes, table[i].bytes);
		assert_int_equal(c.printable, table[i].printable);
		assert_int_equal(utf8_all_printable(span_of(table[i].text)), table[i].printable);
		if (c.bytes > 1 || c.printable) {
			assert_int_equal(c.code, table[i].code);
		}
		if (c.printable)
			assert_int_equal(c.width, table[i].width);
	}
}

static void widths(void **state)
{
	(void)state;
	assert_int_equal(utf8_width(SPAN("")), 0);
	assert_int_equal(utf8_width(SPAN("laptop")), 6);
	assert_int_equal(utf8_width(SPAN("\xe6\xbc\xa2\xe5\xad\x97")), 4);
	assert_int_equal(utf8_width(SPAN("e\xcc\x81")), 1);
	assert_int_equal(utf8_width(SPAN("a\x1b[1mb")), 6); /* '?' for the escape */
	assert_int_equal(utf8_width(SPAN("\xff\xfe")), 2);
}

static void starts(void **state)
{
	struct span s = SPAN("a\xe6\xbc\xa2z");

	(void)state;
	assert_int_equal(utf8_start(s, 0), 0);
	assert_int_equal(utf8_start(s, 1), 1);
	assert_int_equal(utf8_start(s, 2), 1);
	assert_int_equal(utf8_start(s, 3), 1);
	assert_int_equal(utf8_start(s, 4), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters),
		cmocka_unit_test(widths),
		cmocka_unit_test(starts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
