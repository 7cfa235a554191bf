/* rtnetlink: the connection, batches and dumps. */
#include "rtnetlink.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/addr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "fault_injection.h"

enum {
	BATCH_BYTES = 64 * 1024,
	BATCH_MESSAGES = 1000,
	REPLY_BYTES = 128 * 1024, /* more than the kernel puts into a part of a dump */
	DUMP_TRIES = 1000,
	RECEIVE_BYTES = 4 << 20, /* of the socket: holds an error for every message of a batch */
	RECEIVE_LIMIT_S = 3,
};

struct nl_addr *rtnetlink_addr(const struct ip_addr *a, unsigned int bits)
{
	struct nl_addr *out =
		nl_addr_build(a->family == IP_V4 ? AF_INET : AF_INET6, a->b, ip_bytes(a));

	if (out)
		nl_addr_set_prefixlen(out, (int)bits);
	return out;
}

/* ---- the connection ---- */

static void set_options(int fd)
{
	const struct timeval limit = { .tv_sec = RECEIVE_LIMIT_S };
	int on = 1, bytes = RECEIVE_BYTES;

	/* Optional: old kernels do not have all of these. */
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

static int connect_to_kernel(struct rtnetlink *rt)
{
	if (rt->connected)
		return 0;
	rt->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (rt->fd < 0)
		return -errno;
	set_options(rt->fd);
	rt->connected = true;
	return 0;
}

static void disconnect(struct rtnetlink *rt)
{
	if (rt->connected)
		close(rt->fd);
	rt->connected = false;
}

/* Replies that were not read do not reach later requests. */
static int lost(struct rtnetlink *rt, int error)
{
	disconnect(rt);
	return error;
}

int rtnetlink_open(struct rtnetlink *rt)
{
	*rt = (struct rtnetlink){ .batch = malloc(BATCH_BYTES), .reply = malloc(REPLY_BYTES) };
	return rt->batch && rt->reply ? connect_to_kernel(rt) : -ENOMEM;
}

bool rtnetlink_is_uncertain(const struct rtnetlink *rt)
{
	return !rt->connected;
}

void rtnetlink_close(struct rtnetlink *rt)
{
	disconnect(rt);
	free(rt->batch);
	free(rt->reply);
	*rt = (struct rtnetlink){ 0 };
}

static int send_bytes(struct rtnetlink *rt, const void *p, size_t n)
{
	int r = connect_to_kernel(rt);
	ssize_t sent;

	if (r < 0)
		return r;
	do
		sent = send(rt->fd, p, n, 0);
	while (sent < 0 && errno == EINTR);
	if (sent == (ssize_t)n)
		return 0;
	return lost(rt, sent < 0 ? -errno : -EIO);
}

/* The kernel queues its replies before send(2) returns, so that one that does not come was lost. */
static int receive(struct rtnetlink *rt, int *n)
{
	ssize_t got;

	do
		got = recv(rt->fd, rt->reply, REPLY_BYTES, MSG_TRUNC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return lost(rt, errno == EAGAIN ? -ETIMEDOUT : -errno);
	if (got == 0 || got > REPLY_BYTES)
		return lost(rt, -EMSGSIZE);
	*n = (int)got;
	return 0;
}

static struct nlmsghdr *header_at(uint8_t *p)
{
	return (struct nlmsghdr *)(void *)p;
}

/* The error in a message of type NLMSG_ERROR or NLMSG_DONE. */
static int error_of(struct nlmsghdr *h)
{
	int error = 0;

	if (h->nlmsg_len >= NLMSG_LENGTH(sizeof error))
		memcpy(&error, (const uint8_t *)h + NLMSG_HDRLEN, sizeof error);
	return error > 0 ? -EPROTO : error;
}

/* ---- batches ---- */

bool rtnetlink_batch_is_full(const struct rtnetlink *rt)
{
#ifdef WG_FAULTS
	return rt->messages > 0;
#else
	return rt->n > BATCH_BYTES - 512 || rt->messages >= BATCH_MESSAGES;
#endif
}

int rtnetlink_batch_add(struct rtnetlink *rt, struct nl_msg *take_m, uint32_t number)
{
	struct nlmsghdr *h;
	size_t n;

	if (!take_m)
		return -ENOMEM;
	h = nlmsg_hdr(take_m);
	n = NLMSG_ALIGN(h->nlmsg_len);
	if (n > BATCH_BYTES - rt->n) {
		nlmsg_free(take_m);
		return -EMSGSIZE;
	}
	if (rt->messages == 0) {
		rt->first_seq = rt->seq + 1;
		rt->number_offset = number - rt->first_seq;
	}
	rt->seq = number - rt->number_offset;
	h->nlmsg_seq = rt->seq;
	h->nlmsg_pid = 0;
	h->nlmsg_flags |= NLM_F_REQUEST;
	memset(rt->batch + rt->n, 0, n);
	memcpy(rt->batch + rt->n, h, h->nlmsg_len);
	rt->last = (uint32_t)rt->n;
	rt->n += n;
	rt->messages++;
	nlmsg_free(take_m);
	return 0;
}

/* Stale ones are of a request that failed earlier. */
static bool is_reply(const struct rtnetlink *rt, const struct nlmsghdr *h)
{
	return h->nlmsg_seq - rt->first_seq <= rt->seq - rt->first_seq;
}

static int send_batch(struct rtnetlink *rt)
{
	size_t n = rt->n;

	rt->n = rt->messages = 0;
	return send_bytes(rt, rt->batch, n);
}

/* The kernel's message about the error, or null. */
static const char *ext_ack_text(struct nlmsghdr *h)
{
	struct nlmsgerr *e = nlmsg_data(h);
	size_t skip = sizeof *e;
	struct nlattr *a;

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		skip += e->msg.nlmsg_len - NLMSG_HDRLEN;
	if ((size_t)nlmsg_datalen(h) <= NLMSG_ALIGN(skip))
		return NULL;
	a = nla_find((struct nlattr *)((char *)e + NLMSG_ALIGN(skip)),
		     nlmsg_datalen(h) - (int)NLMSG_ALIGN(skip), NLMSGERR_ATTR_MSG);
	return a ? nla_get_string(a) : NULL;
}

/* True: it acknowledges the last message of the batch. */
static bool handle_ack(struct rtnetlink *rt, struct nlmsghdr *h, rtnetlink_refused *refused, void *ctx)
{
	if (h->nlmsg_type != NLMSG_ERROR || !is_reply(rt, h))
		return false;
	if (error_of(h))
		refused(ctx, h->nlmsg_seq + rt->number_offset, error_of(h), ext_ack_text(h));
	return h->nlmsg_seq == rt->seq;
}

int rtnetlink_batch_send(struct rtnetlink *rt, rtnetlink_refused *refused, void *ctx)
{
	int left, r;

	if (rt->n == 0)
		return 0;
	header_at(rt->batch + rt->last)->nlmsg_flags |= NLM_F_ACK;
	if (fault_injected("netlink")) {
		rt->n = rt->messages = 0;
		refused(ctx, rt->seq + rt->number_offset, -ENOBUFS, "fault");
		return 0;
	}
	r = send_batch(rt);
	while (r == 0) {
		r = receive(rt, &left);
		for (struct nlmsghdr *h = header_at(rt->reply); r == 0 && nlmsg_ok(h, left); h = nlmsg_next(h, &left))
			if (handle_ack(rt, h, refused, ctx))
				return 0;
	}
	return r;
}

int rtnetlink_batch_ask(struct rtnetlink *rt, rtnetlink_reply *reply, void *ctx)
{
	size_t waiting = rt->messages;
	int left, r = waiting > 0 ? send_batch(rt) : 0;

	while (r == 0 && waiting > 0) {
		r = receive(rt, &left);
		for (struct nlmsghdr *h = header_at(rt->reply); r == 0 && waiting > 0 && nlmsg_ok(h, left); h = nlmsg_next(h, &left)) {
			if (!is_reply(rt, h))
				continue;
			reply(ctx, h->nlmsg_seq + rt->number_offset, h);
			waiting--;
		}
	}
	return r;
}

struct refusal {
	int error;
	char *why;
};

static void save_refusal(void *ctx, uint32_t number, int error, const char *why)
{
	struct refusal *refusal = ctx;
	struct text t;

	(void)number;
	refusal->error = error;
	if (!refusal->why)
		return;
	t = text_fixed(refusal->why, 128);
	text_add(&t, why ? why : strerror(-error));
}

int rtnetlink_send(struct rtnetlink *rt, struct nl_msg *take_m, char why[128])
{
	struct refusal refusal = { .why = why };
	int r = rtnetlink_batch_add(rt, take_m, 1);

	if (why)
		why[0] = '\0';
	if (r == 0)
		r = rtnetlink_batch_send(rt, save_refusal, &refusal);
	if (r < 0 && why) {
		struct text t = text_fixed(why, 128);
		text_add(&t, strerror(-r));
	}
	return r < 0 ? r : refusal.error;
}

/* ---- dumps ---- */

struct dump {
	rtnetlink_handler *handler;
	void *ctx;
	int error;        /* of the handler, or of the kernel */
	bool interrupted; /* the kernel says that it is inconsistent */
	bool ended;
};

static int pass_on(const struct dump *d, struct nlmsghdr *h)
{
	struct nl_msg *m = nlmsg_convert(h);
	int r;

	if (!m)
		return -ENOMEM;
	nlmsg_set_proto(m, NETLINK_ROUTE);
	r = d->handler(d->ctx, m);
	nlmsg_free(m);
	return r;
}

static void handle_part(struct dump *d, struct nlmsghdr *h)
{
	d->interrupted |= (h->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
	d->ended = h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR;
	if (d->error == 0)
		d->error = d->ended ? error_of(h) : pass_on(d, h);
}

/* Reads to the end, also after an error of the handler. */
static int dump_once(struct rtnetlink *rt, struct nlmsghdr *request, struct dump *d)
{
	int left, r;

	request->nlmsg_seq = ++rt->seq;
	r = send_bytes(rt, request, request->nlmsg_len);
	while (r == 0 && !d->ended) {
		r = receive(rt, &left);
		for (struct nlmsghdr *h = header_at(rt->reply); r == 0 && !d->ended && nlmsg_ok(h, left); h = nlmsg_next(h, &left))
			if (h->nlmsg_seq == rt->seq)
				handle_part(d, h);
	}
	return r;
}

int rtnetlink_dump(struct rtnetlink *rt, struct nl_msg *take_m, rtnetlink_handler *handler, void *ctx, size_t *count)
{
	struct dump d = { .interrupted = true };
	size_t before = count ? *count : 0;
	int r = 0;

	if (!take_m)
		return -ENOMEM;
	if (fault_injected("netlink dump")) {
		nlmsg_free(take_m);
		return -ENOBUFS;
	}
	nlmsg_hdr(take_m)->nlmsg_flags |= NLM_F_REQUEST | NLM_F_DUMP;
	nlmsg_hdr(take_m)->nlmsg_pid = 0;
	for (int i = 0; i < DUMP_TRIES && r == 0 && d.error == 0 && d.interrupted; i++) {
		d = (struct dump){ .handler = handler, .ctx = ctx };
		if (count)
			*count = before;
		r = dump_once(rt, nlmsg_hdr(take_m), &d);
	}
	nlmsg_free(take_m);
	if (r < 0)
		return r;
	return d.error < 0 ? d.error : d.interrupted ? -EINTR : 0;
}
