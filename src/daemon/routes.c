/* RTM_NEWROUTE and friends, looked at only as far as to know whether they matter. */
#include "routes.h"

#include <errno.h>
#include <sys/socket.h>
#include "netlink.h"

#define ROUTE_GROUPS (RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | RTMGRP_IPV4_RULE | \
		      1u << (RTNLGRP_IPV6_RULE - 1))

int routes_open(void)
{
	return netlink_open(ROUTE_GROUPS);
}

static bool route_matters(const struct nlmsghdr *h, uint32_t own)
{
	const struct rtmsg *r = NLMSG_DATA(h);
	const void *oif;
	uint32_t index = 0;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof *r) || (r->rtm_flags & RTM_F_CLONED) ||
	    r->rtm_type == RTN_LOCAL || r->rtm_type == RTN_BROADCAST || r->rtm_type == RTN_ANYCAST ||
	    r->rtm_type == RTN_MULTICAST)
		return false;
	oif = netlink_attribute(RTM_RTA(r), RTM_PAYLOAD(h), RTA_OIF, sizeof index, NULL);
	if (oif)
		memcpy(&index, oif, sizeof index);
	return index == 0 || index != own;
}

bool routes_matter(const void *messages, size_t n, uint32_t own)
{
	const struct nlmsghdr *h = messages;

	for (; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
		if (h->nlmsg_type == RTM_NEWRULE || h->nlmsg_type == RTM_DELRULE)
			return true;
		if ((h->nlmsg_type == RTM_NEWROUTE || h->nlmsg_type == RTM_DELROUTE) &&
		    route_matters(h, own))
			return true;
	}
	return false;
}

bool routes_read(int fd, uint32_t own)
{
	_Alignas(8) uint8_t buffer[NETLINK_ROOM * 2];
	bool matters = false;

	for (;;) {
		ssize_t n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
		if (n < 0 && errno == ENOBUFS)
			matters = true; /* news were lost */
		else if (n < 0 && errno != EINTR)
			return matters;
		else if (n > 0)
			matters |= routes_matter(buffer, (size_t)n, own);
	}
}
