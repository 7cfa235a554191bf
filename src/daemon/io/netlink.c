/* Building and reading rtnetlink messages (netlink(7), rtnetlink(7)). */
#include "netlink.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

enum { STALE_REPLIES_MAX = 8 }; /* answers to earlier requests that a socket may hold */

static_assert(sizeof(struct nlmsghdr) == 16 && offsetof(struct nlmsghdr, nlmsg_type) == 4 &&
	      offsetof(struct nlmsghdr, nlmsg_flags) == 6 && offsetof(struct nlmsghdr, nlmsg_seq) == 8,
	      "message header");
static_assert(sizeof(struct rtattr) == 4 && offsetof(struct rtattr, rta_len) == 0 &&
	      offsetof(struct rtattr, rta_type) == 2, "attribute header");
static_assert(sizeof(struct ifinfomsg) == 16 && sizeof(struct ifaddrmsg) == 8 && sizeof(struct rtmsg) == 12 &&
	      sizeof(struct tcmsg) == 20 && sizeof(struct rtgenmsg) == 1, "family headers");

static int open_requests = -1; /* see netlink_use_socket(); owned by control */

void netlink_use_socket(int fd)
{
	open_requests = fd;
}

int netlink_open(uint32_t groups)
{
	return netlink_open_protocol(NETLINK_ROUTE, groups);
}

int netlink_open_protocol(int protocol, uint32_t groups)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
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

	assert(NLMSG_SPACE(n) <= sizeof m->bytes);
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
		unreachable(); /* the messages of the daemon are smaller */
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

	memcpy(m->bytes + nest, &n, sizeof n); /* rta_len */
}

static void close_request(int fd)
{
	if (fd != open_requests)
		close(fd);
}

/* The socket that is open, without the rest of an answer that was not read to its end, or a new one. -errno. */
static int request_socket(void)
{
	char rest[64];
	int fd = open_requests;

	if (fd < 0)
		fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	else
		while (recv(fd, rest, sizeof rest, MSG_DONTWAIT | MSG_TRUNC) >= 0 || errno == ENOBUFS)
			;
	return fd < 0 ? -errno : fd;
}

/* Sends a request on the socket that it returns, or -errno. */
static int send_request(struct netlink_message *m)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct timeval timeout = { .tv_sec = 5 };
	int fd = request_socket(), error, strict = header_of(m)->nlmsg_flags & NLM_F_DUMP ? 1 : 0;

	if (fd < 0)
		return fd;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
	if (strict || fd == open_requests)
		(void)setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &strict, sizeof strict);
	if (sendto(fd, m->bytes, header_of(m)->nlmsg_len, 0, (struct sockaddr *)&kernel,
		   sizeof kernel) >= 0)
		return fd;
	error = -errno;
	close_request(fd);
	return error;
}

static ssize_t receive_reply(int fd, uint8_t *buffer, size_t capacity)
{
	ssize_t n;

	do
		n = recv(fd, buffer, capacity, 0);
	while (n < 0 && errno == EINTR);
	if (n < (ssize_t)sizeof(struct nlmsghdr))
		return n < 0 ? -errno : -EPROTO;
	return n;
}

bool netlink_next(struct netlink_view *v, const void **messages, size_t *n)
{
	const uint8_t *p = *messages;
	struct nlmsghdr h;
	size_t step;

	if (*n < sizeof h)
		return false;
	memcpy(&h, p, sizeof h);
	if (h.nlmsg_len < sizeof h || h.nlmsg_len > *n)
		return false;
	step = NLMSG_ALIGN(h.nlmsg_len) < *n ? NLMSG_ALIGN(h.nlmsg_len) : *n;
	*v = (struct netlink_view){ h.nlmsg_type, h.nlmsg_flags, p + sizeof h, h.nlmsg_len - sizeof h };
	*messages = p + step;
	*n -= step;
	return true;
}

bool netlink_read_family(struct netlink_view *v, void *header, size_t size)
{
	size_t step = NLMSG_ALIGN(size) < v->n ? NLMSG_ALIGN(size) : v->n;

	if (v->n < size)
		return false;
	memcpy(header, v->p, size);
	v->p += step;
	v->n -= step;
	return true;
}

