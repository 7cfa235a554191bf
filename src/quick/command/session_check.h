/* `reload --check`: whether the reload would cut off the SSH session in which it is run. */
#ifndef WG_QUICK_SESSION_CHECK_H
#define WG_QUICK_SESSION_CHECK_H

#include "comparison.h"

/* After comparison_plan(). The exit status: 0, SESSION_CUT, or 1. */
enum { SESSION_CUT = 5 };
int check_session(struct comparison *c);

#endif
