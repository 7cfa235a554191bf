/* Connection tracking of the kernel (nfnetlink, subsystem ctnetlink): the sender of a packet before its source address
 * was translated. */
#ifndef DAEMON_CONNTRACK_H
#define DAEMON_CONNTRACK_H

#include "base/addr.h"
#include "netlink.h"

/* Whether this kernel tracks connections at all. Asks without having a module loaded. */
bool conntrack_is_loaded(void);

/* Finds the connection of an IP packet that leaves this host, in the current network namespace. 0: *sender is the address
 * that the packet had as source before translation, IP_NONE if it was not translated. -ENOENT: no such connection;
 * other -errno: it cannot be looked up. */
must_check int conntrack_sender(struct ip_addr *sender, const uint8_t *packet, size_t n);

/* Pure: the request for the connection to which the answers to this packet belong. False: the kind of packet is not
 * supported. And the sender, in the attributes of the answer. */
must_check bool conntrack_build_query(struct netlink_message *m, const uint8_t *packet, size_t n);
must_check bool conntrack_read_sender(struct ip_addr *sender, const struct netlink_view *answer, const uint8_t *packet);

#endif
