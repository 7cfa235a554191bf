/* The TUN device as a link: up or down, its MTU, name and end, seen through rtnetlink in whichever network
 * namespace it is; and made to look like a kernel WireGuard link there. */
#ifndef DAEMON_LINK_H
#define DAEMON_LINK_H

#include "daemon/io/icmp.h"
#include "daemon/io/tun.h"

struct link_state {
	char name[16];
	uint32_t ifindex, mtu;
	uint32_t route_mtu; /* the least that a route through it has been given; 0: none */
	bool up;
};

struct link {
	const struct tun *tun;
	int birth;      /* our own network namespace */
	int netlink;    /* a socket in it, which hears of links elsewhere, too; -1: none */
	bool elsewhere; /* the link is in another namespace */
	bool watched;   /* news of it reach us */
	bool unsettled; /* link_settle has something to do */
	int nsid;       /* elsewhere: the number our namespace has for that one */
	uint64_t ns_inode;
	struct link_state now;
	struct icmp *icmp; /* told where to send from */
	/* Called around the few calls that need more than CAP_NET_ADMIN; may be null. */
	void (*privileged)(bool begin);
};

/* Starts watching. Sets MTU 1420, queue length 1000, no MULTICAST, no link-local address, no
 * redirects. 0 or -errno. */
must_check int link_open(struct link *l, const struct tun *tun, struct icmp *icmp);
void link_close(struct link *l);

/* Reads what is there to read at l->netlink and brings l->now up to date, following the link into
 * another namespace. Nothing that is kept open holds that namespace: it can end, and the link with it.
 * 0; -ENODEV: the link was deleted. */
must_check int link_read(struct link *l);

/* After it came up: again no link-local address and no redirects, as kernel WireGuard does it. Apart from
 * link_read, so that the sockets need not wait for it. */
void link_settle(struct link *l);

/* The news in a buffer of rtnetlink messages about this link. */
enum link_news {
	LINK_NEWS_NONE = 0,
	LINK_NEWS_STATE = 1,
	LINK_NEWS_GONE = 2,
	LINK_NEWS_ROUTES = 4, /* one with a metric came or went */
};
/* Pure. Updates *state from messages about its ifindex (0: from the first NEWLINK). */
unsigned int link_parse(struct link_state *state, const void *messages, size_t n);

#endif
