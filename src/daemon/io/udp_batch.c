/* Datagrams in batches: recvmmsg(2) and sendmmsg(2) with control messages, or one by one. */
#include "udp.h"

#include <assert.h>
#include <errno.h>
#include <linux/udp.h>
#include <poll.h>
#include "daemon/process/log.h"
#include "packet_memory.h"

enum { SEND_WAIT_MS = 20, SEND_TRIES = 8 };

/* Control messages: packet information, TOS or traffic class, and segment size. */
static_assert(sizeof(struct in_pktinfo) == 12 && sizeof(struct in6_pktinfo) == 20, "see ip(7), ipv6(7)");
static_assert(CMSG_SPACE(sizeof(struct in6_pktinfo)) + 2 * CMSG_SPACE(sizeof(int)) <= UDP_CMSG_BYTES,
	      "all control messages of a message fit");
static_assert(sizeof(struct sockaddr_in) <= sizeof(struct sockaddr_in6), "udp_tx.to holds both");

/* ---- operations ---- */

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

/* ---- receiving ---- */

bool udp_rx_init(struct udp_rx *rx)
{
	rx->buffer = packet_memory_new((size_t)UDP_RX_MESSAGES_MAX * UDP_RX_MESSAGE_BYTES);
	return rx->buffer != NULL;
}

void udp_rx_free(struct udp_rx *rx)
{
	packet_memory_free(rx->buffer, (size_t)UDP_RX_MESSAGES_MAX * UDP_RX_MESSAGE_BYTES);
	rx->buffer = NULL;
}

static bool is_temporary(int error)
{
	return error == -EAGAIN || error == -EINTR;
}

unsigned int udp_receive(struct udp_socket *s, struct udp_rx *rx)
{
	unsigned int most = s->gro ? UDP_RX_GRO_MESSAGES_MAX : UDP_RX_MESSAGES_MAX;
	int k;

	for (unsigned int i = 0; i < most; i++) {
		rx->iov[i] = (struct iovec){ rx->buffer + (size_t)i * UDP_RX_MESSAGE_BYTES, UDP_RX_MESSAGE_BYTES };
		rx->msgs[i].msg_hdr = (struct msghdr){
			.msg_name = &rx->from[i],
			.msg_namelen = sizeof rx->from[i],
			.msg_iov = &rx->iov[i],
			.msg_iovlen = 1,
			.msg_control = rx->control[i],
			.msg_controllen = UDP_CMSG_BYTES,
		};
	}
	k = s->ops->recv(s->fd, rx->msgs, most);
	if (k < 0 && !is_temporary(k)) {
		log_verbose("cannot receive: %s", strerror(-k));
		(void)poll(NULL, 0, 1); /* a lasting error must not occupy a core */
	}
	return k < 0 ? 0 : (unsigned int)k;
}

static uint32_t cmsg_int(const struct cmsghdr *c)
{
	int v = 0;
	size_t n = c->cmsg_len - CMSG_LEN(0);

	memcpy(&v, CMSG_DATA(c), n < sizeof v ? n : sizeof v);
	return (uint32_t)v;
}

static void read_cmsg(struct udp_rx_message *out, const struct cmsghdr *c)
{
	struct in_pktinfo v4;
	struct in6_pktinfo v6;

	if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
		out->segment_bytes = cmsg_int(c);
	} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
		memcpy(&out->tos, CMSG_DATA(c), 1);
	} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
		out->tos = (uint8_t)cmsg_int(c);
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

bool udp_rx_get(struct udp_rx *rx, unsigned int i, struct udp_rx_message *out)
{
	struct msghdr *m = &rx->msgs[i].msg_hdr;

	*out = (struct udp_rx_message){ .p = rx->iov[i].iov_base, .n = rx->msgs[i].msg_len };
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		read_cmsg(out, c);
	if (out->segment_bytes == 0 || out->segment_bytes > out->n)
		out->segment_bytes = out->n;
	return !(m->msg_flags & MSG_TRUNC) && out->n > 0 && endpoint_of(&out->path.remote, &rx->from[i]);
}

/* ---- sending ---- */

static void add_cmsg(struct msghdr *m, int level, int type, const void *data, size_t n)
{
	struct cmsghdr *c = (struct cmsghdr *)(void *)((uint8_t *)m->msg_control + m->msg_controllen);

	assert(m->msg_controllen + CMSG_SPACE(n) <= UDP_CMSG_BYTES);
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = (socklen_t)CMSG_LEN(n); /* POSIX's types, of musl; in glibc both lengths are size_t */
	memcpy(CMSG_DATA(c), data, n);
	m->msg_controllen += (socklen_t)CMSG_SPACE(n);
}

