/* Changes of links, addresses, routes, policy rules and nftables, as the kernel multicasts them. Socket filters drop, before this
 * process wakes up, routes of tables and to destinations that do not concern a tunnel, as those of a BGP feed, and
 * firewall rules of other programs. */
#ifndef WG_QUICK_NETLINK_EVENTS_H
#define WG_QUICK_NETLINK_EVENTS_H

#include "event_filter.h"
#include "event_loop.h"

struct netlink_event {
	enum netlink_event_kind {
		NETLINK_EVENT_LINK, NETLINK_EVENT_ADDRESS, NETLINK_EVENT_ROUTE, NETLINK_EVENT_RULE, NETLINK_EVENT_FIREWALL,
		NETLINK_EVENT_LOST, /* messages were lost: anything may have changed */
	} kind;
	bool removed;
	bool is_default; /* a default route */
	bool link_up;    /* of a link: it is up */
	bool usable;     /* of an address: duplicates were looked for, and none was found */
	bool replaces;   /* of a route: those with the same id */
	uint32_t link;   /* index of the link; 0: none */
	uint32_t mtu;    /* of a link; 0: not reported */
	uint32_t table;  /* of a route */
	uint32_t pid;    /* of the process that made the change, as far as its socket tells; 0: the kernel */
	/* Of an address, or of a route whose lifetime may be prolonged; id 0: others. Equal contents: at most the lifetime
	 * differs. */
	uint64_t id, contents;
};

struct netlink_events {
	struct event_source route, firewall;
	struct event_loop *loop;
	void (*handle)(struct netlink_events *e, const struct netlink_event *event); /* set by the caller */
};
/* 0 or -errno. A kernel without nftables has no such events. */
must_check int netlink_events_open(struct netlink_events *e, struct event_loop *l);
void netlink_events_close(struct netlink_events *e);

/* 0 or -errno: then the filter is the one before, or none. */
must_check int netlink_events_filter(struct netlink_events *e, const struct event_interest *i);

#endif
