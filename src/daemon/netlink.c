/* rtnetlink messages, written and read. */
#include "netlink.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

int netlink_open(uint32_t groups)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
	int error;

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&a, sizeof a) == 0)
		return fd;
	error = -errno;
	close(fd);
	return error;
}

static struct nlmsghdr *header_of(struct netlink_message *m)
{
	return (struct nlmsghdr *)(void *)m->bytes;
}

struct nlmsghdr *netlink_begin(struct netlink_message *m, uint16_t type, uint16_t flags,
			       const void *family_header, size_t n)
{
	struct nlmsghdr *h = header_of(m);

	memset(m, 0, sizeof *m);
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = 1;
	memcpy(NLMSG_DATA(h), family_header, n);
	h->nlmsg_len = (uint32_t)NLMSG_SPACE(n);
	return h;
}

void netlink_put(struct netlink_message *m, uint16_t type, const void *data, size_t n)
{
	struct nlmsghdr *h = header_of(m);
	struct rtattr a = { .rta_len = (uint16_t)RTA_LENGTH(n), .rta_type = type };

	if (h->nlmsg_len + RTA_SPACE(n) > sizeof m->bytes)
		unreachable(); /* our own messages are small */
	memcpy(m->bytes + h->nlmsg_len, &a, sizeof a);
	if (n > 0)
		memcpy(m->bytes + h->nlmsg_len + RTA_LENGTH(0), data, n);
	h->nlmsg_len += (uint32_t)RTA_SPACE(n);
}

size_t netlink_nest(struct netlink_message *m, uint16_t type)
{
	size_t at = header_of(m)->nlmsg_len;

	netlink_put(m, type, NULL, 0);
	return at;
}

void netlink_nest_end(struct netlink_message *m, size_t nest)
{
	uint16_t n = (uint16_t)(header_of(m)->nlmsg_len - nest);

	memcpy(m->bytes + nest, &n, sizeof n); /* rta_len comes first */
}

/* A socket on which the request is on its way, or -errno. */
static int ask_send(struct netlink_message *m)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct timeval patience = { .tv_sec = 5 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), error;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	if (sendto(fd, m->bytes, header_of(m)->nlmsg_len, 0, (struct sockaddr *)&kernel,
		   sizeof kernel) >= 0)
		return fd;
	error = -errno;
	close(fd);
	return error;
}

static ssize_t ask_recv(int fd, uint8_t *buffer, size_t room)
{
	ssize_t n;

	do
		n = recv(fd, buffer, room, 0);
	while (n < 0 && errno == EINTR);
	if (n < (ssize_t)sizeof(struct nlmsghdr))
		return n < 0 ? -errno : -EPROTO;
	return n;
}

/* The errno in an NLMSG_ERROR or NLMSG_DONE message. */
static int answer_error(const struct nlmsghdr *h, size_t n)
{
	int error = 0;

	if (n >= NLMSG_LENGTH(sizeof error))
		memcpy(&error, NLMSG_DATA(h), sizeof error);
	return error;
}

int netlink_ask(struct netlink_message *m, void *reply, size_t room, size_t *got)
{
	_Alignas(8) uint8_t buffer[NETLINK_ROOM];
	const struct nlmsghdr *h = (const void *)buffer;
	ssize_t n = 0;
	int fd;

	header_of(m)->nlmsg_flags |= NLM_F_ACK;
	fd = ask_send(m);
	if (got)
		*got = 0;
	if (fd < 0)
		return fd;
	for (;;) {
		n = ask_recv(fd, buffer, sizeof buffer);
		if (n < 0 || h->nlmsg_type == NLMSG_ERROR)
			break;
		if (reply && *got == 0) {
			*got = (size_t)n < room ? (size_t)n : room;
			memcpy(reply, buffer, *got);
		}
	}
	close(fd);
	return n < 0 ? (int)n : answer_error(h, (size_t)n);
}

/* The message that ends a dump, if it is among these. */
static const struct nlmsghdr *dump_end(const void *messages, size_t n)
{
	const struct nlmsghdr *h = messages;

	for (; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n))
		if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
			return h;
	return NULL;
}

int netlink_dump(struct netlink_message *m, void (*each)(void *ctx, const void *messages, size_t n),
		 void *ctx)
{
	_Alignas(8) uint8_t buffer[NETLINK_ROOM * 4];
	const struct nlmsghdr *end = NULL;
	ssize_t n = 0;
	int fd;

	header_of(m)->nlmsg_flags |= NLM_F_DUMP;
	fd = ask_send(m);
	if (fd < 0)
		return fd;
	while (!end && (n = ask_recv(fd, buffer, sizeof buffer)) >= 0) {
		end = dump_end(buffer, (size_t)n);
		each(ctx, buffer, (size_t)n);
	}
	close(fd);
	return !end ? (int)n : answer_error(end, end->nlmsg_len);
}

const void *netlink_attribute(const void *attributes, size_t n, uint16_t type, size_t least,
			      size_t *size)
{
	const uint8_t *p = attributes;
	struct rtattr a;

	while (n >= sizeof a) {
		memcpy(&a, p, sizeof a);
		if (a.rta_len < sizeof a || a.rta_len > n)
			return NULL;
		if ((a.rta_type & NLA_TYPE_MASK) == type && a.rta_len - sizeof a >= least) {
			if (size)
				*size = a.rta_len - sizeof a;
			return p + sizeof a;
		}
		if (RTA_ALIGN(a.rta_len) >= n)
			return NULL;
		p += RTA_ALIGN(a.rta_len);
		n -= RTA_ALIGN(a.rta_len);
	}
	return NULL;
}
