/* Extended acknowledgements: the kernel's own text about a request that it refused. */
#ifndef WG_EXT_ACK_H
#define WG_EXT_ACK_H

#include "base/text.h"

enum { EXT_ACK_TEXT_MAX = 160 };

/* Appends the text in a netlink message of type NLMSG_ERROR or NLMSG_DONE, which has n bytes with its header. Nothing
 * if it has none. Characters that are not printable become '?'. */
void ext_ack_text(struct text *t, const uint8_t *message, size_t n);

#endif
