/* The MTU of the tunnel. */
#ifndef WG_QUICK_PLAN_MTU_H
#define WG_QUICK_PLAN_MTU_H

#include "host_state.h"

enum {
	MTU_OVERHEAD = 80,   /* of an encrypted packet in IPv6 and UDP */
	MTU_ETHERNET = 1500, /* where no way to an endpoint is known */
	MTU_MIN = 68,
};

/* That of the tunnel file, else that of the path less the overhead. */
unsigned int plan_mtu(const struct tunnel_file *f, const struct host_state *s);

#endif
