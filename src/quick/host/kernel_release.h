/* The version of the running kernel. */
#ifndef WG_QUICK_KERNEL_RELEASE_H
#define WG_QUICK_KERNEL_RELEASE_H

#include "base/text.h"

void kernel_release_print(struct text *t);

#endif
