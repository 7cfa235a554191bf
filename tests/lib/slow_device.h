/* A device in its plainest form, to compare with: patches applied list by list as protocol.md 13 says,
 * and random devices and tunnel files made of bytes. */
#ifndef TESTS_SLOW_DEVICE_H
#define TESTS_SLOW_DEVICE_H

#include "model/model.h"
#include "model/sync.h"

/* Changes the state as the patch says. */
void slow_apply(struct wg_device *state, const struct wg_device *patch);

/* The same settings, peers and prefixes, in whatever order. */
bool slow_equal(const struct wg_device *a, const struct wg_device *b);

/* What a sync must lead to. */
void slow_sync(struct wg_device *out, const struct wg_device *now, const struct wg_device *wanted,
	       const struct sync_options *o);

/* Bytes that decide; zeros when they are used up. */
struct slow_bytes {
	const uint8_t *p;
	size_t n;
};
void slow_state(struct wg_device *out, struct slow_bytes *bytes);
void slow_file(struct wg_device *out, struct slow_bytes *bytes); /* a patch as conf_read makes it */

#endif
