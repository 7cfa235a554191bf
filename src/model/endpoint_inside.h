/* Endpoints inside the allowed IPs of the same device. If routes follow the allowed IPs, the encrypted packets to
 * such an endpoint enter the tunnel again. */
#ifndef WG_ENDPOINT_INSIDE_H
#define WG_ENDPOINT_INSIDE_H

#include "model.h"

/* The consequence, in warnings. */
#define ENDPOINT_INSIDE_CONSEQUENCE "its encrypted packets enter the tunnel again, and never reach the peer"

struct endpoint_inside {
	uint32_t peer;           /* index of the peer that has the endpoint */
	uint32_t owner;          /* index of the peer that has the allowed IP */
	struct ip_prefix prefix; /* the allowed IP */
};

/* A zeroed struct is empty. */
struct endpoints_inside {
	struct endpoint_inside *list; /* owned */
	size_t n, cap;
};
/* In order of peers, and for each endpoint all allowed IPs that contain it, the longest first. An allowed IP that several
 * peers have is the last one's, as on a device. 0 or -ENOMEM. */
must_check int endpoints_inside_find(struct endpoints_inside *out, const struct wg_device *d);
void endpoints_inside_free(struct endpoints_inside *e);

#endif
