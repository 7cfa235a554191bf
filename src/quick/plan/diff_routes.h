/* The part of plan_diff() about routes and policy routing. */
#ifndef WG_QUICK_DIFF_ROUTES_H
#define WG_QUICK_DIFF_ROUTES_H

#include "desired_routes.h"
#include "default_route.h"
#include "diff_input.h"

struct route_diff {
	const struct diff_input *in;
	struct desired_routes desired; /* owned */
	bool by_parts;                 /* addresses are or were excluded, or peers have or had Routes */
	struct prefix_set covered;     /* then: all addresses of the desired routes; owned */
	struct addresses remaining;    /* those of the interface that are not outdated; owned */
	bool gains_address;
	bool loses_ipv4;               /* the interface loses its last IPv4 address, and with it all IPv4 routes */
	uint32_t table, table_before;  /* for routes that are not default routes; 0: none */
	uint32_t metric_before;        /* of these routes; 0: the kernel's default */
	uint32_t mark;
	struct default_route_diff {
		enum default_mode mode;
		bool complete; /* all of its rules and routes exist, and no others, for the desired mark if it is desired */
		bool made;     /* some of it was added by us */
		bool desired;  /* the mode is not DEFAULT_NONE */
		bool changed; /* by a hook: it is left alone */
	} defaults[2];         /* IPv4, IPv6 */
};
/* 0 or -ENOMEM, as for all functions here. */
must_check int route_diff_init(struct route_diff *d, const struct diff_input *in);
void route_diff_free(struct route_diff *d);

/* Policy routing that is no longer desired: its rules, its route, its firewall rules. */
must_check int route_diff_remove_defaults(struct plan *p, const struct route_diff *d);
/* Routes of allowed IPs that the device has and the file does not, and those of IPv6 that are not possible any more. */
must_check int route_diff_remove_routes(struct plan *p, const struct route_diff *d);
/* Before the kernel removes them with an address: route_diff_add_routes() adds them again. */
must_check int route_diff_remove_lost(struct plan *p, const struct route_diff *d);
/* Makes default routes unreachable that the tunnel cannot have; before the kernel removes its route. */
must_check int route_diff_block_defaults(struct plan *p, const struct route_diff *d);
must_check int route_diff_add_routes(struct plan *p, const struct route_diff *d);
/* Routes that route_diff_remove_routes() left, because others take over some of their addresses. */
must_check int route_diff_remove_replaced(struct plan *p, const struct route_diff *d);

#endif
