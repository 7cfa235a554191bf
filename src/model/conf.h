/* Parsers of tunnel files (/etc/wireguard/NAME.conf, `wg setconf`) and of the arguments of `wg set`, shared by all
 * programs. The file format is that of wg(8) and wg-quick(8): lines, '#' comments, blanks without meaning except in hooks,
 * keys in any case, repeated sections. An invalid line rejects the file, and *out is empty. Messages do not contain the
 * values of secret keys: such lines are reported without their source. */
#ifndef WG_CONF_H
#define WG_CONF_H

#include "base/diag.h"
#include "conf_keys.h"
#include "conf_origins.h"
#include "model.h"
#include "secret.h"

/* A line "KEY = VALUE" that is not a setting of wg(8), for example Address or PostUp, or PrivateKey or PresharedKey with a
 * value "@NAME", which names a key that is elsewhere. */
struct conf_extra {
	struct span key;
	struct span value;      /* trimmed, and without the comment except for hooks */
	struct span line_text;  /* the complete line */
	unsigned int line, column; /* of the value */
};

/* A valid value of a setting of wg(8), with its position; of AllowedIPs, one element. */
struct conf_value {
	unsigned int setting;           /* enum field_id of fields.h */
	const struct wg_device *device; /* as read so far, with this value in its last peer or the device itself */
	struct span text;               /* as written, without blanks at its ends */
	struct span line_text;          /* the complete line */
	unsigned int line, column;
};

struct conf_options {
	const char *file; /* for messages */
	const struct conf_origins *origins; /* of a merged text, for line numbers in messages; null: of one file */
	/* Called for keys of [Interface] (peer < 0) or of the peer with this number that are not settings of wg(8).
	 * True: the key is known; an invalid value was reported. False, or a null pointer: the line is unrecognized. */
	bool (*extra)(void *ctx, const struct conf_extra *x, int peer, struct diag *d);
	void *ctx;
	const struct ip_scopes *scopes;
	/* Looks up the name of a service as a port; null: ports must be numbers. */
	bool (*service)(uint16_t *port, struct span name);
	/* Called for each line that `extra` did not accept, unmodified but without its newline, including comments, blank
	 * and invalid lines: the output of wg-quick strip. May be null. */
	void (*emit_line)(void *ctx, struct span line);
	/* Called for each valid value, and for each section line, including invalid ones (as of a peer). May be null. */
	void (*value)(void *ctx, const struct conf_value *v);
	void (*section)(void *ctx, const struct diag_at *at, bool is_peer);
	/* Called for an Endpoint with several endpoints, separated by commas, with the text after the first one. `host` of the
	 * peer is then all of them, separated by commas without blanks. Null: Endpoint has one. */
	void (*endpoint_list)(void *ctx, struct span rest);
	bool no_names;      /* do not read names of peers from comments */
	bool discard_peers; /* keep only the last peer, to check a file in little memory */
	/* The number of errors after which to stop; 0: one. Consequences of another error (keys of a misspelt section, a
	 * missing PublicKey that is misspelt) are not reported. Errors are in line order, except that a missing PublicKey is
	 * reported at the end of its section. */
	unsigned int max_errors;
};

/* Reads the text into a patch: presence bits for the keys in the file, REPLACE_ALLOWEDIPS for each peer unless its last
 * AllowedIPs line is incremental, numeric endpoints in `endpoint` and others in `host`. 0, -EINVAL (reported), -ENOKEY
 * (reported: all errors are missing public keys), or -ENOMEM. */
must_check int conf_read(struct wg_device *out, struct span text, const struct conf_options *o,
			 struct diag *d);

/* The same for text in chunks, so that a file of any size needs little memory. Each call returns a chunk of complete lines
 * (only the last chunk may lack its newline) that is valid until the next call. False: the end, or an error that the
 * caller checks itself. */
struct conf_source {
	bool (*next)(void *ctx, struct span *chunk);
	void *ctx;
};
must_check int conf_read_chunks(struct wg_device *out, const struct conf_source *source,
				const struct conf_options *o, struct diag *d);

enum { ENDPOINTS_MAX = 16 }; /* of one peer */

struct set_options {
	/* Reads the key from the path given for private-key or preshared-key; zeros for an empty file. 0, or -errno after
	 * reporting. */
	int (*read_key)(void *ctx, uint8_t key[KEY_BYTES], const char *path, struct diag *d);
	/* Looks up the key of `peer @NAME`, with the '@'. 0, or -errno after reporting. Null: there are no names. */
	int (*find_peer)(void *ctx, struct wg_public *key, const char *name);
	void *ctx;
	const struct ip_scopes *scopes;
	bool (*service)(uint16_t *port, struct span name); /* as in struct conf_options */
};
/* Reads the n arguments after `wg set INTERFACE` into a patch, without opening files itself. 0, -EINVAL (reported), -ENOMEM,
 * or the result of read_key or find_peer; *out is empty unless it is 0. */
must_check int conf_read_set(struct wg_device *out, char *const args[], int n,
			     const struct set_options *o, struct diag *d);

/* Prints a state in the format of `wg showconf`. */
void conf_print(struct text *t, const struct wg_device *d, const struct ip_scopes *scopes);

#endif