/* True: these messages end a reply, with 0 or -errno in *error. */
static bool ends_reply(int *error, const void *messages, size_t n)
{
	struct netlink_view v;
	int32_t code = 0;

	while (netlink_next(&v, &messages, &n)) {
		if (v.type != NLMSG_ERROR && v.type != NLMSG_DONE)
			continue;
		if (v.n >= sizeof code)
			memcpy(&code, v.p, sizeof code);
		*error = code;
		return true;
	}
	return false;
}

int netlink_request(struct netlink_message *m, void *reply, size_t capacity, size_t *got)
{
	uint8_t buffer[NETLINK_BUFFER_BYTES];
	int fd, error = 0;
	ssize_t n;

	header_of(m)->nlmsg_flags |= NLM_F_ACK;
	fd = send_request(m);
	if (got)
		*got = 0;
	if (fd < 0)
		return fd;
	while ((n = receive_reply(fd, buffer, sizeof buffer)) >= 0 &&
	       !ends_reply(&error, buffer, (size_t)n)) {
		if (reply && *got == 0) {
			*got = (size_t)n < capacity ? (size_t)n : capacity;
			memcpy(reply, buffer, *got);
		}
	}
	close_request(fd);
	return n < 0 ? (int)n : error;
}

/* Whether this datagram answers the request with this number; if so, its first message, or an error. */
static bool is_answer(int *error, struct netlink_view *first, const uint8_t *reply, size_t n, uint32_t sequence)
{
	const void *messages = reply;
	struct nlmsghdr h;
	int32_t code = 0;

	if (!netlink_next(first, &messages, &n))
		return false;
	memcpy(&h, reply, sizeof h);
	if (h.nlmsg_seq != sequence)
		return false;
	if (h.nlmsg_type == NLMSG_ERROR && first->n >= sizeof code)
		memcpy(&code, first->p, sizeof code);
	*error = h.nlmsg_type == NLMSG_ERROR && code == 0 ? -EPROTO : code;
	return true;
}

int netlink_exchange(struct netlink_socket *s, struct netlink_message *m, void *reply, size_t capacity,
		     struct netlink_view *first)
{
	int error = -EAGAIN;

	header_of(m)->nlmsg_seq = ++s->sequence;
	if (send(s->fd, m->bytes, header_of(m)->nlmsg_len, MSG_DONTWAIT) < 0)
		return -errno;
	for (int tries = 0; tries < STALE_REPLIES_MAX; tries++) {
		ssize_t n = recv(s->fd, reply, capacity, MSG_DONTWAIT);
		if (n < 0 && errno != EINTR && errno != ENOBUFS)
			return -errno;
		if (n > 0 && is_answer(&error, first, reply, (size_t)n, s->sequence))
			break;
	}
	return error;
}

int netlink_dump(struct netlink_message *m, void (*each)(void *ctx, const void *messages, size_t n),
		 void *ctx)
{
	uint8_t buffer[NETLINK_BUFFER_BYTES * 4];
	bool ended = false;
	int fd, error = 0;
	ssize_t n = 0;

	header_of(m)->nlmsg_flags |= NLM_F_DUMP;
	fd = send_request(m);
	if (fd < 0)
		return fd;
	while (!ended && (n = receive_reply(fd, buffer, sizeof buffer)) >= 0) {
		ended = ends_reply(&error, buffer, (size_t)n);
		each(ctx, buffer, (size_t)n);
	}
	close_request(fd);
	return n < 0 ? (int)n : error;
}

const void *netlink_find_attribute(const void *attributes, size_t n, uint16_t type, size_t min_size,
				   size_t *size)
{
	const uint8_t *p = attributes;
	struct rtattr a;

	while (n >= sizeof a) {
		memcpy(&a, p, sizeof a);
		if (a.rta_len < sizeof a || a.rta_len > n)
			return NULL;
		if ((a.rta_type & NLA_TYPE_MASK) == type && a.rta_len - sizeof a >= min_size) {
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
