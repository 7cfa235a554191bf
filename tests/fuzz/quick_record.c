/* A record of a tunnel: whatever the bytes are, reading them is harmless, and what was read prints as a
 * record that reads the same. */
#include <stdlib.h>

#include "../../src/quick/record_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void print(struct text *t, const uint8_t *data, size_t n, int *error)
{
	struct record r = { .lock = -1, .name = "wg0" };

	*error = record_parse(&r, (struct span){ (const char *)data, n });
	record_print(&r, t);
	record_forget(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text once = grow_text(), twice = grow_text();
	int error, again = 0;

	print(&once, n ? data : (const uint8_t *)"", n, &error);
	if (error == 0) {
		print(&twice, (const uint8_t *)once.p, once.n, &again);
		if (again != 0 || !span_equal(text_of(&once), text_of(&twice)))
			abort();
	}
	grow_text_free(&once);
	grow_text_free(&twice);
	return 0;
}
