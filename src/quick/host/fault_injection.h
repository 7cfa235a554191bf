/* Fault injection for tests, in builds with -DWG_FAULTS only. Every call is one operation that can fail. The operation
 * whose number is in WG_QUICK_FAULT fails, or the process receives the signal in WG_QUICK_FAULT_SIGNAL there.
 * WG_QUICK_FAULT_LOG names a file that receives the numbers and names of all operations. */
#ifndef WG_QUICK_FAULT_INJECTION_H
#define WG_QUICK_FAULT_INJECTION_H

#include "base/base.h"

#ifdef WG_FAULTS
/* True: fail. errno is EIO then. */
bool fault_injected(const char *operation);
#else
static inline bool fault_injected(const char *operation)
{
	(void)operation;
	return false;
}
#endif

#endif
