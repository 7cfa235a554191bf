/* Faults for tests: with -DWG_FAULTS each call counts one fallible step, and the one that
 * WG_QUICK_FAULT names fails, or sends us the signal that WG_QUICK_FAULT_SIGNAL names. Other builds
 * have none of it. */
#ifndef WG_QUICK_FAULT_INJECTION_H
#define WG_QUICK_FAULT_INJECTION_H

#include "base/base.h"

#ifdef WG_FAULTS
bool fault_injected(const char *what);
#else
static inline bool fault_injected(const char *what)
{
	(void)what;
	return false;
}
#endif

#endif
