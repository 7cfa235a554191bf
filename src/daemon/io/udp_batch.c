/* Datagrams in batches: recvmmsg and sendmmsg with control messages, or one by one. */
#include "udp.h"

#include <errno.h>
#include <linux/udp.h>
#include <poll.h>
#include "daemon/process/log.h"
#include "packet_memory.h"

enum { SEND_WAIT_MS = 20, SEND_TRIES = 8 };

/* ---- rows ---- */

static int mmsg_recv(int fd, struct mmsghdr *m, unsigned int n)
{
	int k = recvmmsg(fd, m, n, MSG_DONTWAIT, NULL);

	return k < 0 ? -errno : k;
}

static int mmsg_send(int fd, struct mmsghdr *m, unsigned int n)
{
	int k = sendmmsg(fd, m, n, MSG_DONTWAIT);

	return k < 0 ? -errno : k;
}

static int plain_recv(int fd, struct mmsghdr *m, unsigned int n)
{
	unsigned int i = 0;
	ssize_t k = 0;

	for (; i < n; i++) {
		k = recvmsg(fd, &m[i].msg_hdr, MSG_DONTWAIT);
		if (k < 0)
			break;
		m[i].msg_len = (unsigned int)k;
	}
	return i == 0 && k < 0 ? -errno : (int)i;
}

static int plain_send(int fd, struct mmsghdr *m, unsigned int n)
{
	unsigned int i = 0;

	while (i < n && sendmsg(fd, &m[i].msg_hdr, MSG_DONTWAIT) >= 0)
		i++;
	return i == 0 && n > 0 ? -errno : (int)i;
}

const struct udp_ops udp_mmsg_ops = { "mmsg", mmsg_recv, mmsg_send };
const struct udp_ops udp_plain_ops = { "plain", plain_recv, plain_send };

/* ---- in ---- */

bool udp_inbox_init(struct udp_inbox *in)
{
	in->room = pages_new((size_t)UDP_IN_MAX * UDP_IN_ROOM);
	return in->room != NULL;
}

void udp_inbox_free(struct udp_inbox *in)
{
	pages_free(in->room, (size_t)UDP_IN_MAX * UDP_IN_ROOM);
	in->room = NULL;
}

static bool is_passing(int error)
{
	return error == -EAGAIN || error == -EINTR;
}

unsigned int udp_receive(struct udp_socket *s, struct udp_inbox *in)
{
	unsigned int most = s->gro ? UDP_IN_GRO_MAX : UDP_IN_MAX;
	int k;

	for (unsigned int i = 0; i < most; i++) {
		in->iov[i] = (struct iovec){ in->room + (size_t)i * UDP_IN_ROOM, UDP_IN_ROOM };
		in->msgs[i].msg_hdr = (struct msghdr){
			.msg_name = &in->from[i],
			.msg_namelen = sizeof in->from[i],
			.msg_iov = &in->iov[i],
			.msg_iovlen = 1,
			.msg_control = in->control[i],
			.msg_controllen = UDP_CONTROL_ROOM,
		};
	}
	k = s->ops->recv(s->fd, in->msgs, most);
	if (k < 0 && !is_passing(k)) {
		log_verbose("receiving: %s", strerror(-k));
		(void)poll(NULL, 0, 1); /* so that an error that stays does not take a whole core */
	}
	return k < 0 ? 0 : (unsigned int)k;
}

static uint32_t control_int(const struct cmsghdr *c)
{
	int v = 0;
	size_t n = c->cmsg_len - CMSG_LEN(0);

	memcpy(&v, CMSG_DATA(c), n < sizeof v ? n : sizeof v);
	return (uint32_t)v;
}

static void received_control(struct udp_received *out, const struct cmsghdr *c)
{
	struct in_pktinfo v4;
	struct in6_pktinfo v6;

	if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
		out->segment = control_int(c);
	} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
		memcpy(&out->tos, CMSG_DATA(c), 1);
	} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
		out->tos = (uint8_t)control_int(c);
	} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		memcpy(&v4, CMSG_DATA(c), sizeof v4);
		out->path.local = ip_v4((const uint8_t *)&v4.ipi_spec_dst);
		out->path.ifindex = (uint32_t)v4.ipi_ifindex;
	} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
		memcpy(&v6, CMSG_DATA(c), sizeof v6);
		out->path.local = ip_v6((const uint8_t *)&v6.ipi6_addr);
		out->path.ifindex = v6.ipi6_ifindex;
	}
}

static bool endpoint_of(struct ip_endpoint *e, const struct sockaddr_in6 *a)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)a;

	*e = (struct ip_endpoint){ .port = ntohs(a->sin6_port) };
	if (a->sin6_family == AF_INET) {
		e->addr = ip_v4((const uint8_t *)&v4->sin_addr);
	} else if (a->sin6_family == AF_INET6) {
		e->addr = ip_v6(a->sin6_addr.s6_addr);
		e->scope = a->sin6_scope_id;
	}
	return e->addr.family != IP_NONE;
}

