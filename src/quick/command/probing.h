/* The probes of `doctor`: look-ups, packets and answers. */
#ifndef WG_QUICK_PROBING_H
#define WG_QUICK_PROBING_H

#include "observation.h"
#include "quick/diagnosis/probes.h"

struct probing {
	struct probes probes;
	struct text ruleset, statistics; /* of which the probes have spans */
};

/* Takes a few seconds at most for an interface that works. The counters and handshakes of the observed device are updated. 0, or
 * -ENOMEM after reporting. */
must_check int probe(struct probing *p, struct observation *o, struct host *host);
void probing_free(struct probing *p);

#endif
