/* Single packets that `doctor` sends as probes. Each function returns 0, or -errno of the packet. */
#ifndef WG_QUICK_PROBE_PACKET_H
#define WG_QUICK_PROBE_PACKET_H

#include "base/addr.h"

/* An empty datagram to an endpoint, with this mark, as encrypted packets are sent. *source: the address that it has.
 * -EPERM: the firewall of this host drops it; -ECONNREFUSED: the host answers that no program has the port;
 * -EHOSTUNREACH: a router answers that it cannot reach the host. */
must_check int probe_endpoint(struct ip_addr *source, const struct ip_endpoint *to, uint32_t mark);

/* A datagram into the tunnel, to port 9 (discard). */
must_check int probe_into_tunnel(const char *link, const struct ip_addr *to);

/* An echo request of this size, IP header included, which must not be fragmented, through the link. 0: it was answered; -ETIMEDOUT. */
must_check int probe_echo(const char *link, const struct ip_addr *to, unsigned int bytes, unsigned int timeout_ms);

/* A DNS query for the name servers of the root. 0: it was answered; -ETIMEDOUT. */
must_check int probe_dns(const struct ip_addr *server, unsigned int timeout_ms);

#endif
