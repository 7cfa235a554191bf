/* Whether arriving packets come from many peers or from few: how evenly the sockets for data, among which sessions are
 * divided (wg_shard_of), are loaded. Pure. */
#ifndef DAEMON_SPREAD_H
#define DAEMON_SPREAD_H

#include "base/base.h"

enum { SPREAD_LEAST = 1024 }; /* packets, without which nothing changes */

/* received: packets of each of n sockets in the same time; before: the last result. True: the busiest socket has a small
 * part of all. Whatever n, one that has nearly all of them is not. What depends on the result costs time when it changes, so
 * the limit for becoming true is lower. */
must_check bool spread_is_even(const uint64_t *received, unsigned int n, bool before);

#endif
