/* The configuration of the tunnel in memory that survives the process. One of its two halves holds the latest UAPI text
 * (model/uapi.h), a format that all versions read; the next text is written to the other half, so a process that exits while
 * writing leaves the previous text intact. Pure. */
#ifndef DAEMON_SAVED_CONFIG_H
#define DAEMON_SAVED_CONFIG_H

#include "base/span.h"

enum { SAVED_CONFIG_HEADER_BYTES = 64 };

size_t saved_config_bytes(size_t text_bytes); /* with space for texts of so many bytes */

/* The half for the next text: *n bytes at the result. */
char *saved_config_space(void *memory, size_t bytes, size_t *n);
/* n bytes were written there: they are the latest text from now on. number: greater than that of the one before, which is
 * wiped. */
void saved_config_commit(void *memory, size_t bytes, size_t n, uint32_t number);

/* The latest text, and its number. False: none was committed. */
must_check bool saved_config_read(struct span *text, uint32_t *number, const void *memory, size_t bytes);

#endif
