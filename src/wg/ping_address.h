/* The address inside the tunnel to which `wg ping` sends requests. */
#ifndef WG_PING_ADDRESS_H
#define WG_PING_ADDRESS_H

#include "model/model.h"

/* Addresses of the interface itself. */
struct own_addresses {
	struct own_address {
		struct ip_addr host;
		struct ip_prefix network;
	} *list; /* owned */
	size_t n, cap;
};

/* An address that the device sends to this peer, and not to another one with a longer allowed IP: the first allowed IP that is
 * a single address; else the first host of an own network; else the first host of the shortest allowed IP that is not a
 * default route. False: no address is known, or the first 64 of these are the interface's own or another peer's. */
must_check bool ping_address_choose(struct ip_addr *out, const struct wg_device *d, uint32_t peer,
				    const struct own_addresses *own);

/* True if the device sends packets for this address to this peer. */
bool ping_address_is_of(const struct wg_device *d, uint32_t peer, const struct ip_addr *a);

#endif
