/* Spelling suggestions: the known word that is nearest to a misspelt one. */
#ifndef WG_SUGGESTION_H
#define WG_SUGGESTION_H

#include "span.h"

enum { SUGGESTION_WORD_MAX = 20 }; /* longer words get no suggestion */

struct suggestion {
	struct span word;       /* borrowed */
	const char *best;       /* null: no known word is near enough */
	unsigned int distance;  /* of best: letters to insert, delete, change or swap with the next one */
};

/* Words at a distance of at most two letters are accepted, and of less than half of the word, but of one letter if it has
 * two. */
void suggestion_init(struct suggestion *s, struct span word);
/* known: borrowed; letters are compared without case. */
void suggestion_offer(struct suggestion *s, const char *known);

#endif
