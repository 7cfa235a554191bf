/* The text of a record. Pure. */
#ifndef WG_QUICK_JOURNAL_TEXT_H
#define WG_QUICK_JOURNAL_TEXT_H

#include "journal.h"

void journal_print(const struct journal *r, struct text *t);
/* 0, -ENOMEM, or -EINVAL for text that is no record; words that are not known are skipped. */
must_check int journal_parse(struct journal *r, struct span text);

#endif
