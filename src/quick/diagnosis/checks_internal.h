/* The checks of `doctor`, one function for each. Private to this folder. */
#ifndef WG_QUICK_CHECKS_INTERNAL_H
#define WG_QUICK_CHECKS_INTERNAL_H

#include "checks.h"
#include "findings.h"
#include "probes.h"

typedef void state_check(struct findings *out, const struct facts *f);
state_check check_interface, check_file, check_keys, check_clock, check_handshakes, check_allowed_ips, check_dns, check_ipv6, check_difference;

/* True if a peer has the default route of this family as an allowed IP. */
bool device_allows_default(const struct wg_device *d, uint8_t family);

typedef void probe_check(struct findings *out, const struct facts *f, const struct probes *p);
probe_check check_port, check_endpoints, check_endpoint_routes, check_firewall, check_handshake, check_nat, check_mtu;

#endif
