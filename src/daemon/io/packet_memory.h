/* Room for packets: big, zeroed, touched only as far as needed, and in no core dump. */
#ifndef DAEMON_PAGES_H
#define DAEMON_PAGES_H

#include "base/base.h"

must_check void *pages_new(size_t n); /* null: out of memory */
void pages_free(void *p, size_t n);   /* p may be null */

#endif
