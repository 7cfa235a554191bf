/* Names of network namespaces, as ip-netns(8) has them: files in /run/netns. */
#ifndef WG_QUICK_NETNS_NAME_H
#define WG_QUICK_NETNS_NAME_H

#include "base/span.h"

enum { NETNS_NAME_MAX = 64 };

/* One that a shell command and a path may contain as it is: letters, digits, '.', '_', '-' and '+'; the first one is a
 * letter, a digit or '_'. */
must_check bool netns_name_is_valid(struct span name);

#endif
