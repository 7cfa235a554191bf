/* Identifies the boot of the kernel and the start of the container. */
#include "boot.h"

#include "fileio.h"

void boot_print_kernel(struct text *t)
{
	struct text id = text_heap();
	bool known = fileio_read("/proc/sys/kernel/random/boot_id", &id) == 0 && id.n >= 8;

	text_span(t, known ? span_sub(text_of(&id), 0, 8) : SPAN("-"));
	text_heap_free(&id);
}

/* proc(5): the name of the program is in parentheses and may have blanks; "starttime" is the 20th word after it. */
void boot_print_init(struct text *t)
{
	enum { START_TIME = 20 };
	struct text stat = text_heap();
	struct span rest, word = { 0 };
	bool known = fileio_read("/proc/1/stat", &stat) == 0;
	uint64_t ticks;

	rest = text_of(&stat);
	rest = span_sub(rest, span_find_last(rest, ')') + 2, rest.n);
	for (int i = 0; known && i < START_TIME; i++)
		known = span_next(&word, &rest, ' ');
	text_span(t, known && span_to_u64(&ticks, word, UINT64_MAX) ? word : SPAN("-"));
	text_heap_free(&stat);
}
