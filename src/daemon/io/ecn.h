/* Explicit congestion notification (RFC 3168): signals the sender of a packet to slow down its flow, without dropping
 * the packet. Pure. */
#ifndef DAEMON_ECN_H
#define DAEMON_ECN_H

#include "base/base.h"

/* Of n bytes that should be an IP packet: whether its sender understands marks. */
bool ecn_is_capable(const uint8_t *packet, size_t n);
/* Marks such a packet. */
void ecn_mark(uint8_t *packet);

#endif
