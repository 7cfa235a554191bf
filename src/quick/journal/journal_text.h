/* The text of a journal: one entry a line. Journals of earlier versions stay readable. */
#ifndef WG_QUICK_JOURNAL_TEXT_H
#define WG_QUICK_JOURNAL_TEXT_H

#include "journal_data.h"

void journal_print(const struct journal *j, struct text *t);
/* 0, -ENOMEM, or -EINVAL: the text is not a journal, or only the beginning of one. Unknown entries are skipped. */
must_check int journal_parse(struct journal *j, struct span text);

#endif
