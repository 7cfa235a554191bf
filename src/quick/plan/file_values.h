/* Fingerprints of the values that a tunnel file has for settings of the tunnel: the journal records them instead of the
 * values, which may be secret. */
#ifndef WG_QUICK_FILE_VALUES_H
#define WG_QUICK_FILE_VALUES_H

#include "desired_routes.h"
#include "tunnel_setting.h"

enum { FINGERPRINT_CHARS = 32 };

/* The file, indexed. */
struct file_values {
	const struct tunnel_file *file; /* borrowed */
	struct peer_index peers;
	uint32_t *previous_of_key;      /* by section: the previous one with the same key, + 1; 0: none */
	struct desired_routes routes;
};
/* 0 or -ENOMEM. */
must_check int file_values_init(struct file_values *v, const struct tunnel_file *f);
void file_values_free(struct file_values *v);

/* Appends the fingerprint of the file's value; "-" if the file has none, "absent" if it does not have the peer that the
 * value would be of. */
void file_value_print(struct text *t, const struct file_values *v, const struct tunnel_setting *s);

/* The hook lines of each phase. */
struct hook_lines {
	char of_phase[HOOK_PHASES][FINGERPRINT_CHARS + 1]; /* "": not known */
};
void hook_lines_of_file(struct hook_lines *out, const struct tunnel_file *f);

#endif
