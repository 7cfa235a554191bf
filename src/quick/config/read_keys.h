/* The keys of a tunnel that are not in its file. */
#ifndef WG_QUICK_READ_KEYS_H
#define WG_QUICK_READ_KEYS_H

#include "tunnel_file.h"

/* Looks up a key. 0; -EAGAIN: it is left as it is; or -errno after reporting to d. */
typedef int key_lookup(void *ctx, uint8_t key[KEY_BYTES], const struct key_source *s, struct diag *d);

/* Looks up all keys that were not looked up yet. 0, or -errno after reporting. */
must_check int tunnel_file_read_keys(struct tunnel_file *f, key_lookup *lookup, void *ctx, struct diag *d);
/* A key that was not looked up; or null. */
const struct key_source *tunnel_file_missing_key(const struct tunnel_file *f);
/* Takes the keys that could not be looked up from the device, so that a comparison finds no difference. False: out of
 * memory. */
must_check bool tunnel_file_keep_keys(struct tunnel_file *f, const struct wg_device *now);

#endif
