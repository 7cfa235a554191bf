/* The edit distance, one row of its table at a time. */
#include "suggestion.h"

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

static unsigned int distance(struct span a, const char *b)
{
	unsigned int row[SUGGESTION_WORD_MAX + 1];
	size_t nb = strlen(b);

	for (size_t j = 0; j <= nb; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 0; i < a.n; i++) {
		unsigned int diagonal = row[0];
		row[0] = (unsigned int)i + 1;
		for (size_t j = 0; j < nb; j++) {
			unsigned int change = diagonal + (ascii_lower(a.p[i]) != ascii_lower(b[j]));
			diagonal = row[j + 1];
			row[j + 1] = least(change, least(row[j], row[j + 1]) + 1);
		}
	}
	return row[nb];
}

void suggestion_init(struct suggestion *s, struct span word)
{
	*s = (struct suggestion){ .word = word, .distance = least(3, (unsigned int)(word.n + 1) / 2) };
}

void suggestion_offer(struct suggestion *s, const char *known)
{
	unsigned int d;

	if (s->word.n > SUGGESTION_WORD_MAX || strlen(known) > SUGGESTION_WORD_MAX)
		return;
	d = distance(s->word, known);
	if (d >= s->distance)
		return;
	s->distance = d;
	s->best = known;
}
