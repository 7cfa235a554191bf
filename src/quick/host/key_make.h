/* Creates the file of a private key. */
#ifndef WG_QUICK_KEY_MAKE_H
#define WG_QUICK_KEY_MAKE_H

#include "base/key.h"

/* Writes a new private key into a new file that only its owner can read: the file appears with its complete contents, or
 * not at all, and replaces none. 0 or -errno. */
must_check int key_make(struct wg_private *key, const char *path);
/* The same on file systems that have no files without a name: PATH.tmp has it first, which the next process deletes if this one
 * is killed. */
must_check int key_make_named(struct wg_private *key, const char *path);

#endif
