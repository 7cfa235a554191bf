/* The text of a record. Pure. */
#ifndef WG_QUICK_RECORD_TEXT_H
#define WG_QUICK_RECORD_TEXT_H

#include "record.h"

void record_print(const struct record *r, struct text *t);
/* 0, -ENOMEM, or -EINVAL for text that is no record; words that are not known are skipped. */
must_check int record_parse(struct record *r, struct span text);

#endif
