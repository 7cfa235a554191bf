/* Journals: reading any bytes is harmless, and what was read prints as a text that reads the same. */
#include <stdlib.h>

#include "quick/journal/journal_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void print(struct text *t, const uint8_t *data, size_t n, int *error)
{
	struct journal r = { .lock = -1, .name = "wg0" };

	*error = journal_parse(&r, (struct span){ (const char *)data, n });
	journal_print(&r, t);
	applied_free(&r.applied);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text once = text_heap(), twice = text_heap();
	int error, again = 0;

	print(&once, n ? data : (const uint8_t *)"", n, &error);
	if (error == 0) {
		print(&twice, (const uint8_t *)once.p, once.n, &again);
		if (again != 0 || !span_equal(text_of(&once), text_of(&twice)))
			abort();
	}
	text_heap_free(&once);
	text_heap_free(&twice);
	return 0;
}
