/* The user who ran wg-quick, possibly through sudo(8), doas(1) or pkexec(1). */
#ifndef WG_QUICK_CALLER_H
#define WG_QUICK_CALLER_H

#include <sys/types.h>

#include "base/base.h"

bool user_is_caller(uid_t uid);
bool group_is_of_caller(gid_t gid);
/* That user. Without those programs, the user who has logged in, where the kernel knows. */
uid_t caller_uid(void);

#endif