bool udp_received_get(struct udp_inbox *in, unsigned int i, struct udp_received *out)
{
	struct msghdr *m = &in->msgs[i].msg_hdr;

	*out = (struct udp_received){ .p = in->iov[i].iov_base, .n = in->msgs[i].msg_len };
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		received_control(out, c);
	if (out->segment == 0 || out->segment > out->n)
		out->segment = out->n;
	return !(m->msg_flags & MSG_TRUNC) && out->n > 0 && endpoint_of(&out->path.remote, &in->from[i]);
}

/* ---- out ---- */

static void add_control(struct msghdr *m, int level, int type, const void *data, size_t n)
{
	struct cmsghdr *c = (struct cmsghdr *)(void *)((uint8_t *)m->msg_control + m->msg_controllen);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(n);
	memcpy(CMSG_DATA(c), data, n);
	m->msg_controllen += CMSG_SPACE(n);
}

static void add_source(struct msghdr *m, const struct ip_addr *local)
{
	struct in_pktinfo v4 = { 0 };
	struct in6_pktinfo v6 = { 0 };

	/* The address only: which interface it leaves by is the routes' business. */
	if (local->family == IP_V4) {
		memcpy(&v4.ipi_spec_dst, local->b, 4);
		add_control(m, IPPROTO_IP, IP_PKTINFO, &v4, sizeof v4);
	} else if (local->family == IP_V6) {
		memcpy(&v6.ipi6_addr, local->b, 16);
		add_control(m, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof v6);
	}
}

static void set_target(struct msghdr *m, struct sockaddr_in6 *to, const struct ip_endpoint *e)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(e->port) };

	m->msg_name = to;
	if (e->addr.family == IP_V4) {
		memcpy(&v4.sin_addr, e->addr.b, 4);
		memcpy(to, &v4, sizeof v4);
		m->msg_namelen = sizeof v4;
		return;
	}
	*to = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(e->port),
				     .sin6_scope_id = e->scope };
	memcpy(&to->sin6_addr, e->addr.b, 16);
	m->msg_namelen = sizeof *to;
}

/* Everything about a message but its bytes. */
static void message_begin(struct msghdr *m, struct sockaddr_in6 *to, uint8_t *control,
			  const struct wg_path *path, uint8_t tos)
{
	int v = tos;

	memset(m, 0, sizeof *m);
	memset(control, 0, UDP_CONTROL_ROOM);
	m->msg_control = control;
	set_target(m, to, &path->remote);
	if (path->local.family == path->remote.addr.family)
		add_source(m, &path->local);
	if (tos && path->remote.addr.family == IP_V4)
		add_control(m, IPPROTO_IP, IP_TOS, &v, sizeof v);
	else if (tos)
		add_control(m, IPPROTO_IPV6, IPV6_TCLASS, &v, sizeof v);
}

/* What a source that is no address of ours any more gives: EINVAL, and since some kernel ENETUNREACH. */
static bool may_be_the_source(int error)
{
	return error == -EINVAL || error == -ENETUNREACH || error == -EADDRNOTAVAIL;
}

static void not_sent(struct udp_outbox *o, const struct wg_path *path, size_t bytes, int error)
{
	log_verbose("sending: %s", strerror(-error));
	if (o->unsent)
		o->unsent(o->ctx, path, bytes);
}

/* One datagram, once more. False: its source was refused, and it went without. */
static bool send_one(struct udp_outbox *o, const struct wg_path *path, struct iovec *iov, uint8_t tos)
{
	_Alignas(8) uint8_t control[UDP_CONTROL_ROOM];
	struct sockaddr_in6 to;
	struct wg_path way = *path;
	struct mmsghdr m = { 0 };
	int k;

	for (;;) {
		message_begin(&m.msg_hdr, &to, control, &way, tos);
		m.msg_hdr.msg_iov = iov;
		m.msg_hdr.msg_iovlen = 1;
		k = o->socket->ops->send(o->socket->fd, &m, 1);
		if (!may_be_the_source(k) || way.local.family == IP_NONE)
			break;
		way.local.family = IP_NONE;
	}
	if (k < 0) {
		not_sent(o, path, iov->iov_len, k);
		return true; /* with or without it: it is not the source's fault */
	}
	if (way.local.family != path->local.family && o->source_refused)
		o->source_refused(o->ctx, path);
	return way.local.family == path->local.family;
}

static uint8_t message_tos(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_type == (c->cmsg_level == IPPROTO_IP ? IP_TOS : IPV6_TCLASS))
			return (uint8_t)control_int(c);
	return 0;
}

static bool is_many(const struct msghdr *m, uint32_t segment)
{
	return m->msg_iovlen > 1 || m->msg_iov[0].iov_len > segment;
}

