/* assert() in the library, found before that of the system: a failed assertion ends the call and marks the instance as broken,
 * instead of ending the program. */
#ifndef WG_HOST_ASSERT_H
#define WG_HOST_ASSERT_H

#include "lib/library.h"

#define assert(condition) ((condition) ? (void)0 : library_broken(LIBRARY_PLACE ": " #condition))

#endif
