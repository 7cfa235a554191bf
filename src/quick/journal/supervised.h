/* The tunnel files of `wg-quick supervise` in this network namespace: a file next to the journals, for
 * `status --health` and `monitor`. */
#ifndef WG_QUICK_SUPERVISED_H
#define WG_QUICK_SUPERVISED_H

#include "base/vector.h"

/* The lock that `supervise` holds while it runs, which also keeps the folder of the journals. The descriptor, or -errno:
 * -EWOULDBLOCK when another process supervises this network namespace. */
must_check int supervised_lock(void);
/* Removes the list as well. */
void supervised_unlock(int lock);

must_check int supervised_write(const struct string_list *paths); /* 0 or -errno */
/* None when nothing is supervised. 0 or -errno. */
must_check int supervised_read(struct string_list *paths);
/* The one of the tunnel, INTERFACE or a path, or null. */
const char *supervised_file(const struct string_list *paths, const char *argument);
/* True if `supervise' keeps this tunnel up. */
bool supervised_is_kept(const char *name);

#endif