/* A message that the system refused: what can still be done about it. */
static void send_refused(struct udp_outbox *o, unsigned int i, int error)
{
	struct msghdr *m = &o->msgs[i].msg_hdr;
	uint32_t segment = o->segment[i];
	bool many = is_many(m, segment) && (error == -EINVAL || error == -EMSGSIZE || error == -EIO);
	bool source = o->paths[i]->local.family != IP_NONE && may_be_the_source(error);
	bool source_kept = true;
	uint8_t tos = message_tos(m);
	size_t bytes = 0;

	if (!many && !source) {
		for (size_t k = 0; k < m->msg_iovlen; k++)
			bytes += m->msg_iov[k].iov_len;
		not_sent(o, o->paths[i], bytes, error);
		return;
	}
	if (error == -EIO)
		o->socket->segment = false; /* the device below cannot do checksums */
	for (size_t k = 0; k < m->msg_iovlen; k++)
		for (size_t at = 0; at < m->msg_iov[k].iov_len; at += segment) {
			struct iovec one = { (uint8_t *)m->msg_iov[k].iov_base + at,
					     m->msg_iov[k].iov_len - at };
			if (one.iov_len > segment)
				one.iov_len = segment;
			source_kept &= send_one(o, o->paths[i], &one, tos);
		}
	if (many && source_kept)
		o->socket->segment_max = segment - 1;
}

/* Errors after which the same message may well go, after a moment. */
static bool wait_to_send(const struct udp_socket *s, int error)
{
	struct pollfd full = { s->fd, POLLOUT, 0 };

	if (error == -EAGAIN)
		(void)poll(&full, 1, SEND_WAIT_MS);
	else if (error == -ENOBUFS || error == -ENOMEM)
		(void)poll(NULL, 0, 1);
	return is_passing(error) || error == -ENOBUFS || error == -ENOMEM || error == -ECONNREFUSED;
}

static void outbox_flush(struct udp_outbox *o)
{
	unsigned int done = 0;
	int tries = 0;

	while (done < o->n) {
		int k = o->socket->ops->send(o->socket->fd, o->msgs + done, o->n - done);
		if (k > 0) {
			done += (unsigned int)k;
			tries = 0;
		} else if (tries++ >= SEND_TRIES || !wait_to_send(o->socket, k)) {
			send_refused(o, done++, k);
			tries = 0;
		}
	}
	o->n = o->n_iov = 0;
}

static bool is_same_way(const struct wg_batch *b, const struct wg_buf *x, const struct wg_buf *y)
{
	const struct wg_path *p = &b->paths[x->path], *q = &b->paths[y->path];

	return x->tos == y->tos && (p == q || (p->tx_index == q->tx_index && path_equal(p, q)));
}

/* How many buffers from i on may leave as one message. */
static size_t run_length(const struct udp_socket *s, const struct wg_batch *b, size_t i)
{
	const struct wg_buf *first = &b->bufs[i];
	size_t n = 1, total = first->out_n;

	if (!s->segment || first->out_n > s->segment_max)
		return 1;
	for (; i + n < b->n && n < UDP_SEGMENTS_MAX; n++) {
		const struct wg_buf *next = &b->bufs[i + n];
		if (next->verdict != WG_TO_UDP || next->out_n > first->out_n ||
		    total + next->out_n > UDP_SEGMENTED_MAX || !is_same_way(b, first, next))
			break;
		total += next->out_n;
		if (next->out_n < first->out_n)
			return n + 1; /* only the last may be shorter */
	}
	return n;
}

static void outbox_add(struct udp_outbox *o, const struct wg_batch *b, size_t first, size_t n)
{
	const struct wg_buf *buf = &b->bufs[first];
	struct msghdr *m = &o->msgs[o->n].msg_hdr;
	uint16_t segment = (uint16_t)buf->out_n;
	struct iovec *last = NULL;

	o->segment[o->n] = buf->out_n;
	o->paths[o->n] = &b->paths[buf->path];
	message_begin(m, &o->to[o->n], o->control[o->n], o->paths[o->n], buf->tos);
	if (n > 1)
		add_control(m, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment);
	m->msg_iov = &o->iov[o->n_iov];
	for (size_t k = 0; k < n; k++, buf++) {
		if (last && (uint8_t *)last->iov_base + last->iov_len == buf->dst) {
			last->iov_len += buf->out_n;
			continue;
		}
		last = &o->iov[o->n_iov++];
		*last = (struct iovec){ buf->dst, buf->out_n };
		m->msg_iovlen++;
	}
	o->n++;
}

void udp_send(struct udp *u, struct udp_outbox *o, const struct wg_batch *b)
{
	size_t n;

	o->n = o->n_iov = 0;
	for (size_t i = 0; i < b->n; i += n) {
		const struct wg_buf *buf = &b->bufs[i];
		struct udp_socket *s;

		n = 1;
		if (buf->verdict != WG_TO_UDP)
			continue;
		s = b->paths[buf->path].remote.addr.family == IP_V6 ? 
			&u->sockets[UDP_V6] : &u->sockets[UDP_V4];
		if (s->fd < 0) {
			not_sent(o, &b->paths[buf->path], buf->out_n, -EAFNOSUPPORT);
			continue;
		}
		if (o->n > 0 && s != o->socket)
			outbox_flush(o);
		o->socket = s;
		n = run_length(s, b, i);
		if (o->n == UDP_OUT_MAX || o->n_iov + n > UDP_OUT_BUFS_MAX)
			outbox_flush(o);
		outbox_add(o, b, i, n);
	}
	if (o->n > 0)
		outbox_flush(o);
}
