/* Lookups in the system's tables that the pure modules cannot do themselves. Public through ipc.h. */
#ifndef WG_IPC_LOOKUP_H
#define WG_IPC_LOOKUP_H

#include "base/addr.h"

/* Interface names in IPv6 scopes, by if_nametoindex(3) and if_indextoname(3). */
extern const struct ip_scopes ipc_scopes;

/* The number after blanks and a plus sign, which strtoul(3) skips. */
struct span ipc_without_sign(struct span s);

/* The port of a UDP service, by getservbyname(3). False: unknown. */
bool ipc_service(uint16_t *port, struct span name);

#endif
