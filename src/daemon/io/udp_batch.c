/* Datagrams in batches: recvmmsg(2) and sendmmsg(2) with control messages, or one by one. */
#include "udp.h"

#include <assert.h>
#include <errno.h>
#include <linux/udp.h>
#include <poll.h>
#include "daemon/process/log.h"
#include "packet_memory.h"

enum { SEND_TRIES = 8 };

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

unsigned int udp_receive_max(const struct udp_socket *s)
{
	return s->gro ? UDP_RX_GRO_MESSAGES_MAX : UDP_RX_MESSAGES_MAX;
}

unsigned int udp_receive(struct udp_socket *s, struct udp_rx *rx, unsigned int most)
{
	int k;

	assert(most <= UDP_RX_MESSAGES_MAX);
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

/* Sets up everything of a message but its bytes. The address to which the socket is bound is the only source that it has: the one of
 * the path may be from before. */
static void message_begin(const struct udp_socket *s, struct msghdr *m, struct sockaddr_in6 *to, uint8_t *control,
			  const struct wg_path *path, uint8_t tos)
{
	int v = tos;

	memset(m, 0, sizeof *m);
	memset(control, 0, UDP_CMSG_BYTES);
	m->msg_control = control;
	set_target(m, to, &path->remote);
	if (path->local.family == path->remote.addr.family && !s->has_source)
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

static bool is_queue_full(int error)
{
	return error == -EAGAIN || error == -ENOBUFS || error == -ENOMEM;
}

static void report_unsent(struct udp_tx *tx, const struct wg_path *path, unsigned int datagrams, size_t bytes,
			  int error)
{
	bool queue_full = is_queue_full(error);

	if (!queue_full)
		log_verbose("cannot send %u datagrams: %s", datagrams, strerror(-error));
	tx->n_sent -= datagrams;
	if (tx->unsent)
		tx->unsent(tx->ctx, path, datagrams, bytes, queue_full);
}

/* After these errors, the same message may be sent again at once. */
static bool may_send_again(int error)
{
	return error == -EINTR || error == -ECONNREFUSED || error == -ENOBUFS || error == -ENOMEM;
}

/* The number of messages sent, or -errno of the first. */
static int send_messages(const struct udp_socket *s, struct mmsghdr *m, unsigned int n)
{
	int k = s->ops->send(s->fd, m, n);

	for (int tries = 0; k < 0 && tries < SEND_TRIES && may_send_again(k); tries++)
		k = s->ops->send(s->fd, m, n);
	return k;
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

/* The datagrams of a refused message, one by one. */
struct resend {
	struct udp_tx *tx;
	struct wg_path path; /* without its source, once only that was sent */
	uint8_t tos;
	unsigned int n_sent, n_lost;
	size_t lost_bytes;
	int error; /* of the first that was lost; 0: none */
};

static int send_one(struct resend *r, const struct wg_path *path, struct iovec *iov)
{
	_Alignas(8) uint8_t control[UDP_CMSG_BYTES];
	struct sockaddr_in6 to;
	struct mmsghdr m = { 0 };

	message_begin(r->tx->socket, &m.msg_hdr, &to, control, path, r->tos);
	m.msg_hdr.msg_iov = iov;
	m.msg_hdr.msg_iovlen = 1;
	return send_messages(r->tx->socket, &m, 1);
}

/* Sends a datagram, without its source if only that is refused. */
static int send_one_from_any(struct resend *r, struct iovec *iov)
{
	struct wg_path any = r->path;
	int k = send_one(r, &r->path, iov);

	if (k > 0 || any.local.family == IP_NONE || !may_be_source(k))
		return k;
	any.local.family = IP_NONE;
	if (send_one(r, &any, iov) <= 0)
		return k; /* refused with and without the source: the source is not the reason */
	r->path = any;
	return 1;
}

/* `error` is that of the message. If the first datagram is refused with it, too, the destination is the reason, and the
 * others are not tried. */
static void resend_all(struct resend *r, const struct msghdr *m, uint32_t segment_bytes, int error)
{
	for (size_t k = 0; k < (size_t)m->msg_iovlen; k++)
		for (size_t at = 0; at < m->msg_iov[k].iov_len; at += segment_bytes) {
			struct iovec one = { (uint8_t *)m->msg_iov[k].iov_base + at,
					     m->msg_iov[k].iov_len - at };
			int result = error;
			if (one.iov_len > segment_bytes)
				one.iov_len = segment_bytes;
			if (r->n_sent > 0 || r->error != error)
				result = send_one_from_any(r, &one);
			if (result > 0) {
				r->n_sent++;
				continue;
			}
			r->error = r->error ? r->error : result;
			r->n_lost++;
			r->lost_bytes += one.iov_len;
		}
}

/* The kernel refuses messages of many datagrams if these are longer than the MTU of the route (EMSGSIZE, in earlier
 * kernels EINVAL). With other errors, as EIO for IPsec or a device without checksum offload, the length does not matter. */
static void note_limit(struct udp_tx *tx, const struct wg_path *path, uint32_t segment_bytes, int error)
{
	uint32_t bytes_max = error == -EMSGSIZE || error == -EINVAL ? segment_bytes - 1 : 0;
	char text[IP_ENDPOINT_TEXT_MAX];
	struct text t = text_fixed(text, sizeof text);

	endpoint_print(&t, &path->remote, NULL);
	log_verbose("datagrams to %s longer than %u bytes leave one by one: %s", text, bytes_max, strerror(-error));
	segment_limits_note(&tx->limits, path, bytes_max, tx->now_ns);
}

/* The kernel refused a message. Sends its datagrams one by one if that, or leaving out the source, may help. */
static void retry_refused(struct udp_tx *tx, unsigned int i, int error)
{
	struct msghdr *m = &tx->msgs[i].msg_hdr;
	const struct wg_path *path = tx->paths[i];
	uint32_t segment_bytes = tx->segment_bytes[i];
	struct resend r = { .tx = tx, .path = *path, .tos = message_tos(m) };
	bool many = has_many(m, segment_bytes) && !may_send_again(error) && !is_queue_full(error);

	if (!many && (path->local.family == IP_NONE || !may_be_source(error)))
		r.error = error; /* nothing helps */
	resend_all(&r, m, segment_bytes, error);
	if (r.n_lost > 0)
		report_unsent(tx, path, r.n_lost, r.lost_bytes, r.error);
	if (r.path.local.family != path->local.family && tx->source_refused)
		tx->source_refused(tx->ctx, path);
	else if (many && r.n_lost == 0) /* the kernel refused only that they are in one message */
		note_limit(tx, path, segment_bytes, error);
}

/* ---- slow paths ---- */

static struct slow_paths *slow_paths_of(struct udp_tx *tx, const struct udp_socket *s)
{
	return &tx->slow[s->v6 ? UDP_V6 : UDP_V4];
}

/* Messages were sent through the socket that paths share: observes how many bytes wait there. */
static void observe(struct udp_tx *tx, struct udp *u, unsigned int first, unsigned int n)
{
	struct slow_paths *slow = slow_paths_of(tx, tx->socket);
	uint32_t waiting[SLOW_SOCKETS], step = tx->socket->send_bytes / 4;
	bool is_slow;

	for (unsigned int i = first; i < first + n; i++)
		slow_paths_sent(slow, tx->paths[i], tx->bytes[i]);
	if (step > SLOW_STEP_BYTES)
		step = SLOW_STEP_BYTES;
	if (!slow_paths_must_measure(slow))
		return;
	is_slow = slow_paths_measured(slow, udp_waiting(tx->socket), step);
	slow_paths_renew(slow, tx->now_ns);
	if (!is_slow)
		return;
	for (unsigned int i = 0; i < SLOW_SOCKETS; i++) {
		const struct udp_socket *s = &u->slow[tx->socket->v6 ? UDP_V6 : UDP_V4][i];
		waiting[i] = s->fd >= 0 ? udp_waiting(s) : UINT32_MAX;
	}
	slow_paths_separate(slow, waiting, tx->now_ns);
}

static void tx_flush(struct udp_tx *tx, struct udp *u)
{
	bool is_shared = tx->socket >= u->sockets && tx->socket < u->sockets + UDP_SOCKETS; /* by paths */
	unsigned int done = 0;

	while (done < tx->n) {
		int k = send_messages(tx->socket, tx->msgs + done, tx->n - done);
		if (k <= 0) {
			retry_refused(tx, done++, k);
			continue;
		}
		if (is_shared)
			observe(tx, u, done, (unsigned int)k);
		done += (unsigned int)k;
	}
	tx->n = tx->n_iov = 0;
}

static bool is_same_path(const struct wg_batch *b, const struct wg_buf *x, const struct wg_buf *y)
{
	const struct wg_path *p = &b->paths[x->path], *q = &b->paths[y->path];

	return x->tos == y->tos && (p == q || (p->tx_index == q->tx_index && path_equal(p, q)));
}

enum { DATA_MESSAGE = 4 }; /* the type, in the first byte (whitepaper, 5.4.6) */

static bool is_data(const struct wg_buf *buf)
{
	return buf->out_n > 0 && buf->dst[0] == DATA_MESSAGE;
}

/* The number of buffers from i on that may leave as one message. */
static size_t run_length(const struct udp_tx *tx, const struct wg_batch *b, size_t i)
{
	const struct wg_buf *first = &b->bufs[i];
	size_t n = 1, total = first->out_n;

	if (!tx->socket->gso ||
	    first->out_n > segment_limits_find(&tx->limits, &b->paths[first->path], tx->now_ns))
		return 1;
	for (; i + n < b->n && n < UDP_GSO_SEGMENTS_MAX; n++) {
		const struct wg_buf *next = &b->bufs[i + n];
		if (next->verdict != WG_TO_UDP || next->out_n > first->out_n ||
		    is_data(next) != is_data(first) ||
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
	tx->n_sent += n; /* until they turn out to be refused */
	tx->segment_bytes[tx->n] = buf->out_n;
	tx->bytes[tx->n] = 0;
	tx->paths[tx->n] = &b->paths[buf->path];
	message_begin(tx->socket, m, &tx->to[tx->n], tx->control[tx->n], tx->paths[tx->n], buf->tos);
	if (n > 1)
		add_cmsg(m, IPPROTO_UDP, UDP_SEGMENT, &gso_size, sizeof gso_size);
	m->msg_iov = &tx->iov[tx->n_iov];
	for (size_t k = 0; k < n; k++, buf++) {
		tx->bytes[tx->n] += buf->out_n;
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

/* The worker's own socket for data, so that several workers send at once without sharing one. */
static struct udp_socket *own_socket(struct udp *u, const struct udp_tx *tx, enum udp_socket_index family)
{
	unsigned int n = u->n_data[family];

	return &u->sockets[udp_data_index(family == UDP_V6, n > 1 ? tx->number % n : 0)];
}

/* Handshake messages do not wait behind the data of a slow path, nor are they lost with it. There are few of them, but for all
 * paths through a slow device. Negative: the path has no separate socket for them. */
static int slow_socket_for(const struct udp_tx *tx, enum udp_socket_index family, const struct wg_path *path, bool data)
{
	if (data)
		return slow_paths_find(&tx->slow[family], path, tx->now_ns);
	return slow_paths_has_slow_device(&tx->slow[family], path, tx->now_ns) ? UDP_SLOW_HANDSHAKES : -1;
}

static struct udp_socket *socket_for(struct udp *u, const struct udp_tx *tx, const struct wg_path *path, bool data)
{
	enum udp_socket_index family = path->remote.addr.family == IP_V6 ? UDP_V6 : UDP_V4;
	int slow;

	if (path->remote.addr.family == IP_NONE || u->sockets[family].fd < 0)
		return NULL;
	slow = slow_socket_for(tx, family, path, data);
	return slow >= 0 && u->slow[family][slow].fd >= 0 ? &u->slow[family][slow] : own_socket(u, tx, family);
}

static void discard_old_limits(struct udp_tx *tx, struct udp *u)
{
	uint32_t changes = atomic_load_explicit(&u->routes_version, memory_order_relaxed);

	if (changes != tx->routes_version)
		segment_limits_clear(&tx->limits);
	tx->routes_version = changes;
}

void udp_send(struct udp *u, struct udp_tx *tx, const struct wg_batch *b, uint64_t now_ns)
{
	size_t n;

	discard_old_limits(tx, u);
	tx->now_ns = now_ns;
	tx->n = tx->n_iov = 0;
	for (size_t i = 0; i < b->n; i += n) {
		const struct wg_buf *buf = &b->bufs[i];
		struct udp_socket *s;

		n = 1;
		if (buf->verdict != WG_TO_UDP)
			continue;
		s = socket_for(u, tx, &b->paths[buf->path], is_data(buf));
		if (!s) {
			tx->n_sent++;
			report_unsent(tx, &b->paths[buf->path], 1, buf->out_n, -EAFNOSUPPORT);
			continue;
		}
		if (tx->n > 0 && s != tx->socket)
			tx_flush(tx, u);
		tx->socket = s;
		n = run_length(tx, b, i);
		if (tx->n == UDP_TX_MESSAGES_MAX || tx->n_iov + n > UDP_TX_BUFS_MAX)
			tx_flush(tx, u);
		tx_add(tx, b, i, n);
	}
	if (tx->n > 0)
		tx_flush(tx, u);
}
