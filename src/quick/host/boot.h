/* Identifies the boot of the kernel and the start of the container: state recorded before is stale. */
#ifndef WG_QUICK_BOOT_H
#define WG_QUICK_BOOT_H

#include "base/text.h"

/* Words of at most 20 characters; "-" if /proc does not provide it. */
void boot_print_kernel(struct text *t); /* differs after each boot */
void boot_print_init(struct text *t);   /* when this container's, or the machine's, first process was started */

#endif
