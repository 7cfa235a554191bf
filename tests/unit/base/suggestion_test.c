/* Spelling suggestions. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/suggestion.h"

static const char *nearest(const char *word)
{
	static const char *const known[] = { "up", "down", "restart", "reload", "save", "--dry-run" };
	struct suggestion s;

	suggestion_init(&s, span_of(word));
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		suggestion_offer(&s, known[i]);
	return s.best ? s.best : "none";
}

static void the_nearest_word_is_suggested(void **state)
{
	(void)state;
	assert_string_equal(nearest("resart"), "restart");
	assert_string_equal(nearest("reloda"), "reload");
	assert_string_equal(nearest("UP"), "up");
	assert_string_equal(nearest("--dryrun"), "--dry-run");
	assert_string_equal(nearest("dwn"), "down");
	assert_string_equal(nearest("dwon"), "down");
	assert_string_equal(nearest("donw"), "down");
	assert_string_equal(nearest("uo"), "up");
	assert_string_equal(nearest("pu"), "up");
}

static void distant_words_are_not(void **state)
{
	(void)state;
	assert_string_equal(nearest("frobnicate"), "none");
	assert_string_equal(nearest("xy"), "none"); /* every word of two letters is near "up" */
	assert_string_equal(nearest("stop"), "none");
	assert_string_equal(nearest("u"), "none");
	assert_string_equal(nearest(""), "none");
	assert_string_equal(nearest("a word of more than twenty letters"), "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nearest_word_is_suggested),
		cmocka_unit_test(distant_words_are_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
