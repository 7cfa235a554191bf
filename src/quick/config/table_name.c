/* Searches rt_tables for a name. */
#include "table_name.h"

static struct span next_word(struct span *rest)
{
	struct span all = span_trim(*rest);
	size_t n = 0;

	while (n < all.n && !ascii_is_blank(all.p[n]))
		n++;
	*rest = span_sub(all, n, all.n);
	return span_sub(all, 0, n);
}

static void offer(struct table_search *s, struct span name, uint32_t number)
{
	if (!span_equal(name, s->name) || (s->found && (s->number & 0xff) < (number & 0xff)))
		return;
	s->found = true;
	s->number = number;
}

void table_search_begin(struct table_search *s, struct span name)
{
	*s = (struct table_search){ .name = name };
	offer(s, SPAN("default"), TABLE_DEFAULT);
	offer(s, SPAN("main"), TABLE_MAIN);
	offer(s, SPAN("local"), TABLE_LOCAL);
}

/* Lines "NUMBER NAME", where the number is decimal or begins with "0x". What follows is ignored. */
void table_search_text(struct table_search *s, struct span text)
{
	struct span line;

	while (span_next(&line, &text, '\n')) {
		struct span number = next_word(&line), name = next_word(&line);
		uint64_t n;
		if (span_starts(number, "0x") ? span_hex_to_u64(&n, span_sub(number, 2, number.n), INT32_MAX)
					      : span_to_u64(&n, number, INT32_MAX))
			offer(s, name, (uint32_t)n);
	}
}
