/* Identifies the run of the kernel and of the container: a state of an earlier one is of the past. */
#ifndef WG_QUICK_BOOT_H
#define WG_QUICK_BOOT_H

#include "base/text.h"

/* Words of at most 20 characters; "-" where /proc does not tell. */
void boot_print_kernel(struct text *t); /* differs after each boot */
void boot_print_init(struct text *t);   /* when this container's, or the machine's, first process was started */

#endif
