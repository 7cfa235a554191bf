/* The tunnel-file dialect: /etc/wireguard/NAME.conf and what `wg setconf` reads, and the words of
 * `wg set`. One reader for all programs. The grammar is reference/wg-behaviour.md A6, A7 and B3:
 * lines, '#' comments, blanks of no meaning outside hooks, keys in any case, sections that repeat.
 * A wrong line refuses the file, and *out is empty again. Values of secret keys never reach a
 * message: such lines are reported without their source. */
#ifndef WG_CONF_H
#define WG_CONF_H

#include "base/diag.h"
#include "model.h"

/* What wg-quick(8) knows beside wg(8), in [Interface]. */
bool conf_is_quick_key(struct span key);
/* PreUp, PostUp, PreDown or PostDown: the rest of the line is the value, '#' too. */
bool conf_is_hook_key(struct span key);

/* A key that only wg-quick knows (Address, DNS, PostUp, …), handed over as it stands in
 * [Interface]. */
struct conf_extra {
	struct span key;
	struct span value; /* trimmed; '#' comment cut except for hooks (Pre/Post Up/Down) */
	struct span line_text;  /* the whole line */
	unsigned int line, column; /* of the value */
};

struct conf_options {
	const char *file; /* for messages */
	/* Non-null: keys of [Interface] (and, with peer ≥ 0, of the peer of that number) that the
	 * wg level does not know go here; true: taken. Null, or false: an error, with a hint when
	 * the word is a wg-quick(8) key. A function that refuses the value reports it and returns
	 * true. */
	bool (*extra)(void *ctx, const struct conf_extra *x, int peer, struct diag *d);
	void *ctx;
	const struct ip_scopes *scopes;
	/* Service names of ports ("domain"); null: decimal only. */
	bool (*service)(uint16_t *port, struct span name);
	/* Every line that `extra` did not take, in order, as it stands without its newline,
	 * comments and blank lines too: what wg-quick strip prints. Wrong lines come by as well.
	 * May be null. */
	void (*emit_line)(void *ctx, struct span line);
	bool no_names; /* peers get no name from comments: nobody will show it */
	bool discard_peers; /* of the peers only the last is left: who asks wants the lines checked */
	/* How many to report before giving up; 0: the first only. What is wrong only because another
	 * line is (the keys of a misspelt section, the lack of a key that is misspelt) is not
	 * reported. In the order of lines, but a peer without a key is known at its end. */
	unsigned int max_errors;
};

/* Reads the text into a patch: HAS bits for the keys that are there, every peer with
 * REPLACE_ALLOWEDIPS (unless its last AllowedIPs line is incremental), endpoints that are numeric
 * in `endpoint`, others in `host`. 0, or -EINVAL (reported), or -ENOKEY (reported: peers without a key
 * are all that is wrong), or -ENOMEM. */
must_check int conf_read(struct wg_device *out, struct span text, const struct conf_options *o,
			 struct diag *d);

/* The same from text that comes in pieces, so that a file of any size needs little memory. Each
 * call gives the next piece: whole lines (only the last piece may lack its newline), valid until
 * the next call. False: no more, be it the end or a failure that the caller remembers. */
struct conf_source {
	bool (*next)(void *ctx, struct span *piece);
	void *ctx;
};
must_check int conf_read_chunks(struct wg_device *out, const struct conf_source *source,
				const struct conf_options *o, struct diag *d);

/* The words after `wg set IFACE`, without reading any file: private-key and preshared-key hand
 * their path to read_key, which fills the key (zeros for an empty file) or reports and returns
 * -errno. */
struct set_options {
	int (*read_key)(void *ctx, uint8_t key[KEY_BYTES], const char *path, struct diag *d);
	void *ctx;
	const struct ip_scopes *scopes;
	bool (*service)(uint16_t *port, struct span name);
};
must_check int conf_read_set(struct wg_device *out, char *const words[], int n,
			     const struct set_options *o, struct diag *d);

/* True when the text has only blanks and comments: most likely a failed <(wg-quick strip …). */
bool conf_is_empty(struct span text);

/* Prints a state as `wg showconf` does (A4). */
void conf_print(struct text *t, const struct wg_device *d, const struct ip_scopes *scopes);

/* So much base64 in a row that it may be a key, or most of one: not to be printed. Blanks do not
 * interrupt it. */
bool text_may_be_key(struct span text);

/* Ends *line before the first '#', for callers that cut a file themselves. */
struct span conf_without_comment(struct span line);

#endif
