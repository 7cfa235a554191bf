/* Sockets in a network namespace of the device that the daemon is not permitted to enter (WG_LINK_FDS). */
#ifndef DAEMON_LINK_FDS_H
#define DAEMON_LINK_FDS_H

enum link_fd {
	LINK_FD_EVENTS,   /* rtnetlink(7), bound: events of the link */
	LINK_FD_REQUESTS, /* rtnetlink(7), blocking: queries and changes of it */
	LINK_FD_ICMP,     /* raw sockets for ICMP and ICMPv6 errors; these two may be missing: -1 */
	LINK_FD_ICMP6,
	LINK_FDS,
};

#endif
