/* The checks of `doctor`, some of which `status` makes as well. Each evaluates facts and adds findings. Pure. */
#ifndef WG_QUICK_CHECKS_H
#define WG_QUICK_CHECKS_H

#include "facts.h"
#include "findings.h"

/* Problems that the state of the tunnel alone shows. False: out of memory. */
must_check bool checks_of_state(struct findings *out, const struct facts *f);

/* Only what makes the tunnel unhealthy: findings that are FINDING_FAIL. kept: it is to be as in its file all the time, by
 * `supervise`. False: out of memory. */
must_check bool checks_of_health(struct findings *out, const struct facts *f, bool kept);

enum {
	HANDSHAKE_OLD_S = 180, /* REJECT_AFTER_TIME: no session is older */
	PEERS_REPORTED = 8,    /* findings of one kind about peers */
};

#endif
