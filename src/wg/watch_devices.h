/* The devices that `wg watch` reads at every sample, and the names of their peers. */
#ifndef WG_WATCH_DEVICES_H
#define WG_WATCH_DEVICES_H

#include "peer_names.h"
#include "program.h"

/* A zeroed struct is empty. */
struct watch_devices {
	struct wg_device *list; /* owned, n of them; an array for watch_sample() */
	struct watch_names {
		struct peer_names names;
		double read_at_s;
		uint32_t n_peers; /* of the device, then */
	} *names;               /* owned, one for each device */
	size_t n;
	char problem[128];      /* why a device or the list could not be read; "": nothing went wrong */
};
void watch_devices_free(struct watch_devices *d);

struct watch_request {
	const char *interface; /* null: all */
	const char *peer;      /* "@NAME": only this one; null: all */
};
/* Reads the devices and their peers at this time (monotonic seconds). Names that are a minute old are read again, others are moved
 * out of `before`, whose devices stay as they are. False: out of memory; *out is empty. */
must_check bool watch_devices_read(struct watch_devices *out, struct watch_devices *before, struct program *p,
				   const struct watch_request *r, double at_s);

/* Reads them once. False, after an error was reported: no peer, or several of one device, have the name. */
must_check bool watch_devices_have_peer(struct program *p, const struct watch_request *r);

/* A watch_name function; ctx: the struct. */
const char *watch_devices_name(void *ctx, const struct wg_device *d, const struct wg_peer *peer);

#endif
