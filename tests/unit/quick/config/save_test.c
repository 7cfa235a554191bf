/* Random files and states: what `save` writes configures the tunnel as it is, keeps all comments, and a second time
 * changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../lib/random_file.h"
#include "../../../lib/save_round_trip.h"

enum { CASES = 10000 };

/* SAVE_SEED=n runs one case. */
static void random_files_and_states(void **state)
{
	const char *only = getenv("SAVE_SEED");
	uint64_t first = only ? strtoull(only, NULL, 10) : 0, n = only ? 1 : CASES;

	(void)state;
	for (uint64_t i = first; i < first + n; i++) {
		uint64_t seed = i;
		struct text text;
		random_file(&text, &seed);
		if (!save_round_trip(text_of(&text), i))
			fail_msg("seed %llu: the parser refuses the file:\n%s", (unsigned long long)i, text.p);
		text_heap_free(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_files_and_states) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
