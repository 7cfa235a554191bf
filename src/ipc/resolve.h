/* Resolving the host names of endpoints: all in parallel, with the retries of wg(8). */
#ifndef WG_RESOLVE_H
#define WG_RESOLVE_H

#include "base/diag.h"
#include "model/model.h"

struct resolve_options {
	const char *file; /* for messages */
	int retries;      /* after temporary failures, see resolve_retries(); -1: unlimited */
	/* Called for each unresolved name before a wait, to print it; may be null. */
	void (*waiting)(void *ctx, const char *host, const char *why, unsigned int wait_ms);
	bool partial;              /* use the names that were resolved even if others fail */
	uint8_t family;            /* of the addresses that can be used; IP_NONE: both */
	bool lists;                /* `host` may be a list of endpoints, in order of preference: the first that resolves is used */
	const volatile int *stop;  /* becomes nonzero: return at once, even while names are looked up; may be null */
	void *ctx;
};

/* WG_ENDPOINT_RESOLUTION_RETRIES: 15 if unset, 0 if empty, -1 for "infinity". False: not a number. */
must_check bool resolve_retries(int *out);

/* Resolves the endpoint of each peer with WG_PEER_HAS_HOST, setting HAS_ENDPOINT and clearing HAS_HOST. Failures are
 * reported with peer and line. Returns the number of failures, -ENOMEM, or -EINTR after o->stop. If there are any, no
 * peer is changed unless o->partial. */
must_check int resolve_device(struct wg_device *d, const struct resolve_options *o, struct diag *diag);

/* Looks up "name:port" or "[name]:port": up to max addresses of both families, in the order of getaddrinfo(3) (RFC 6724). 0 and
 * *n > 0, or an error of getaddrinfo(3). It may wait for long for name servers. */
must_check int resolve_addresses(struct ip_endpoint out[], size_t max, size_t *n, const char *text);

/* A static program looks names up in files and by DNS, whatever nsswitch.conf says: the modules it names belong to the libc of
 * the host, and may not work in this program. Does nothing in other programs. */
void resolve_without_modules(void);

#endif
