/* Tunnels that cannot be repaired: under systemd(1), wg-quick-health@NAME.service has failed until they are. */
#ifndef WG_QUICK_MONITOR_HEALTH_H
#define WG_QUICK_MONITOR_HEALTH_H

#include "monitor.h"

enum health_aspect {
	HEALTH_INTERFACE = 1 << 0, /* it cannot be restored, or is left alone for a while */
	HEALTH_STEPS = 1 << 1,     /* the same of something that the tunnel has on the host */
};

void health_opened(struct monitored_tunnel *t);
/* The tunnel is no longer monitored. */
void health_closed(struct monitored_tunnel *t);
void health_note(struct monitored_tunnel *t, enum health_aspect aspect, bool failed);
/* At the end of the process. */
void health_stop(void);

#endif
