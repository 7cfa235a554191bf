/* A tunnel file in the form that the WireGuard apps of phones import: they reject a file with unknown keys. */
#ifndef WG_QUICK_MOBILE_TEXT_H
#define WG_QUICK_MOBILE_TEXT_H

#include "base/vector.h"
#include "tunnel_file.h"

/* Appends the tunnel: PrivateKey, Address, DNS, ListenPort and MTU; of each peer PublicKey, PresharedKey, Endpoint,
 * AllowedIPs and PersistentKeepalive. Host names of endpoints stay names. The text holds secrets. False: out of memory. */
must_check bool mobile_text(struct text *out, const struct tunnel_file *f);

/* Appends what of the file mobile_text() leaves out, keys and disabled peers, separated by ", ". */
void mobile_text_left_out(struct text *out, const struct tunnel_file *f);

#endif
