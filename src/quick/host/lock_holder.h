/* Finds the process that holds a lock of flock(2). */
#ifndef WG_QUICK_LOCK_HOLDER_H
#define WG_QUICK_LOCK_HOLDER_H

#include "base/base.h"

struct lock_holder {
	unsigned int pid;
	char command[128]; /* its arguments, separated by blanks; "": not known */
};

/* The holder of the lock on the file of this descriptor. False: none, or it is in another process namespace. */
must_check bool lock_holder_find(struct lock_holder *out, int fd);

#endif
