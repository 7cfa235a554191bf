/* The SSH session to which this process belongs. */
#ifndef WG_QUICK_SSH_CONNECTION_H
#define WG_QUICK_SSH_CONNECTION_H

#include "base/text.h"

/* Appends SSH_CONNECTION of the environment or, since sudo(8) removes it, of that of the nearest ancestor that has it. False
 * without one. */
must_check bool ssh_connection_find(struct text *out);

#endif
