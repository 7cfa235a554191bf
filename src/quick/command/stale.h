/* Removes the remains of tunnels that are no longer up and have no journal. */
#ifndef WG_QUICK_COMMAND_STALE_H
#define WG_QUICK_COMMAND_STALE_H

#include "apply.h"
#include "quick/plan/host_state.h"

/* Policy rules and unreachable routes, the routes also in this table (0: none). s: its rules are read again. Failures are
 * reported, and counted in *a. 1: something was removed; 0; or -errno after reporting that the lock was not acquired, or
 * that the host cannot be inspected. */
must_check int remove_stale_rules(struct apply *a, struct host_state *s, uint32_t table);
/* Firewall rules of interfaces that do not exist. */
void remove_stale_firewall(struct apply *a);
/* Both; the firewall only if there were such policy rules, since listing its rules takes time. 0 or -errno, as above. */
must_check int remove_stale_tunnels(struct apply *a, struct host_state *s, uint32_t table);

#endif
