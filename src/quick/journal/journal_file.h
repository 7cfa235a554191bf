/* Files of the journal folder. */
#ifndef WG_QUICK_JOURNAL_FILE_H
#define WG_QUICK_JOURNAL_FILE_H

#include "journal_data.h"

/* The path of the journal with this ending: "", ".tmp" or ".lock". */
void journal_path(const struct journal *j, const char *ending, char path[], size_t n);
/* Reads the file into *j, whose name and netns are set. 0, also when the file does not exist or may not be read, or
 * -errno. */
must_check int journal_load(struct journal *j);

#endif
