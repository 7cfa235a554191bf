/* Host names of endpoints to addresses: all at once, in parallel, with the retries of wg(8). */
#ifndef WG_RESOLVE_H
#define WG_RESOLVE_H

#include "base/diag.h"
#include "model/model.h"

struct resolve_options {
	const char *file; /* for messages */
	int retries;      /* after a transient failure; -1: without end. resolve_retries() reads it */
	/* Told before each wait, so that the program can print it; may be null. */
	void (*waiting)(void *ctx, const char *host, const char *why, unsigned int wait_ms);
	bool some;                 /* names that are found count although others fail */
	const volatile int *stop;  /* not 0: no more tries; may be null */
	void *ctx;
};

/* From WG_ENDPOINT_RESOLUTION_RETRIES: 15 when unset, 0 when empty. False when the value is no number. */
must_check bool resolve_retries(int *out);

/* Fills the endpoint of every peer with WG_PEER_HAS_HOST (setting HAS_ENDPOINT, clearing HAS_HOST).
 * Names that fail are reported with their peer and line; the number of them, or -ENOMEM. When one fails,
 * no peer is changed, unless some are wanted. */
must_check int resolve_device(struct wg_device *d, const struct resolve_options *o, struct diag *diag);

#endif
