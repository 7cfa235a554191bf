/* Lists in the values of wg-quick's keys. */
#include "list.h"

static bool is_separator(char c)
{
	return c == ',' || ascii_is_blank(c);
}

bool list_next(struct span *word, struct span *rest)
{
	size_t n = 0;

	while (rest->n > 0 && is_separator(rest->p[0])) {
		rest->p++;
		rest->n--;
	}
	while (n < rest->n && !is_separator(rest->p[n]))
		n++;
	*word = span_sub(*rest, 0, n);
	*rest = span_sub(*rest, n, rest->n - n);
	return word->n > 0;
}
