/* Whether this process is root with all users, or root of a user namespace that has no other user (box.sh). */
#ifndef WG_TESTS_ROOT_H
#define WG_TESTS_ROOT_H

#include <stdbool.h>

bool is_full_root(void);

#endif
