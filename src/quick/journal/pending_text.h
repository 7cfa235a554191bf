/* The text of the file of a change that awaits confirmation. */
#ifndef WG_QUICK_PENDING_TEXT_H
#define WG_QUICK_PENDING_TEXT_H

#include "pending.h"

/* The deadline has a fixed place, so that it can be changed in place. */
enum { PENDING_DEADLINE_AT = 27, PENDING_DEADLINE_DIGITS = 20 };
void pending_print_deadline(struct text *t, uint64_t deadline_ms);
void pending_print(const struct pending *p, struct text *t);
/* 0, -EINVAL or -ENOMEM; of_this_boot and exists are not set. */
must_check int pending_parse(struct pending *p, struct span text);

#endif
