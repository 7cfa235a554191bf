/* The UDP ports of the VXLAN devices in the network namespace of the TUN (rtnetlink(7)). */
#ifndef DAEMON_VXLAN_LINKS_H
#define DAEMON_VXLAN_LINKS_H

#include "daemon/io/offload.h"

/* Updates the ports from events. True: a device is gone that may not have been the only one of its port, which is
 * removed; vxlan_links_read adds it again. */
must_check bool vxlan_links_update(struct tunnel_ports *ports, const void *messages, size_t n);
/* Reads all of them, in the current namespace; not more than TUNNEL_PORTS. */
void vxlan_links_read(struct tunnel_ports *ports);

#endif
