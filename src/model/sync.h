/* Two models to the smallest patch: what `wg syncconf` and `wg-quick reload` send. */
#ifndef WG_SYNC_H
#define WG_SYNC_H

#include "model.h"

struct sync_options {
	/* A private key, port or mark that `wanted` does not have: true leaves what the device has,
	 * false resets it, as wg syncconf does. */
	bool keep_private_key, keep_listen_port, keep_fwmark;
	/* An endpoint that moved is left alone while the peer's configured one is what it was.
	 * Null: compare with the device only, and send an endpoint only for peers that have none.
	 */
	const struct wg_device *last_request;
};

/* The patch that makes a device in state `now` what `wanted` (a patch from conf_read, resolved)
 * says: peers that are not wanted are removed, unchanged ones are not named, a peer that stays
 * keeps its sessions. Equal models give a patch with no flags and no peers. 0 or -ENOMEM. */
must_check int sync_diff(struct wg_device *patch, const struct wg_device *now,
			 const struct wg_device *wanted, const struct sync_options *o);

/* True when the patch changes nothing. */
bool sync_is_empty(const struct wg_device *patch);

#endif
