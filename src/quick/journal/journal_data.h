/* The data of a journal. */
#ifndef WG_QUICK_JOURNAL_DATA_H
#define WG_QUICK_JOURNAL_DATA_H

#include "quick/plan/applied.h"

struct journal {
	char name[WG_NAME_MAX];
	uint64_t netns;
	bool exists;             /* there is a file */
	bool complete;           /* `up` completed */
	bool is_ending;          /* `down` has begun: nothing is restored */
	uint64_t completed_ms;   /* when, by CLOCK_BOOTTIME; 0: not known */
	bool restoring;          /* the interface is being created again, or its process was killed while it did */
	bool dns_failed;         /* the name servers could not be set, the last time that this was tried */
	bool is_leftover;        /* of a tunnel that is down: what could not be undone */
	bool began[HOOK_PHASES]; /* a hook of this phase was started */
	uint32_t ifindex;        /* of the interface that `up` created; 0: none yet */
	uint32_t removed;        /* the same, of the interface that was removed */
	struct applied applied;
	int lock;                /* -1: not held */
	unsigned int lock_timeout_s; /* for this and the shared lock */
	bool unavailable;        /* the folder cannot be written, which was reported: nothing is kept */
};
/* For commands that neither lock nor read the journal. */
#define JOURNAL_CLOSED ((struct journal){ .lock = -1 })

#endif
