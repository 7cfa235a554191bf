/* The part of probe() about peers that have an endpoint. */
#ifndef WG_QUICK_PROBE_PEERS_H
#define WG_QUICK_PROBE_PEERS_H

#include "observation.h"
#include "quick/diagnosis/probes.h"

/* 0 or -ENOMEM. */
must_check int probe_peers(struct probes *out, struct observation *o, struct host *host);
/* Updates the counters and handshakes of the device and the probes. */
void probe_read_counters(struct probes *out, struct observation *o, struct host *host);

#endif
