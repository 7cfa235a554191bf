/* Sockets, batches of requests and their acknowledgements, on libmnl. */
#include "netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <assert.h>
#include <stdlib.h>
#include <sys/time.h>

#include "base/mem.h"

enum {
	REQUEST_BYTES = NETLINK_QUEUE_MAX * (NLMSG_HDRLEN + NETLINK_BODY_MAX),
	SEND_OVERHEAD = 64, /* bytes of the socket's send buffer that the kernel uses itself */
	RECEIVE_LIMIT_S = 3, /* the kernel queues its replies while it receives the request */
};

static_assert(sizeof(struct nlmsghdr) == 16 && NLMSG_HDRLEN == 16, "the netlink header is 16 bytes");
static_assert(sizeof(struct nlmsgerr) == 20 && offsetof(struct nlmsgerr, error) == 0,
	      "an acknowledgement begins with the error");

/* Discards what is queued. */
static void mnl_close(struct netlink *s)
{
	if (s->socket)
		mnl_socket_close(s->socket);
	s->socket = NULL;
	s->queued = s->n_queued = 0;
}

/* net.core.wmem_default may be small. */
static size_t send_buffer_bytes(struct netlink *s)
{
	int bytes;
	socklen_t n = sizeof bytes;

	if (getsockopt(mnl_socket_get_fd(s->socket), SOL_SOCKET, SO_SNDBUF, &bytes, &n) < 0)
		return REQUEST_BYTES;
	return bytes < REQUEST_BYTES + SEND_OVERHEAD ? (size_t)bytes - SEND_OVERHEAD : REQUEST_BYTES;
}

static int mnl_open(struct netlink *s)
{
	const struct timeval limit = { .tv_sec = RECEIVE_LIMIT_S };
	int on = 1, rc;

	s->socket = mnl_socket_open2(s->protocol, SOCK_CLOEXEC);
	if (!s->socket || mnl_socket_bind(s->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		rc = -errno;
		mnl_close(s);
		return rc;
	}
	s->send_max = send_buffer_bytes(s);
	(void)setsockopt(mnl_socket_get_fd(s->socket), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	/* Otherwise an error message carries the whole request. */
	(void)mnl_socket_setsockopt(s->socket, NETLINK_CAP_ACK, &on, sizeof on);
	return 0;
}

int netlink_open(struct netlink *s, int protocol)
{
	int rc = -ENOMEM;

	*s = (struct netlink){ .protocol = protocol };
	s->requests = malloc(REQUEST_BYTES);
	s->reply = malloc(NETLINK_REPLY_BYTES);
	if (s->requests && s->reply)
		rc = mnl_open(s);
	if (rc)
		netlink_close(s);
	return rc;
}

void netlink_close(struct netlink *s)
{
	mnl_close(s);
	if (s->requests)
		mem_wipe(s->requests, s->used);
	if (s->reply)
		mem_wipe(s->reply, NETLINK_REPLY_BYTES);
	free(s->requests);
	free(s->reply);
	*s = (struct netlink){ 0 };
}

uint8_t *netlink_body(struct netlink *s)
{
	return s->requests + s->queued + NLMSG_HDRLEN;
}

size_t netlink_body_space(const struct netlink *s)
{
	size_t left = s->send_max - s->queued;

	if (s->n_queued == NETLINK_QUEUE_MAX || left <= NLMSG_HDRLEN)
		return 0;
	left -= NLMSG_HDRLEN;
	return left < NETLINK_BODY_MAX ? left : NETLINK_BODY_MAX;
}

void netlink_queue(struct netlink *s, uint16_t type, uint16_t flags, size_t body_n)
{
	struct nlmsghdr h = {
		.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + body_n),
		.nlmsg_type = type,
		.nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST | NLM_F_ACK),
		.nlmsg_seq = ++s->seq,
	};

	memcpy(s->requests + s->queued, &h, sizeof h);
	memset(netlink_body(s) + body_n, 0, NLMSG_ALIGN(body_n) - body_n);
	s->queued += NLMSG_ALIGN(h.nlmsg_len);
	s->used = s->queued > s->used ? s->queued : s->used;
	s->n_queued++;
	assert(s->n_queued <= NETLINK_QUEUE_MAX && s->queued <= REQUEST_BYTES); /* netlink_body_space() was respected */
}

/* Sends the queue and empties it. */
static int netlink_send(struct netlink *s)
{
	ssize_t n;

	do {
		n = mnl_socket_sendto(s->socket, s->requests, s->queued);
	} while (n < 0 && errno == EINTR);
	s->queued = s->n_queued = 0;
	return n < 0 ? -errno : 0;
}

