/* The network namespace of this process. */
#ifndef WG_QUICK_NETNS_H
#define WG_QUICK_NETNS_H

#include "base/base.h"

/* Asks the kernel once for this process. 0 or -errno. */
must_check int netns_identify(void);
/* After that: an identifier that no other namespace has had since boot; before Linux 5.14, one that no other has now. */
uint64_t netns_id(void);

#endif
