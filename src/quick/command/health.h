/* `status --health`: whether all tunnels do what their files say. */
#ifndef WG_QUICK_HEALTH_H
#define WG_QUICK_HEALTH_H

#include "quick/host/host.h"

/* Appends a line for each problem of a tunnel, or of all. The exit status: 0 none, 1 some, or it could not be found out. */
int health(struct text *out, struct host *host, const char *argument);

#endif
