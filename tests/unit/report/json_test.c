/* The emitter of JSON: structure, escapes and numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "report/json.h"

static char buffer[4096];

static void structure(void **state)
{
	struct text t = text_fixed(buffer, sizeof buffer);
	struct json j;

	(void)state;
	for (int one_line = 0; one_line < 2; one_line++) {
		json_begin(&j, &t, one_line);
		json_open_object(&j, NULL);
		json_u64(&j, "n", UINT64_MAX);
		json_open_array(&j, "list");
		json_string(&j, NULL, SPAN("a"));
		json_bool(&j, NULL, false);
		json_open_object(&j, NULL);
		json_close(&j);
		json_open_array(&j, NULL);
		json_close(&j);
		json_close(&j);
		json_null(&j, "\"");
		json_close(&j);
		json_end(&j);
	}
	assert_string_equal(buffer,
			    "{\n\t\"n\": 18446744073709551615,\n\t\"list\": [\n\t\t\"a\",\n\t\tfalse,\n\t\t{},\n\t\t[]\n\t],\n"
			    "\t\"\\\"\": null\n}\n"
			    "{\"n\":18446744073709551615,\"list\":[\"a\",false,{},[]],\"\\\"\":null}\n");
	t = text_fixed(buffer, sizeof buffer);
	json_begin(&j, &t, false);
	json_bool(&j, NULL, true); /* a document may be any value */
	json_end(&j);
	assert_string_equal(buffer, "true\n");
}

static void strings(void **state)
{
	static const struct { struct span value; const char *json; } cases[] = {
		{ SPAN(""), "" },
		{ SPAN("plain ~"), "plain ~" },
		{ SPAN("a\"b\\c/"), "a\\\"b\\\\c/" },
		{ SPAN("\n\t\r\0\x1b[m\x7f"), "\\n\\t\\u000d\\u0000\\u001b[m\\u007f" },
		{ SPAN("J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x98\x80"), "J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ SPAN("\xc2\x9b\xe2\x80\xae"), "\\u009b\\u202e" },     /* C1, right-to-left override */
		{ SPAN("\xf3\xa0\x80\x81"), "\\udb40\\udc01" },         /* a tag */
		{ SPAN("\xff" "a\xc3"), "\\ufffda\\ufffd" },            /* no UTF-8 */
		{ SPAN("\xed\xa0\x80"), "\\ufffd" },                     /* a surrogate */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct text t = text_fixed(buffer, sizeof buffer);
		char expected[256];
		struct text e = text_fixed(expected, sizeof expected);
		struct json j;

		json_begin(&j, &t, false);
		json_string(&j, NULL, cases[i].value);
		json_end(&j);
		text_f(&e, "\"%s\"\n", cases[i].json);
		assert_string_equal(buffer, expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(structure), cmocka_unit_test(strings) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
