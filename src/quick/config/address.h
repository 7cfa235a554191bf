/* Addresses of an interface: the values of Address in a tunnel file, and the addresses the kernel reports. */
#ifndef WG_QUICK_ADDRESS_H
#define WG_QUICK_ADDRESS_H

#include "base/addr.h"

/* "10.0.0.1/24", "10.0.0.1/255.255.255.0", "fd00::1", or "10.0.0.1 peer 10.0.0.2/32". */
struct interface_address {
	struct ip_addr local;
	struct ip_addr peer; /* IP_NONE: not point-to-point */
	uint8_t bits;
	bool bare; /* written without "/bits" */
	bool ambiguous; /* written with an octal number like 010, or with fewer than four numbers */
};
bool address_equal(const struct interface_address *a, const struct interface_address *b);
void address_print(struct text *t, const struct interface_address *a);
/* The network of the address, which is that of its peer if it has one. */
struct ip_prefix address_prefix(const struct interface_address *a);
/* True if the kernel adds a route for this network when the link is up: not for an IPv4 address with /0, or with /32 and
 * without a peer. */
bool address_has_route(const struct interface_address *a);

struct addresses {
	struct interface_address *list; /* owned */
	size_t n, cap;
};
/* False: out of memory, and nothing changed. */
must_check bool addresses_add(struct addresses *a, const struct interface_address *one);
bool addresses_have(const struct addresses *a, const struct interface_address *one);
/* An IPv6 address that is the same but for its prefix length or peer, and that an interface cannot have as well; or null. */
const struct interface_address *addresses_find_conflict(const struct addresses *a, const struct interface_address *one);
/* True if one is of this family, link-local ones included. */
bool addresses_have_family(const struct addresses *a, uint8_t family);
void addresses_free(struct addresses *a);

/* An address as ip(8) reads it: 10.8.0.02, 10.8, 0xa.8.0.2. *ambiguous is set as above, never cleared. */
must_check bool address_parse_ip(struct ip_addr *a, bool *ambiguous, struct span word);

/* Parses "A", "A/B" or "A peer C/B" at the front of *rest, where commas and blanks separate addresses.
 * 1: *out is an address; 0: nothing is left; -1: *bad is not an address. */
must_check int address_next(struct interface_address *out, struct span *rest, struct span *bad);

#endif
