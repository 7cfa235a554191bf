/* A handshake with a peer without the interface: from a socket that is closed afterwards. */
#ifndef WG_QUICK_HANDSHAKE_PROBE_H
#define WG_QUICK_HANDSHAKE_PROBE_H

#include "model/binding.h"

/* With the private key and the mark of the device, from what its sockets are bound to, and the key and preshared key of the peer. The session that the peer
 * then has is never used, and it goes on to use the one before. 0: the peer answered at this endpoint; -ETIMEDOUT; or another
 * -errno. */
must_check int handshake_probe(const struct wg_device *d, const struct wg_binding *b, const struct wg_peer *peer,
			       const struct ip_endpoint *to, unsigned int timeout_ms);

#endif
