/* Collects what parsers report, printed as the programs print it, so that a test can compare text. */
#ifndef TESTS_SAID_H
#define TESTS_SAID_H

#include "base/diag.h"

struct said {
	struct diag d;
	struct text text;
	char buffer[16384];
	bool with_source;
};

void said_init(struct said *s, bool with_source);

#endif
