/* Buffer memory for packets: large, zeroed, touched page by page as needed, and left out of core dumps. */
#ifndef DAEMON_PACKET_MEMORY_H
#define DAEMON_PACKET_MEMORY_H

#include "base/base.h"

/* n bytes, page-aligned. Null: out of memory. */
must_check void *packet_memory_new(size_t n);
void packet_memory_free(void *p, size_t n); /* p may be null; n as it was allocated */

#endif
