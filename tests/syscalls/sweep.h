/* A sweep: one command of wg-quick runs again and again, and each time another of its system calls fails, or wg-quick is
 * killed after it. */
#ifndef TEST_SWEEP_H
#define TEST_SWEEP_H

#include "base/vector.h"
#include "tracer.h"

#define SWEEP_NAME "wg0"

enum sweep_verb { SWEEP_UP, SWEEP_DOWN, SWEEP_RELOAD, SWEEP_SAVE };

struct sweep_options {
	enum sweep_verb verb;
	bool kills;              /* otherwise calls fail */
	const char *wg_quick;    /* its path; wg is in the same folder */
	struct text file, after; /* the tunnel file, and the one that `reload` reads */
	unsigned int share;      /* one of so many points is visited */
	unsigned int seed;       /* which ones */
	unsigned int variants;   /* errors for each call */
	unsigned int only;       /* one point, whose output is printed; 0: all */
	unsigned int only_variant;
};

/* Prints every violation, and a summary. The number of violations. */
must_check unsigned int sweep_run(const struct sweep_options *o);

#endif
