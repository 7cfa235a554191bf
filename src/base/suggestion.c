/* The edit distance in which two adjacent letters can be swapped, three rows of its table at a time. */
#include "suggestion.h"

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

static bool is_same(char a, char b)
{
	return ascii_lower(a) == ascii_lower(b);
}

static unsigned int distance(struct span a, const char *b)
{
	unsigned int rows[3][SUGGESTION_WORD_MAX + 1]; /* row i is of the first i letters of a */
	size_t nb = strlen(b);

	for (size_t j = 0; j <= nb; j++)
		rows[0][j] = (unsigned int)j;
	for (size_t i = 1; i <= a.n; i++) {
		unsigned int *row = rows[i % 3], *before = rows[(i + 2) % 3], *swapped = rows[(i + 1) % 3];
		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= nb; j++) {
			row[j] = least(before[j - 1] + !is_same(a.p[i - 1], b[j - 1]), least(row[j - 1], before[j]) + 1);
			if (i > 1 && j > 1 && is_same(a.p[i - 1], b[j - 2]) && is_same(a.p[i - 2], b[j - 1]))
				row[j] = least(row[j], swapped[j - 2] + 1);
		}
	}
	return rows[a.n % 3][nb];
}

void suggestion_init(struct suggestion *s, struct span word)
{
	*s = (struct suggestion){ .word = word, .distance = least(3, (unsigned int)(word.n + 1 + (word.n == 2)) / 2) };
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
