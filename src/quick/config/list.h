/* Lists in the values of wg-quick's keys: words separated by commas and blanks. */
#ifndef WG_QUICK_LIST_H
#define WG_QUICK_LIST_H

#include "base/span.h"

/* Takes the next word off the front of *rest; false: none is left. */
must_check bool list_next(struct span *word, struct span *rest);

#endif
