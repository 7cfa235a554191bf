/* What must be true of every file and every state of its tunnel when `save` writes the one into the other. */
#ifndef TESTS_SAVE_ROUND_TRIP_H
#define TESTS_SAVE_ROUND_TRIP_H

#include "base/span.h"

/* The states are random. False: the parser does not accept the text. Prints what is wrong, the text and the result, and
 * aborts. */
bool save_round_trip(struct span text, uint64_t seed);

#endif
