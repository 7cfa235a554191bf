/* The text protocol of the configuration socket (/var/run/wireguard/NAME.sock), both ends of it, so
 * that they cannot disagree. Source: reference/protocol.md 14, wg-behaviour.md A9, drop-in.md 1.4.
 */
#ifndef WG_UAPI_H
#define WG_UAPI_H

#include "base/diag.h"
#include "model.h"

/* ---- client ---- */

/* "set=1\n…\n" of a patch, in the order upstream sends. */
void uapi_print_set(struct text *t, const struct wg_device *patch, const struct ip_scopes *scopes);

/* Reads a get reply piece by piece: lines of any number, each at most UAPI_LINE_MAX. Keys that are
 * not known are skipped. The device gets its public key from the private one by the caller. */
enum { UAPI_LINE_MAX = 4096 };
struct uapi_reader {
	struct wg_device *device; /* filled as lines come */
	const struct ip_scopes *scopes;
	bool set_reply;   /* only errno= is expected */
	bool done;        /* the blank line came */
	bool have_errno;
	int error;        /* the errno reported, as a positive number */
};
/* Takes whole lines from *text (what is left is the start of an unfinished one).
 * 0: go on or done; -EPROTO: not an answer this protocol knows; -ENOMEM. */
must_check int uapi_read_reply(struct uapi_reader *r, struct span *text);

/* ---- server ---- */

/* "get" reply of a state, with errno=0 and the blank line. */
void uapi_print_get(struct text *t, const struct wg_device *state, const struct ip_scopes *scopes);

/* One request, read line by line into a patch that is applied when it is whole. */
enum uapi_verb { UAPI_NONE, UAPI_GET, UAPI_SET };
struct uapi_request {
	enum uapi_verb verb;
	struct wg_device patch; /* of a set */
	const struct ip_scopes *scopes;
	int error;              /* the first wrong line, as -errno; the rest is read and skipped */
	bool done; /* the blank line came: act on it, answer, then uapi_request_reset() */
};
/* Takes whole lines of at most UAPI_LINE_MAX from *text and stops after a request's blank line.
 * 0: go on or done; -EPROTO: close the connection. Wrong values set r->error to -EINVAL (or -EPROTO
 * for a line without '='), and nothing of that request may be applied. */
must_check int uapi_read_request(struct uapi_request *r, struct span *text);
void uapi_request_reset(struct uapi_request *r); /* wipes and empties; keeps scopes */

/* "errno=N\n\n". Set replies carry a negative number, get replies a positive one, because that is
 * what wg(8) can read; error is 0 or negative here. */
void uapi_print_errno(struct text *t, enum uapi_verb verb, int error);

#endif
