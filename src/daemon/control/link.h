/* The TUN device as a network link, observed by rtnetlink in whichever network namespace it is: up or down,
 * MTU, name, deletion. Gives it the settings of a kernel WireGuard link. */
#ifndef DAEMON_LINK_H
#define DAEMON_LINK_H

#include "daemon/io/icmp.h"
#include "daemon/io/tun.h"
#include "link_fds.h"

struct link_state {
	char name[16];
	uint32_t ifindex, mtu;
	uint32_t route_mtu; /* the least MTU metric of the routes through the link; 0: none */
	bool up;
	uint64_t queue_dropped; /* packets that its queue had no space for */
};

struct link { /* owned by control */
	struct tun *tun;
	int daemon_ns;       /* the network namespace of the daemon */
	int netlink;         /* a socket in it, which receives events of the link; -1: none */
	int requests;        /* a socket that was passed, in the namespace of the link, for queries and changes; -1: none */
	bool in_other_ns;    /* the link is not in daemon_ns */
	bool is_watched;     /* its events reach the socket */
	bool defaults_due;   /* link_apply_defaults has something to do */
	int nsid;            /* in_other_ns: the id of the link's namespace in ours (ip-netns(8)) */
	uint64_t ns_inode;   /* of the link's namespace */
	bool mtu_is_stale;    /* route_mtu may be lower than the least MTU by now */
	uint64_t mtu_read_ns; /* when it was read last */
	bool vxlan_is_stale;    /* a port may be missing in tun->tunnels */
	uint64_t vxlan_read_ns; /* when they were read last */
	struct link_state now;
	struct icmp *icmp;   /* follows the link */
	/* Called with true before the few calls that need more than CAP_NET_ADMIN, and with false after them.
	 * May be null. */
	void (*raise_privileges)(bool raise);
};

enum link_origin {
	LINK_NEW,        /* sets MTU 1420, queue length 1000, no MULTICAST, no link-local address, no redirects */
	LINK_TAKEN_OVER, /* it is in use: changes nothing */
};
/* Begins to watch the link. 0 or -errno. */
must_check int link_open(struct link *l, struct tun *tun, struct icmp *icmp, enum link_origin origin);
/* The same for a new link in a namespace that may not be entered: through sockets there, which it then owns. */
must_check int link_open_by_sockets(struct link *l, struct tun *tun, struct icmp *icmp, const int fds[LINK_FDS]);
void link_close(struct link *l);

/* Reads the events that wait and updates l->now; follows the link into another namespace. No open descriptor
 * keeps that namespace alive: it can end, and the link with it. 0; -ENODEV: the link was deleted. */
must_check int link_update(struct link *l);

/* When to call link_update although no event arrived; NEVER. */
uint64_t link_deadline(const struct link *l);

/* How many packets the queue of the TUN has dropped because the daemon did not read them in time. False: not known, as for
 * a link that was moved. */
must_check bool link_queue_dropped(const struct link *l, uint64_t *n);

/* After the link was brought up: removes the link-local address and redirects again, like kernel WireGuard.
 * Separate from link_update, so that opening the sockets does not wait for it. */
void link_apply_defaults(struct link *l);

enum link_event {
	LINK_EVENT_NONE = 0,
	LINK_EVENT_CHANGED = 1,
	LINK_EVENT_DELETED = 2,
	LINK_EVENT_ROUTES = 4, /* the least MTU of the routes through the link has to be read again */
};
/* Pure: the events (enum link_event) in a buffer of rtnetlink messages. Updates *state from the messages about
 * its ifindex; 0: that of the first RTM_NEWLINK. */
unsigned int link_parse_events(struct link_state *state, const void *messages, size_t n);

#endif
