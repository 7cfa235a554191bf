/* The part of probe() about peers that have an endpoint. */
#ifndef WG_QUICK_PROBE_PEERS_H
#define WG_QUICK_PROBE_PEERS_H

#include "observation.h"
#include "quick/diagnosis/probes.h"

/* 0 or -ENOMEM. */
must_check int probe_peers(struct probes *out, struct observation *o, struct host *host);
/* An address that the peer may have: a packet to any in its allowed IPs makes the interface begin a handshake. False: it has none. */
must_check bool probe_target(struct ip_addr *out, const struct wg_peer *peer);
/* Updates the counters and handshakes of the device and the probes. */
void probe_read_counters(struct probes *out, struct observation *o, struct host *host);

#endif
