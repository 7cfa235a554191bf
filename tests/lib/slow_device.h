/* A reference model of a device: applies patches by walking lists, as the kernel does (include/uapi/linux/wireguard.h);
 * and devices and tunnel files derived from random bytes. */
#ifndef TESTS_SLOW_DEVICE_H
#define TESTS_SLOW_DEVICE_H

#include "model/model.h"
#include "model/sync.h"

/* Applies the patch to the state. */
void slow_apply(struct wg_device *state, const struct wg_device *patch);

/* True if both have the same settings, peers and prefixes, in any order. */
bool slow_equal(const struct wg_device *a, const struct wg_device *b);

/* The device that a sync must result in. */
void slow_sync(struct wg_device *out, const struct wg_device *now, const struct wg_device *wanted,
	       const struct sync_options *o);

/* Random bytes, followed by zeros. */
struct slow_bytes {
	const uint8_t *p;
	size_t n;
};
void slow_state(struct wg_device *out, struct slow_bytes *bytes);
void slow_file(struct wg_device *out, struct slow_bytes *bytes); /* a patch like those of conf_read */

#endif
