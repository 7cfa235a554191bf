/* An LD_PRELOAD library: a kernel without CONFIG_IPV6_MULTIPLE_TABLES. Requests about IPv6 rules name a family that has
 * none, so that the real kernel refuses them. With WITHOUT_IPV6, so do those about IPv6 addresses and routes, as with
 * ipv6.disable=1. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/fib_rules.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

static void change(void *p, size_t n)
{
	struct nlmsghdr *h = p;

	for (int left = (int)n; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
		struct fib_rule_hdr *rule = NLMSG_DATA(h);
		if ((h->nlmsg_type == RTM_NEWRULE || h->nlmsg_type == RTM_DELRULE || h->nlmsg_type == RTM_GETRULE) &&
		    rule->family == AF_INET6)
			rule->family = AF_BRIDGE;
#ifdef WITHOUT_IPV6
		if (h->nlmsg_type >= RTM_NEWADDR && h->nlmsg_type <= RTM_GETROUTE && rule->family == AF_INET6)
			rule->family = AF_BRIDGE;
#endif
	}
}

static int is_rtnetlink(int fd)
{
	int domain = 0, protocol = -1;
	socklen_t n = sizeof domain;

	getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n);
	n = sizeof protocol;
	getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &n);
	return domain == AF_NETLINK && protocol == NETLINK_ROUTE;
}

ssize_t send(int fd, const void *p, size_t n, int flags)
{
	ssize_t (*real)(int, const void *, size_t, int) = dlsym(RTLD_NEXT, "send");

	if (is_rtnetlink(fd))
		change((void *)p, n);
	return real(fd, p, n, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	ssize_t (*real)(int, const struct msghdr *, int) = dlsym(RTLD_NEXT, "sendmsg");

	for (size_t i = 0; is_rtnetlink(fd) && i < m->msg_iovlen; i++)
		change(m->msg_iov[i].iov_base, m->msg_iov[i].iov_len);
	return real(fd, m, flags);
}
