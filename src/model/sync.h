/* The smallest patch between two device models: what `wg syncconf` and `wg-quick reload` send. */
#ifndef WG_SYNC_H
#define WG_SYNC_H

#include "model.h"

struct sync_options {
	/* For a private key, port or mark that `desired` does not have: true keeps the device's value; false resets it,
	 * as upstream's wg syncconf does. */
	bool keep_private_key, keep_listen_port, keep_fwmark;
	/* Endpoints as they were configured last. If the desired endpoint is the one configured last, but not the device's
	 * current one, the peer has roamed, and its endpoint is left alone. Null: only peers without an endpoint get one. */
	const struct wg_device *last_request;
};

/* The patch that changes a device from `state` to `desired` (a patch from conf_read, resolved): it removes peers that are
 * not desired, does not mention unchanged peers, and preserves the sessions of peers that remain. It has no flags and no
 * peers if nothing differs. 0 or -ENOMEM. */
must_check int sync_diff(struct wg_device *patch, const struct wg_device *state, const struct wg_device *desired,
			 const struct sync_options *o);

/* True if the patch changes nothing. */
bool sync_is_empty(const struct wg_device *patch);

#endif
