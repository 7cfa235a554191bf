/* The text of the file of a change that awaits confirmation. */
#ifndef WG_QUICK_PENDING_TEXT_H
#define WG_QUICK_PENDING_TEXT_H

#include "pending.h"

/* The times have a fixed place and length, so that they can be changed in place. */
enum { PENDING_TIMES_AT = 18, PENDING_TIMES_MAX = 96 };
void pending_print_times(const struct pending *p, struct text *t);
void pending_print(const struct pending *p, struct text *t);
/* 0, -EINVAL or -ENOMEM; of_this_boot and exists are not set. */
must_check int pending_parse(struct pending *p, struct span text);

#endif