static void add_source(struct msghdr *m, const struct ip_addr *local)
{
	struct in_pktinfo v4 = { 0 };
	struct in6_pktinfo v6 = { 0 };

	/* Only the address: the routing table chooses the interface. */
	if (local->family == IP_V4) {
		memcpy(&v4.ipi_spec_dst, local->b, 4);
		add_cmsg(m, IPPROTO_IP, IP_PKTINFO, &v4, sizeof v4);
	} else if (local->family == IP_V6) {
		memcpy(&v6.ipi6_addr, local->b, 16);
		add_cmsg(m, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof v6);
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

/* Sets up everything of a message but its bytes. */
static void message_begin(struct msghdr *m, struct sockaddr_in6 *to, uint8_t *control,
			  const struct wg_path *path, uint8_t tos)
{
	int v = tos;

	memset(m, 0, sizeof *m);
	memset(control, 0, UDP_CMSG_BYTES);
	m->msg_control = control;
	set_target(m, to, &path->remote);
	if (path->local.family == path->remote.addr.family)
		add_source(m, &path->local);
	if (tos && path->remote.addr.family == IP_V4)
		add_cmsg(m, IPPROTO_IP, IP_TOS, &v, sizeof v);
	else if (tos)
		add_cmsg(m, IPPROTO_IPV6, IPV6_TCLASS, &v, sizeof v);
}

/* Errors for a source that is no longer an address of this host: EINVAL, or ENETUNREACH in later kernels. */
static bool may_be_source(int error)
{
	return error == -EINVAL || error == -ENETUNREACH || error == -EADDRNOTAVAIL;
}

static void report_unsent(struct udp_tx *tx, const struct wg_path *path, size_t bytes, int error)
{
	log_verbose("cannot send: %s", strerror(-error));
	if (tx->unsent)
		tx->unsent(tx->ctx, path, bytes);
}

/* Sends one datagram, without its source if the kernel refuses that. False: the source was refused. */
static bool send_one(struct udp_tx *tx, const struct wg_path *path, struct iovec *iov, uint8_t tos)
{
	_Alignas(8) uint8_t control[UDP_CMSG_BYTES];
	struct sockaddr_in6 to;
	struct wg_path used = *path;
	struct mmsghdr m = { 0 };
	int k;

	for (;;) {
		message_begin(&m.msg_hdr, &to, control, &used, tos);
		m.msg_hdr.msg_iov = iov;
		m.msg_hdr.msg_iovlen = 1;
		k = tx->socket->ops->send(tx->socket->fd, &m, 1);
		if (!may_be_source(k) || used.local.family == IP_NONE)
			break;
		used.local.family = IP_NONE;
	}
	if (k < 0) {
		report_unsent(tx, path, iov->iov_len, k);
		return true; /* refused with and without the source: the source is not the reason */
	}
	if (used.local.family != path->local.family && tx->source_refused)
		tx->source_refused(tx->ctx, path);
	return used.local.family == path->local.family;
}

static uint8_t message_tos(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_type == (c->cmsg_level == IPPROTO_IP ? IP_TOS : IPV6_TCLASS))
			return (uint8_t)cmsg_int(c);
	return 0;
}

static bool has_many(const struct msghdr *m, uint32_t segment_bytes)
{
	return m->msg_iovlen > 1 || m->msg_iov[0].iov_len > segment_bytes;
}

/* The kernel refused a message. Sends its datagrams one by one if that, or leaving out the source, may help. */
static void retry_refused(struct udp_tx *tx, unsigned int i, int error)
{
	struct msghdr *m = &tx->msgs[i].msg_hdr;
	uint32_t segment_bytes = tx->segment_bytes[i];
	bool many = has_many(m, segment_bytes) && (error == -EINVAL || error == -EMSGSIZE || error == -EIO);
	bool source = tx->paths[i]->local.family != IP_NONE && may_be_source(error);
	bool source_works = true;
	uint8_t tos = message_tos(m);
	size_t bytes = 0;

	if (!many && !source) {
		for (size_t k = 0; k < (size_t)m->msg_iovlen; k++)
			bytes += m->msg_iov[k].iov_len;
		report_unsent(tx, tx->paths[i], bytes, error);
		return;
	}
	if (error == -EIO)
		tx->socket->gso = false; /* the device lacks checksum offload */
	for (size_t k = 0; k < (size_t)m->msg_iovlen; k++)
		for (size_t at = 0; at < m->msg_iov[k].iov_len; at += segment_bytes) {
			struct iovec one = { (uint8_t *)m->msg_iov[k].iov_base + at,
					     m->msg_iov[k].iov_len - at };
			if (one.iov_len > segment_bytes)
				one.iov_len = segment_bytes;
			source_works &= send_one(tx, tx->paths[i], &one, tos);
		}
	if (many && source_works)
		tx->socket->gso_size_max = segment_bytes - 1;
}

/* Waits a moment. True: after this error, the same message may be sent again. */
static bool wait_to_send(const struct udp_socket *s, int error)
{
	struct pollfd full = { s->fd, POLLOUT, 0 };

	if (error == -EAGAIN)
		(void)poll(&full, 1, SEND_WAIT_MS);
	else if (error == -ENOBUFS || error == -ENOMEM)
		(void)poll(NULL, 0, 1);
	return is_temporary(error) || error == -ENOBUFS || error == -ENOMEM || error == -ECONNREFUSED;
}

static void tx_flush(struct udp_tx *tx)
{
	unsigned int done = 0;
	int tries = 0;

	while (done < tx->n) {
		int k = tx->socket->ops->send(tx->socket->fd, tx->msgs + done, tx->n - done);
		if (k > 0) {
			done += (unsigned int)k;
			tries = 0;
		} else if (tries++ >= SEND_TRIES || !wait_to_send(tx->socket, k)) {
			retry_refused(tx, done++, k);
			tries = 0;
		}
	}
	tx->n = tx->n_iov = 0;
}

static bool is_same_path(const struct wg_batch *b, const struct wg_buf *x, const struct wg_buf *y)
{
	const struct wg_path *p = &b->paths[x->path], *q = &b->paths[y->path];

	return x->tos == y->tos && (p == q || (p->tx_index == q->tx_index && path_equal(p, q)));
}

/* The number of buffers from i on that may leave as one message. */
static size_t run_length(const struct udp_socket *s, const struct wg_batch *b, size_t i)
{
	const struct wg_buf *first = &b->bufs[i];
	size_t n = 1, total = first->out_n;

	if (!s->gso || first->out_n > s->gso_size_max)
		return 1;
	for (; i + n < b->n && n < UDP_GSO_SEGMENTS_MAX; n++) {
		const struct wg_buf *next = &b->bufs[i + n];
		if (next->verdict != WG_TO_UDP || next->out_n > first->out_n ||
		    total + next->out_n > UDP_GSO_BYTES_MAX || !is_same_path(b, first, next))
			break;
		total += next->out_n;
		if (next->out_n < first->out_n)
			return n + 1; /* only the last datagram may be shorter */
	}
	return n;
}

static void tx_add(struct udp_tx *tx, const struct wg_batch *b, size_t first, size_t n)
{
	const struct wg_buf *buf = &b->bufs[first];
	struct msghdr *m = &tx->msgs[tx->n].msg_hdr;
	uint16_t gso_size = (uint16_t)buf->out_n;
	struct iovec *last = NULL;

	assert(tx->n < UDP_TX_MESSAGES_MAX && tx->n_iov + n <= UDP_TX_BUFS_MAX && buf->path < b->n_paths);
	tx->segment_bytes[tx->n] = buf->out_n;
	tx->paths[tx->n] = &b->paths[buf->path];
	message_begin(m, &tx->to[tx->n], tx->control[tx->n], tx->paths[tx->n], buf->tos);
	if (n > 1)
		add_cmsg(m, IPPROTO_UDP, UDP_SEGMENT, &gso_size, sizeof gso_size);
	m->msg_iov = &tx->iov[tx->n_iov];
	for (size_t k = 0; k < n; k++, buf++) {
		if (last && (uint8_t *)last->iov_base + last->iov_len == buf->dst) {
			last->iov_len += buf->out_n;
			continue;
		}
		last = &tx->iov[tx->n_iov++];
		*last = (struct iovec){ buf->dst, buf->out_n };
		m->msg_iovlen++;
	}
	tx->n++;
}

void udp_send(struct udp *u, struct udp_tx *tx, const struct wg_batch *b)
{
	size_t n;

	tx->n = tx->n_iov = 0;
	for (size_t i = 0; i < b->n; i += n) {
		const struct wg_buf *buf = &b->bufs[i];
		struct udp_socket *s;

		n = 1;
		if (buf->verdict != WG_TO_UDP)
			continue;
		s = b->paths[buf->path].remote.addr.family == IP_V6 ?
			&u->sockets[UDP_V6] : &u->sockets[UDP_V4];
		if (s->fd < 0) {
			report_unsent(tx, &b->paths[buf->path], buf->out_n, -EAFNOSUPPORT);
			continue;
		}
		if (tx->n > 0 && s != tx->socket)
			tx_flush(tx);
		tx->socket = s;
		n = run_length(s, b, i);
		if (tx->n == UDP_TX_MESSAGES_MAX || tx->n_iov + n > UDP_TX_BUFS_MAX)
			tx_flush(tx);
		tx_add(tx, b, i, n);
	}
	if (tx->n > 0)
		tx_flush(tx);
}
