/* Dumps, on a socket that lives as long as the program. */
#include "netlink_dump.h"

#include <err.h>
#include <errno.h>
#include <sys/socket.h>

static int open_socket(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		err(1, "netlink");
	return fd;
}

static void ask(int fd, uint16_t type, uint8_t family, uint32_t seq)
{
	struct {
		struct nlmsghdr h;
		union { /* each begins with the family */
			struct ifinfomsg link;
			struct rtmsg route;
		} body;
	} request = { .h = { .nlmsg_len = sizeof request,
			     .nlmsg_type = type,
			     .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			     .nlmsg_seq = seq },
		      .body.route.rtm_family = family };

	if (send(fd, &request, sizeof request, 0) < 0)
		err(1, "netlink: send");
}

void netlink_dump(uint16_t type, uint8_t family, netlink_handler *handle, void *ctx)
{
	static union {
		struct nlmsghdr h;
		char bytes[64 * 1024];
	} reply;
	static uint32_t seq;
	int fd = open_socket();

	ask(fd, type, family, ++seq);
	for (;;) {
		ssize_t n = recv(fd, &reply, sizeof reply, 0);
		struct nlmsghdr *h = &reply.h;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			err(1, "netlink: receive");
		for (size_t left = (size_t)n; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
			if (h->nlmsg_seq != seq)
				continue;
			if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
				return;
			handle(ctx, h);
		}
	}
}

const struct rtattr *netlink_attribute(const struct nlmsghdr *h, size_t skip, const struct rtattr *last)
{
	const char *end = (const char *)h + h->nlmsg_len, *p = (const char *)netlink_body(h) + NLMSG_ALIGN(skip);
	const struct rtattr *a;

	if (last)
		p = (const char *)last + RTA_ALIGN(last->rta_len);
	a = (const struct rtattr *)(const void *)p;
	if (p + sizeof *a > end || a->rta_len < sizeof *a || p + a->rta_len > end)
		return NULL;
	return a;
}
