/* Routes of encrypted packets. */
#include "endpoint_route.h"

#include <errno.h>
#include <netinet/in.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <sys/socket.h>
#include <unistd.h>

static int send_request(struct rtnetlink *rt, struct nl_msg *take_m, uint32_t number)
{
	int r = rtnetlink_batch_add(rt, take_m, number);
	size_t bytes = rt->n;

	rt->n = rt->messages = 0;
	if (r == 0 && send(nl_socket_get_fd(rt->sk), rt->batch, bytes, 0) != (ssize_t)bytes)
		r = -EIO;
	return r;
}

/* The reply with this number, in the buffer. */
static int receive_reply(struct rtnetlink *rt, char *buffer, size_t n, uint32_t number, struct nlmsghdr **reply)
{
	for (;;) {
		ssize_t got = recv(nl_socket_get_fd(rt->sk), buffer, n, 0);
		struct nlmsghdr *h = (struct nlmsghdr *)(void *)buffer;
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EIO;
		for (int left = (int)got; nlmsg_ok(h, left); h = nlmsg_next(h, &left)) {
			if (h->nlmsg_seq != number)
				continue;
			*reply = h;
			return h->nlmsg_type == NLMSG_ERROR ? ((struct nlmsgerr *)nlmsg_data(h))->error : 0;
		}
	}
}

int endpoint_route(struct endpoint_route *out, struct rtnetlink *rt, const struct path_lookup *l,
		   const struct ip_endpoint *to, uint32_t number)
{
	char buffer[16384];
	struct nlmsghdr *reply = NULL;
	struct rtnl_route *route;
	int r = send_request(rt, path_lookup_message(l, to, true), number);

	*out = (struct endpoint_route){ 0 };
	if (r == 0)
		r = receive_reply(rt, buffer, sizeof buffer, number, &reply);
	if (r < 0)
		return r;
	if (!reply || reply->nlmsg_type != RTM_NEWROUTE || rtnl_route_parse(reply, &route) < 0)
		return -EIO;
	if (rtnl_route_get_type(route) == RTN_UNICAST && rtnl_route_get_nnexthops(route) == 1)
		out->link = (uint32_t)rtnl_route_nh_get_ifindex(rtnl_route_nexthop_n(route, 0));
	if (!rtnetlink_route_prefix(&out->prefix, route))
		out->link = 0;
	rtnl_route_put(route);
	return 0;
}

bool udp_port_is_taken(uint8_t family, uint16_t port)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(rtnetlink_family(family), SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1, r;

	if (fd < 0)
		return true;
	if (family == IP_V6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0)
		r = -1;
	else if (family == IP_V6)
		r = bind(fd, (struct sockaddr *)&v6, sizeof v6);
	else
		r = bind(fd, (struct sockaddr *)&v4, sizeof v4);
	close(fd);
	return r < 0;
}
