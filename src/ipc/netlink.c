/* Netlink over plain sockets. libmnl would do the same for one more library at every start of wg,
 * measured as 8 % of the time of `wg pubkey`. */
#include "netlink.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../base/mem.h"

enum { REQUEST_BYTES = NLMSG_HDRLEN + NETLINK_BODY_MAX };

int netlink_open(struct netlink *s, int protocol)
{
	struct sockaddr_nl self = { .nl_family = AF_NETLINK };
	int on = 1, rc;

	*s = (struct netlink){ .fd = -1 };
	s->request = malloc(REQUEST_BYTES);
	s->answer = malloc(NETLINK_ANSWER_BYTES);
	if (!s->request || !s->answer) {
		netlink_close(s);
		return -ENOMEM;
	}
	s->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&self, sizeof self) < 0) {
		rc = -errno;
		netlink_close(s);
		return rc;
	}
	/* An error's acknowledgement would else bring the whole request back. */
	(void)setsockopt(s->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
	return 0;
}

void netlink_close(struct netlink *s)
{
	if (s->request) {
		mem_wipe(s->request, REQUEST_BYTES);
		if (s->fd >= 0)
			close(s->fd);
	}
	if (s->answer)
		mem_wipe(s->answer, NETLINK_ANSWER_BYTES);
	free(s->request);
	free(s->answer);
	*s = (struct netlink){ 0 };
}

uint8_t *netlink_body(struct netlink *s)
{
	return s->request + NLMSG_HDRLEN;
}

static int netlink_send(struct netlink *s, uint16_t type, uint16_t flags, size_t body_n)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct nlmsghdr h = {
		.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + body_n),
		.nlmsg_type = type,
		.nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST | NLM_F_ACK),
		.nlmsg_seq = ++s->seq,
	};
	ssize_t n;

	memcpy(s->request, &h, sizeof h);
	do {
		n = sendto(s->fd, s->request, h.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof kernel);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* One datagram from the kernel; 0 bytes: it was somebody else's. */
static ssize_t netlink_receive(struct netlink *s)
{
	struct sockaddr_nl from = { 0 };
	struct iovec piece = { s->answer, NETLINK_ANSWER_BYTES };
	struct msghdr m = {
		.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &piece, .msg_iovlen = 1,
	};
	ssize_t n;

	do {
		n = recvmsg(s->fd, &m, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (m.msg_flags & MSG_TRUNC)
		return -ENOBUFS;
	if (n == 0)
		return -EPROTO;
	return from.nl_pid == 0 ? n : 0;
}

struct answer {
	netlink_take *take;
	void *ctx;
	int rc;    /* the first thing that went wrong */
	bool torn; /* the dump's subject changed meanwhile */
	bool done;
};

static void answer_fail(struct answer *a, int rc)
{
	if (a->rc == 0)
		a->rc = rc;
}

static void answer_message(struct answer *a, const struct nlmsghdr *h, const uint8_t *body, size_t n)
{
	int error = 0;

	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		a->torn = true;
	if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR) {
		a->done = true;
		if (n >= sizeof error)
			memcpy(&error, body, sizeof error);
		else if (h->nlmsg_type == NLMSG_ERROR)
			error = -EPROTO;
		if (error)
			answer_fail(a, error < 0 ? error : -EPROTO);
	} else if (h->nlmsg_type >= NLMSG_MIN_TYPE && a->take && a->rc == 0) {
		answer_fail(a, a->take(a->ctx, h->nlmsg_type, body, n));
	}
}

static void answer_datagram(struct answer *a, const uint8_t *p, size_t n, uint32_t seq)
{
	struct nlmsghdr h;
	size_t step;

	while (n >= sizeof h && !a->done) {
		memcpy(&h, p, sizeof h);
		if (h.nlmsg_len < sizeof h || h.nlmsg_len > n) {
			answer_fail(a, -EPROTO);
			a->done = true;
			return;
		}
		if (h.nlmsg_seq == seq) /* else: left over from a request that was given up */
			answer_message(a, &h, p + NLMSG_HDRLEN, h.nlmsg_len - NLMSG_HDRLEN);
		step = NLMSG_ALIGN(h.nlmsg_len);
		if (step >= n)
			return;
		p += step;
		n -= step;
	}
}

int netlink_ask(struct netlink *s, uint16_t type, uint16_t flags, size_t body_n, netlink_take *take,
		void *ctx)
{
	struct answer a = { .take = take, .ctx = ctx };
	int rc = netlink_send(s, type, flags, body_n);
	ssize_t n;

	if (rc)
		return rc;
	while (!a.done) {
		n = netlink_receive(s);
		if (n < 0)
			return (int)n;
		answer_datagram(&a, s->answer, (size_t)n, s->seq);
	}
	return a.rc ? a.rc : a.torn ? -EINTR : 0;
}