static ssize_t netlink_receive(struct netlink *s)
{
	ssize_t n;

	do {
		n = mnl_socket_recvfrom(s->socket, s->reply, NETLINK_REPLY_BYTES);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return n > 0 ? n : -EPROTO;
}

static void keep_text(char refusal[EXT_ACK_TEXT_MAX], const struct nlmsghdr *h)
{
	struct text t = text_fixed(refusal, EXT_ACK_TEXT_MAX);

	ext_ack_text(&t, (const uint8_t *)h, h->nlmsg_len);
}

/* Calls the handlers with those of the n bytes of messages that reply to the requests with the sequence numbers from
 * `first` to `last`; others are stale, of a request that failed earlier. 0, also after MNL_CB_STOP, or -errno. */
static int pass_replies(struct netlink *s, size_t n, uint32_t first, uint32_t last, mnl_cb_t reply, mnl_cb_t *control,
			unsigned int n_control, void *data)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)s->reply;
	int left = (int)n, more = MNL_CB_OK;

	for (; more == MNL_CB_OK && mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left))
		if (h->nlmsg_seq - first <= last - first)
			more = mnl_cb_run2(h, h->nlmsg_len, 0, mnl_socket_get_portid(s->socket), reply, data, control, n_control);
	return more == MNL_CB_ERROR ? -errno : 0;
}

struct exchange {
	netlink_reply *reply;
	void *ctx;
	int rc;
	char *refusal; /* of the struct netlink */
	bool ended; /* nothing of the replies is left to read */
};

static int exchange_reply(const struct nlmsghdr *h, void *data)
{
	struct exchange *x = data;

	if (x->reply)
		x->rc = x->reply(x->ctx, h->nlmsg_type, (const uint8_t *)h + NLMSG_HDRLEN,
				 h->nlmsg_len - NLMSG_HDRLEN);
	return x->rc ? MNL_CB_STOP : MNL_CB_OK;
}

/* The result in an acknowledgement, an error or the end of a dump: 0 or -errno. */
static int error_of(const struct nlmsghdr *h)
{
	int error = 0;

	if (h->nlmsg_len >= NLMSG_HDRLEN + sizeof error)
		memcpy(&error, (const uint8_t *)h + NLMSG_HDRLEN, sizeof error);
	else if (h->nlmsg_type == NLMSG_ERROR)
		error = -EPROTO;
	return error > 0 ? -EPROTO : error;
}

static int exchange_end(const struct nlmsghdr *h, void *data)
{
	struct exchange *x = data;

	x->ended = true;
	x->rc = error_of(h);
	if (x->rc)
		keep_text(x->refusal, h);
	return MNL_CB_STOP;
}

int netlink_request(struct netlink *s, uint16_t type, uint16_t flags, size_t body_n, netlink_reply *reply, void *ctx)
{
	mnl_cb_t control[] = { [NLMSG_ERROR] = exchange_end, [NLMSG_DONE] = exchange_end };
	struct exchange x = { .reply = reply, .ctx = ctx, .refusal = s->refusal };
	ssize_t n;

	assert(s->n_queued == 0);
	s->refusal[0] = '\0';
	x.rc = s->socket ? 0 : mnl_open(s);
	netlink_queue(s, type, flags, body_n);
	if (x.rc == 0)
		x.rc = netlink_send(s);
	while (x.rc == 0 && !x.ended) {
		int error;
		n = netlink_receive(s);
		error = n < 0 ? (int)n : pass_replies(s, (size_t)n, s->seq, s->seq, exchange_reply, control, ARRAY_LEN(control), &x);
		if (error) /* EINTR: the dump is inconsistent */
			x.rc = error;
	}
	if (!x.ended) /* unread replies must not be taken for those of the next request */
		mnl_close(s);
	return x.rc;
}

struct acks {
	uint32_t next, last; /* sequence numbers: the one expected, and that of the last request */
	int refused;         /* the first refusal */
	char *refusal;       /* its text, of the struct netlink */
};

/* One for each request, in their order. */
static int ack_received(const struct nlmsghdr *h, void *data)
{
	struct acks *a = data;
	int error = error_of(h);

	if (h->nlmsg_seq != a->next) {
		errno = EPROTO;
		return MNL_CB_ERROR;
	}
	if (error && !a->refused) {
		a->refused = error;
		keep_text(a->refusal, h);
	}
	a->next++;
	return MNL_CB_OK;
}

int netlink_flush(struct netlink *s)
{
	mnl_cb_t control[] = { [NLMSG_ERROR] = ack_received };
	struct acks a = { .next = s->seq - s->n_queued + 1, .last = s->seq, .refusal = s->refusal };
	int rc = 0;
	ssize_t n;

	s->refusal[0] = '\0';
	if (s->n_queued == 0)
		return 0;
	if (!s->socket)
		rc = mnl_open(s);
	if (rc == 0)
		rc = netlink_send(s);
	while (rc == 0 && a.next != a.last + 1) {
		n = netlink_receive(s);
		rc = n < 0 ? (int)n : pass_replies(s, (size_t)n, a.next, a.last, NULL, control, ARRAY_LEN(control), &a);
	}
	if (rc)
		mnl_close(s);
	return rc ? rc : a.refused;
}
