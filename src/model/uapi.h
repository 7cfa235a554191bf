/* The configuration protocol of userspace implementations (/var/run/wireguard/NAME.sock), client and server side:
 * https://www.wireguard.com/xplatform/ */
#ifndef WG_UAPI_H
#define WG_UAPI_H

#include "base/diag.h"
#include "binding.h"

/* ---- client ---- */

/* Prints a patch as a set request, in upstream's order. */
void uapi_print_set(struct text *t, const struct wg_device *patch, const struct ip_scopes *scopes);

/* Reads a reply incrementally. Lines have at most UAPI_LINE_MAX bytes; unknown keys are skipped. The protocol does not
 * include the public key: the caller derives it. */
enum { UAPI_LINE_MAX = 4096 };
struct uapi_reader {
	struct wg_device *device; /* the state read so far */
	const struct ip_scopes *scopes;
	bool set_reply;   /* only errno= is expected */
	bool done;        /* the blank line was read */
	bool have_errno;
	int error;        /* the reported errno, not negative */
	uint32_t n_allowedips; /* of all peers so far */
};
/* Consumes the complete lines of *text and leaves the start of an incomplete one. 0: continue, or done; -EPROTO: not a
 * valid reply; -EMSGSIZE: more than WG_PEERS_MAX or WG_ALLOWEDIPS_MAX; -ENOMEM. */
must_check int uapi_read_reply(struct uapi_reader *r, struct span *text);

/* ---- server ---- */

/* Prints a state as the reply to a get request, with errno=0 and the blank line. */
void uapi_print_get(struct text *t, const struct wg_device *state, const struct ip_scopes *scopes);

/* A request, read incrementally into a patch, which is applied when the request is complete. */
enum uapi_verb { UAPI_NONE, UAPI_GET, UAPI_SET, UAPI_GET_BINDING, UAPI_SET_BINDING };
struct uapi_request {
	enum uapi_verb verb;
	struct wg_device patch; /* of a set */
	struct wg_binding binding; /* of UAPI_SET_BINDING */
	const struct ip_scopes *scopes;
	int error;              /* -errno of the first invalid line, after which lines are skipped; or 0 */
	bool done;              /* the blank line was read: execute, reply, uapi_request_reset() */
};
/* Consumes the complete lines of *text, each of at most UAPI_LINE_MAX bytes, up to the blank line of a request. 0:
 * continue, or done; -EPROTO: close the connection. An invalid value sets r->error to -EINVAL, a line without '=' to
 * -EPROTO; then nothing of the request may be applied. */
must_check int uapi_read_request(struct uapi_request *r, struct span *text);
void uapi_request_reset(struct uapi_request *r); /* wipes all but `scopes` */

/* Prints "errno=N\n\n"; `error` is 0 or -errno. N is negative in replies to set and positive in replies to get, because
 * upstream's wg(8) reads it that way. */
void uapi_print_errno(struct text *t, enum uapi_verb verb, int error);

#endif
