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

struct answer {
	struct endpoint_route *out;
	int error;
};

static void handle_answer(void *ctx, uint32_t number, struct nlmsghdr *h)
{
	struct answer *a = ctx;
	struct rtnl_route *route;

	(void)number;
	if (h->nlmsg_type == NLMSG_ERROR)
		a->error = ((struct nlmsgerr *)nlmsg_data(h))->error;
	if (h->nlmsg_type != RTM_NEWROUTE || rtnl_route_parse(h, &route) < 0)
		return;
	a->error = 0;
	if (rtnl_route_get_type(route) == RTN_UNICAST && rtnl_route_get_nnexthops(route) == 1)
		a->out->link = (uint32_t)rtnl_route_nh_get_ifindex(rtnl_route_nexthop_n(route, 0));
	if (!rtnetlink_route_prefix(&a->out->prefix, route))
		a->out->link = 0;
	rtnl_route_put(route);
}

int endpoint_route(struct endpoint_route *out, struct rtnetlink *rt, const struct path_lookup *l,
		   const struct ip_endpoint *to, uint32_t number)
{
	struct answer answer = { .out = out, .error = -EIO };
	int r = rtnetlink_batch_add(rt, path_lookup_message(l, to, true), number);

	*out = (struct endpoint_route){ 0 };
	if (r == 0)
		r = rtnetlink_batch_ask(rt, handle_answer, &answer);
	rt->n = rt->messages = 0;
	return r < 0 ? r : answer.error;
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
