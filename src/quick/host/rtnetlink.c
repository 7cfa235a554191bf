/* rtnetlink: the connection, batches and dumps. */
#include "rtnetlink.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/addr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "fault_injection.h"

enum {
	BATCH_BYTES = 64 * 1024,
	BATCH_MESSAGES = 1000,
	DUMP_TRIES = 1000,
	RECEIVE_BYTES = 4 << 20, /* holds an error for every message of a batch */
};

/* libnl has its own error numbers; these are the ones that its functions used here return. */
static int errno_of(int nl)
{
	switch (-nl) {
	case NLE_SUCCESS: return 0;
	case NLE_NOMEM: return -ENOMEM;
	case NLE_PERM: return -EPERM;
	case NLE_NOACCESS: return -EACCES;
	case NLE_OBJ_NOTFOUND: return -ENOENT;
	case NLE_NODEV: return -ENODEV;
	case NLE_OPNOTSUPP: return -EOPNOTSUPP;
	case NLE_AF_NOSUPPORT: return -EAFNOSUPPORT;
	case NLE_DUMP_INTR: return -EINTR;
	case NLE_INVAL: return -EINVAL;
	case NLE_EXIST: return -EEXIST;
	default: return -EIO;
	}
}

struct nl_addr *rtnetlink_addr(const struct ip_addr *a, unsigned int bits)
{
	struct nl_addr *out =
		nl_addr_build(a->family == IP_V4 ? AF_INET : AF_INET6, a->b, ip_bytes(a));

	if (out)
		nl_addr_set_prefixlen(out, (int)bits);
	return out;
}

int rtnetlink_open(struct rtnetlink *rt)
{
	int fd, on = 1, bytes = RECEIVE_BYTES, r;

	rt->sk = nl_socket_alloc();
	rt->batch = malloc(BATCH_BYTES);
	if (!rt->sk || !rt->batch)
		return -ENOMEM;
	r = nl_connect(rt->sk, NETLINK_ROUTE);
	if (r < 0)
		return errno_of(r);
	nl_socket_disable_seq_check(rt->sk);
	nl_socket_set_msg_buf_size(rt->sk, 1 << 17);
	fd = nl_socket_get_fd(rt->sk);
	/* Optional: old kernels do not have all of these. */
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	return 0;
}

void rtnetlink_close(struct rtnetlink *rt)
{
	if (rt->sk)
		nl_socket_free(rt->sk);
	free(rt->batch);
	*rt = (struct rtnetlink){ 0 };
}

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
	h->nlmsg_seq = number;
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

static int receive(struct rtnetlink *rt, char *buffer, size_t n, size_t *got)
{
	for (;;) {
		ssize_t r = recv(nl_socket_get_fd(rt->sk), buffer, n, 0);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? -errno : -EIO;
		*got = (size_t)r;
		return 0;
	}
}

int rtnetlink_batch_send(struct rtnetlink *rt, rtnetlink_refused *refused, void *ctx)
{
	char answer[16384];
	uint32_t last;
	size_t n = rt->n;
	struct nlmsghdr *h;
	ssize_t sent;

	if (n == 0)
		return 0;
	h = (struct nlmsghdr *)(void *)(rt->batch + rt->last);
	h->nlmsg_flags |= NLM_F_ACK;
	last = h->nlmsg_seq;
	rt->n = rt->messages = 0;
	if (fault_injected("netlink")) {
		refused(ctx, last, -ENOBUFS, "fault");
		return 0;
	}
	do
		sent = send(nl_socket_get_fd(rt->sk), rt->batch, n, 0);
	while (sent < 0 && errno == EINTR);
	if (sent != (ssize_t)n)
		return sent < 0 ? -errno : -EIO;
	for (;;) {
		size_t got = 0;
		int left, r = receive(rt, answer, sizeof answer, &got);
		if (r < 0)
			return r;
		left = (int)got;
		for (h = (struct nlmsghdr *)(void *)answer; nlmsg_ok(h, left);
		     h = nlmsg_next(h, &left)) {
			struct nlmsgerr *e = nlmsg_data(h);
			if (h->nlmsg_type != NLMSG_ERROR)
				continue;
			if (e->error)
				refused(ctx, h->nlmsg_seq, e->error, ext_ack_text(h));
			if (h->nlmsg_seq == last)
				return 0;
		}
	}
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

struct dump {
	rtnetlink_handler *handler;
	void *ctx;
	int error;
};

static int handle_message(struct nl_msg *m, void *arg)
{
	struct dump *d = arg;

	if (d->error == 0)
		d->error = d->handler(d->ctx, m);
	return NL_OK;
}

int rtnetlink_dump(struct rtnetlink *rt, struct nl_msg *take_m, rtnetlink_handler *handler, void *ctx,
		   size_t *count)
{
	struct dump d = { .handler = handler, .ctx = ctx };
	size_t before = count ? *count : 0;
	int r = -NLE_DUMP_INTR;

	if (!take_m)
		return -ENOMEM;
	if (fault_injected("netlink dump")) {
		nlmsg_free(take_m);
		return -ENOBUFS;
	}
	nlmsg_hdr(take_m)->nlmsg_flags |= NLM_F_REQUEST | NLM_F_DUMP;
	nl_socket_modify_cb(rt->sk, NL_CB_VALID, NL_CB_CUSTOM, handle_message, &d);
	for (int i = 0; i < DUMP_TRIES && r == -NLE_DUMP_INTR; i++) {
		d.error = 0;
		if (count)
			*count = before;
		r = nl_send_auto(rt->sk, take_m);
		if (r >= 0)
			r = nl_recvmsgs_default(rt->sk);
	}
	nlmsg_free(take_m);
	if (r < 0)
		return errno_of(r);
	return d.error;
}
