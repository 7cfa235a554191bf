/* Single routes: the request to the kernel, and what follows for the source address of a path. */
#include "route_query.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

/* Sends the request and finds an attribute of the route in the answer. */
static int ask(struct netlink_socket *s, struct netlink_message *m, uint16_t type, void *out, size_t n)
{
	struct netlink_view v;
	struct rtmsg got;
	uint8_t reply[1024];
	const void *p;
	int error = netlink_exchange(s, m, reply, sizeof reply, &v);

	if (error)
		return error;
	if (v.type != RTM_NEWROUTE || !netlink_read_family(&v, &got, sizeof got))
		return -EPROTO;
	p = netlink_find_attribute(v.p, v.n, type, n, NULL);
	if (!p)
		return -ENETUNREACH;
	memcpy(out, p, n);
	return 0;
}

static int ask_path(struct netlink_socket *s, const struct wg_path *path, bool any_source, uint16_t port, uint32_t mark,
		    uint32_t device, uint32_t *ifindex)
{
	const struct ip_addr *to = &path->remote.addr;
	const uint8_t bits = (uint8_t)ip_bits(to), protocol = IPPROTO_UDP;
	const struct rtmsg r = { .rtm_family = to->family == IP_V4 ? AF_INET : AF_INET6, .rtm_dst_len = bits,
				 .rtm_src_len = any_source ? 0 : bits };
	const uint16_t sport = htons(port), dport = htons(path->remote.port);
	struct netlink_message m;

	netlink_begin(&m, RTM_GETROUTE, 0, &r, sizeof r);
	netlink_put(&m, RTA_DST, to->b, ip_bytes(to));
	if (!any_source)
		netlink_put(&m, RTA_SRC, path->local.b, ip_bytes(to));
	netlink_put(&m, RTA_IP_PROTO, &protocol, sizeof protocol);
	netlink_put(&m, RTA_SPORT, &sport, sizeof sport);
	netlink_put(&m, RTA_DPORT, &dport, sizeof dport);
	if (mark)
		netlink_put(&m, RTA_MARK, &mark, sizeof mark);
	if (device)
		netlink_put(&m, RTA_OIF, &device, sizeof device);
	return ask(s, &m, RTA_OIF, ifindex, sizeof *ifindex);
}

/* For a source that is not local, the kernel answers EINVAL, and ENETUNREACH in later versions; it answers the same for
 * blackhole routes, and where there is no route. */
int route_query_path(struct netlink_socket *s, const struct wg_path *path, uint16_t port, uint32_t mark,
		     uint32_t device, uint32_t *ifindex)
{
	bool has_source = path->local.family == path->remote.addr.family;
	uint32_t other;
	int error;

	assert(path->remote.addr.family != IP_NONE);
	if (s->fd < 0)
		s->fd = netlink_open(0);
	if (s->fd < 0)
		return s->fd;
	if (device == 0)
		device = path->remote.scope;
	error = ask_path(s, path, !has_source, port, mark, device, ifindex);
	if (has_source && (error == -EINVAL || error == -ENETUNREACH) &&
	    ask_path(s, path, true, port, mark, device, &other) == 0)
		return -EADDRNOTAVAIL;
	return error;
}

bool route_query_failed(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM || error == -ENOBUFS || error == -EAGAIN ||
	       error == -EPERM || error == -EAFNOSUPPORT || error == -EPROTONOSUPPORT;
}

int route_query_source(struct ip_addr *source, const struct ip_addr *to)
{
	struct rtmsg r = { .rtm_family = to->family == IP_V4 ? AF_INET : AF_INET6,
			   .rtm_dst_len = (unsigned char)ip_bits(to) };
	struct netlink_socket s = { .fd = netlink_open(0) };
	struct netlink_message m;
	uint8_t bytes[16];
	int error;

	if (s.fd < 0)
		return s.fd;
	netlink_begin(&m, RTM_GETROUTE, 0, &r, sizeof r);
	netlink_put(&m, RTA_DST, to->b, ip_bytes(to));
	error = ask(&s, &m, RTA_PREFSRC, bytes, ip_bytes(to));
	close(s.fd);
	if (!error)
		*source = to->family == IP_V4 ? ip_v4(bytes) : ip_v6(bytes);
	return error;
}

bool path_keeps_source(struct wg_path *path, uint32_t routes_version, int error, uint32_t ifindex)
{
	uint32_t before = path->route_ifindex;

	if (error == -EADDRNOTAVAIL || route_query_failed(error))
		return error != -EADDRNOTAVAIL;
	if (before == 0)
		before = path->routes_version == routes_version && !error ? ifindex : path->ifindex;
	path->routes_version = routes_version;
	if (error) { /* nothing can be sent now, and the route may come back as it was */
		path->route_ifindex = before;
		return true;
	}
	path->route_ifindex = ifindex;
	return ifindex == before;
}
