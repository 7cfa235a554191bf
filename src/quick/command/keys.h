/* Reading the keys that are not in the tunnel file. */
#ifndef WG_QUICK_COMMAND_KEYS_H
#define WG_QUICK_COMMAND_KEYS_H

#include "quick/config/read_keys.h"
#include "quick/host/key_file.h"

/* use: enum key_file_use; trace: of KEY_FILE_MAKE and KEY_FILE_SHOW, may be null without them. 0, or -errno after
 * reporting. */
must_check int read_keys(struct tunnel_file *f, unsigned int use, struct command_trace *trace);
/* Reads the keys that can be read, without messages: for commands that do not depend on them. */
void read_keys_if_possible(struct tunnel_file *f);

#endif
