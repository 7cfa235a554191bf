/* Collects diagnostics as text, so that tests can compare it. */
#ifndef TESTS_DIAG_TEXT_H
#define TESTS_DIAG_TEXT_H

#include "base/diag.h"

struct diag_text {
	struct diag d;
	struct text text;
	char buffer[16384];
	bool with_source; /* print the lines and carets */
};

void diag_text_init(struct diag_text *s, bool with_source);

#endif
