/* Tracks whether this process is inside the network namespace of a tunnel, and lets it leave temporarily. */
#ifndef WG_QUICK_ENTERED_NETNS_H
#define WG_QUICK_ENTERED_NETNS_H

#include "base/base.h"

bool netns_is_inside(void);
int netns_inside_fd(void); /* while inside: the namespace */
/* Around what opens sockets that belong outside; nothing if this process is not inside. */
void netns_outside_begin(void);
void netns_outside_end(void);
/* Into a namespace that this process was in before, and is permitted to enter. */
void netns_return(int fd);
/* In a child process, for good. */
void netns_leave_in_child(void);

/* For netns_place.c: enters `inner` from `own`. 0 or -errno; on success both descriptors are kept. */
must_check int netns_inside_begin(int own, int inner);
void netns_inside_end(void);

#endif
