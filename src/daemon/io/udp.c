/* Opening the UDP sockets: one port for both address families, the socket options of a tunnel, and separate sockets
 * for handshake messages. */
#include "udp.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/udp.h>
#include <netinet/ip.h>
#include <stdatomic.h>
#include <unistd.h>
#include "daemon/process/log.h"
#include "offload_disable.h"

enum {
	RECEIVE_BUFFER_BYTES = 7 << 20,
	SEND_BUFFER_BYTES = 32 << 20, /* slow paths leave it before it is full */
	SLOW_BUFFER_BYTES = 1 << 20,  /* this and the others: the kernel allows twice as much, for its own memory */
	PORT_TRIES = 100, /* to find a port that is free in both families */
};
#ifndef IPV6_AUTOFLOWLABEL
#define IPV6_AUTOFLOWLABEL 70
#endif
#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif
#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif
#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif

static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port) &&
	      offsetof(struct sockaddr_in, sin_family) == offsetof(struct sockaddr_in6, sin6_family),
	      "the port is read without asking for the family");

static int option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof value) == 0 ? 0 : -errno;
}

static void set_send_buffer(struct udp_socket *s, int bytes)
{
	socklen_t n = sizeof s->send_bytes;

	if (option(s->fd, SOL_SOCKET, SO_SNDBUFFORCE, bytes) != 0)
		(void)option(s->fd, SOL_SOCKET, SO_SNDBUF, bytes);
	if (getsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &s->send_bytes, &n) != 0)
		s->send_bytes = 0;
}

enum role {
	ALONE,    /* no socket shares the port with it */
	SHARED,   /* the port is shared with other sockets of the daemon */
	SEND_ONLY /* likewise, and it receives nothing */
};

/* Options that the tunnel can do without. */
static void set_optional(struct udp_socket *s, enum role role)
{
	if (role == SEND_ONLY)
		(void)option(s->fd, SOL_SOCKET, SO_RCVBUF, 1); /* the least that the kernel has */
	else if (option(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES) != 0)
		(void)option(s->fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER_BYTES);
	set_send_buffer(s, SEND_BUFFER_BYTES);
	if (s->v6) {
		(void)option(s->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
		(void)option(s->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
		(void)option(s->fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
		(void)option(s->fd, IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 0);
	} else {
		(void)option(s->fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
		(void)option(s->fd, IPPROTO_IP, IP_PKTINFO, 1);
		(void)option(s->fd, IPPROTO_IP, IP_RECVTOS, 1);
	}
}

/* Enables each offload, which fails if the kernel lacks it. */
static void probe_offloads(struct udp_socket *s, unsigned int disabled)
{
	struct mmsghdr none = { 0 }; /* not even one: a datagram may have arrived */

	s->gro = !(disabled & OFFLOAD_NO_GRO) && option(s->fd, IPPROTO_UDP, UDP_GRO, 1) == 0;
	s->gso = !(disabled & OFFLOAD_NO_SEGMENT) && option(s->fd, IPPROTO_UDP, UDP_SEGMENT, 0) == 0;
	s->ops = &udp_mmsg_ops;
	if ((disabled & OFFLOAD_NO_MMSG) || (s->ops->recv(s->fd, &none, 0) == -ENOSYS))
		s->ops = &udp_plain_ops;
}

/* Of a datagram to a broadcast or multicast address, every socket of the port gets a copy, whatever the program chooses that
 * directs handshake messages. So a socket that nobody reads has to drop everything. */
static int attach_filter(int fd, enum role role)
{
	int error = role == SEND_ONLY ? udp_filter_attach_drop(fd) : udp_filter_attach(fd);

	if (role == SEND_ONLY)
		return error;
	if (error)
		log_verbose("no filter in the kernel for malformed messages: %s", strerror(-error));
	return 0;
}

/* ---- what they are bound to ---- */

static int bind_device(int fd, const struct udp_options *o)
{
	int error = o->ifindex ? option(fd, SOL_SOCKET, SO_BINDTOIFINDEX, (int)o->ifindex) : 0;

	if (error != -ENOPROTOOPT || o->ifindex == UDP_NO_DEVICE)
		return error;
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, o->binding.device, (socklen_t)strlen(o->binding.device)) == 0 ? 0 : -errno;
}

static int allow_missing_address(int fd, bool v6)
{
	return v6 ? option(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1) : option(fd, IPPROTO_IP, IP_FREEBIND, 1);
}

/* The address of the binding, or any, and the port. */
static socklen_t local_address(struct sockaddr_in6 *out, bool v6, uint16_t port, const struct wg_binding *b)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };

	*out = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
	if (v6) {
		memcpy(&out->sin6_addr, b->source[1].b, 16); /* zeros: any */
		return sizeof *out;
	}
	memcpy(&v4.sin_addr, b->source[0].b, 4);
	memcpy(out, &v4, sizeof v4);
	return sizeof v4;
}

/* Without the address while the device does not exist, since IPv6 refuses it then, and nothing can leave. */
static int bind_local(int fd, bool v6, uint16_t port, const struct udp_options *o)
{
	static const struct wg_binding none;
	struct sockaddr_in6 local;
	socklen_t n = local_address(&local, v6, port, o->ifindex == UDP_NO_DEVICE ? &none : &o->binding);

	return bind(fd, (struct sockaddr *)&local, n) == 0 ? 0 : -errno;
}

/* At the same offset in both families. */
static int bound_port(int fd, uint16_t *port)
{
	struct sockaddr_in6 local;
	socklen_t n = sizeof local;

	if (getsockname(fd, (struct sockaddr *)&local, &n) != 0)
		return -errno;
	*port = ntohs(local.sin6_port);
	return 0;
}

static int open_socket(bool v6)
{
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error = 0;

	if (fd < 0)
		return -errno;
	if (v6)
		error = option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (!error)
		return fd;
	close(fd);
	return error;
}

static int bind_only(struct udp *u, struct udp_socket *s, bool v6, enum role role, const struct udp_options *o)
{
	int error = 0;

	s->v6 = v6;
	s->fd = open_socket(v6);
	if (s->fd < 0)
		return s->fd;
	s->has_source = o->binding.source[v6].family != IP_NONE;
	if (o->mark)
		error = option(s->fd, SOL_SOCKET, SO_MARK, (int)o->mark);
	if (!error && (role != ALONE || o->next_to))
		error = option(s->fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (!error)
		error = attach_filter(s->fd, role);
	if (!error)
		error = bind_device(s->fd, o);
	if (!error && s->has_source && o->address_may_be_missing)
		error = allow_missing_address(s->fd, v6);
	if (!error)
		error = bind_local(s->fd, v6, u->port, o);
	if (!error)
		error = bound_port(s->fd, &u->port);
	if (!error)
		return 0;
	close(s->fd);
	s->fd = -1;
	return error;
}

static int udp_bind(struct udp *u, struct udp_socket *s, bool v6, enum role role, const struct udp_options *o)
{
	int error = bind_only(u, s, v6, role, o);

	if (error)
		return error;
	set_optional(s, role);
	probe_offloads(s, o->disabled);
	return 0;
}

int udp_probe_binding(const struct udp_options *o)
{
	int error = 0;

	for (unsigned int v6 = 0; v6 < 2 && !error; v6++) {
		bool is_named = o->binding.source[v6].family != IP_NONE;
		int fd = is_named || !v6 ? open_socket(v6) : -ENOENT;
		if (!is_named && fd < 0)
			continue;
		error = fd < 0 ? fd : bind_device(fd, o);
		if (!error && is_named && o->address_may_be_missing)
			error = allow_missing_address(fd, v6);
		if (!error && is_named)
			error = bind_local(fd, v6, 0, o);
		if (fd >= 0)
			close(fd);
	}
	return error;
}

/* ---- separate sockets for handshake messages ---- */

static void udp_socket_close(struct udp_socket *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static void close_slow(struct udp *u, bool v6)
{
	for (unsigned int i = UDP_SLOW_SOCKETS; i-- > 0;)
		udp_socket_close(&u->slow[v6 ? UDP_V6 : UDP_V4][i]);
}

/* In the reverse order, as the kernel gives the number of a socket that is closed to the last one. */
static void close_more_data(struct udp *u, bool v6)
{
	while (u->n_data[v6] > 1)
		udp_socket_close(&u->sockets[udp_data_index(v6, --u->n_data[v6])]);
}

/* From now on, the first socket for data has the port alone, as without these. */
static void close_all_but_data(struct udp *u, bool v6)
{
	(void)attach_filter(u->sockets[v6 ? UDP_V6 : UDP_V4].fd, ALONE);
	close_slow(u, v6);
	close_more_data(u, v6);
	udp_socket_close(&u->sockets[v6 ? UDP_V6_REPLIES : UDP_V4_REPLIES]);
	udp_socket_close(&u->sockets[v6 ? UDP_V6_INITIATIONS : UDP_V4_INITIATIONS]);
	(void)option(u->sockets[v6 ? UDP_V6 : UDP_V4].fd, SOL_SOCKET, SO_REUSEPORT, 0);
}

/* Only the first socket for data gets datagrams to multicast groups of the host. */
static void leave_multicast(const struct udp_socket *s)
{
	if (s->v6)
		(void)option(s->fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
	else
		(void)option(s->fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
}

/* Of a datagram to a broadcast address, each socket gets a copy; from now on, only those for its kind keep theirs. */
static void divide_broadcasts(const struct udp *u, bool v6)
{
	for (unsigned int i = v6; i < UDP_SOCKETS; i += 2)
		if (u->sockets[i].fd >= 0 && udp_filter_attach_kind(u->sockets[i].fd, u->sockets[i].kind) != 0)
			log_verbose("broadcast messages may arrive more than once: %s", strerror(errno));
}

/* More sockets for data, after those for handshakes: as many as can be opened. */
static void open_more_data(struct udp *u, bool v6, const struct udp_options *o)
{
	unsigned int most = udp_joins_group(o, v6) ? o->next_to->n_data[v6] : o->n_data;

	while (u->n_data[v6] < most && u->n_data[v6] < UDP_DATA_MAX) {
		struct udp_socket *s = &u->sockets[udp_data_index(v6, u->n_data[v6])];
		int error = udp_bind(u, s, v6, SHARED, o);
		if (error) {
			log_verbose("only %u sockets for data: %s", u->n_data[v6], strerror(-error));
			return;
		}
		leave_multicast(s);
		u->n_data[v6]++;
	}
}

/* The socket for data was bound without SO_REUSEPORT, so no other process has the port; only then it allows the others
 * to share it. If anything fails, handshake messages arrive on the socket for data. The others have UDP_GRO as well:
 * whether the kernel joins the datagrams of a flow depends on a socket that it chooses by a hash of the addresses. */
static void split_sockets(struct udp *u, bool v6, const struct udp_options *o)
{
	struct udp_socket *data = &u->sockets[v6 ? UDP_V6 : UDP_V4];
	struct udp_socket *initiations = &u->sockets[v6 ? UDP_V6_INITIATIONS : UDP_V4_INITIATIONS];
	struct udp_socket *replies = &u->sockets[v6 ? UDP_V6_REPLIES : UDP_V4_REPLIES];
	int error;

	if ((o->disabled & OFFLOAD_NO_SPLIT) || data->fd < 0)
		return;
	error = option(data->fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (!error) /* in the order of enum udp_kind */
		error = udp_bind(u, initiations, v6, SHARED, o);
	if (!error)
		error = udp_bind(u, replies, v6, SHARED, o);
	if (!error)
		open_more_data(u, v6, o);
	if (!error)
		error = udp_filter_attach_choice(data->fd, u->n_data[v6]);
	initiations->kind = UDP_INITIATIONS;
	replies->kind = UDP_REPLIES;
	if (!error) {
		leave_multicast(initiations);
		leave_multicast(replies);
		divide_broadcasts(u, v6);
		return;
	}
	log_verbose("no separate sockets for handshakes: %s", strerror(-error));
	close_all_but_data(u, v6);
}

/* Sockets for slow paths. They share the port, and the program that directs handshake messages never chooses them. They
 * are not opened without it. When a socket is closed, the last one gets its number, so these are opened last and closed
 * first. */
static void open_slow(struct udp *u, bool v6, const struct udp_options *o)
{
	struct udp_socket *all = u->slow[v6 ? UDP_V6 : UDP_V4];
	int error = 0;

	if (u->sockets[v6 ? UDP_V6_REPLIES : UDP_V4_REPLIES].fd < 0)
		return;
	for (unsigned int i = 0; i < UDP_SLOW_SOCKETS && !error; i++) {
		error = udp_bind(u, &all[i], v6, SEND_ONLY, o);
		if (error)
			break;
		leave_multicast(&all[i]);
		set_send_buffer(&all[i], SLOW_BUFFER_BYTES);
	}
	if (error)
		log_verbose("no more sockets for slow paths: %s", strerror(-error));
}

/* When the others are closed, in the reverse order, each of these gets the number of the one that was opened at its place, if there
 * are as many. Otherwise, the program would choose other sockets than it is to. */
static void check_group(struct udp *u, bool v6, const struct udp_options *o)
{
	if (!udp_joins_group(o, v6) || udp_group_size(u, v6) == udp_group_size(o->next_to, v6))
		return;
	log_verbose("no separate sockets for handshakes: the number of sockets has changed");
	close_all_but_data(u, v6);
}

/* ---- keeping other processes away ---- */

/* Sockets that share a port by SO_REUSEPORT let every process of the same user share it. A guard keeps them out: a socket
 * that has the port and does not share it. It is bound to an interface index that no interface has, so that it receives
 * nothing. A socket that another process of the user binds to an interface (SO_BINDTODEVICE) does not conflict with it, and
 * is not kept out. When another process binds the port, the kernel compares it with one socket after the other and accepts it at
 * the first one that shares, so the guard has to come first: of IPv4 sockets the newest does, of IPv6 sockets that share
 * the oldest. Returns the descriptor or -errno. share: with the sockets that exist, until guard_close_port. */
static int guard_bind(struct udp *u, bool v6, bool share, const struct udp_options *o)
{
	uint32_t own = o->ifindex == UDP_NO_DEVICE ? 0 : o->ifindex; /* so that guards of different devices do not conflict */
	bool late = v6 && o->binding.source[1].family != IP_NONE; /* IPv6 refuses an address on an interface that does not exist */
	int fd = open_socket(v6), absent = (int)((uint32_t)INT_MAX - own), error = 0;

	if (fd < 0)
		return fd;
	if (!late)
		error = option(fd, SOL_SOCKET, SO_BINDTOIFINDEX, absent);
	if (!error && (share || o->next_to))
		error = option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (!error && o->address_may_be_missing)
		error = allow_missing_address(fd, v6);
	if (!error)
		error = bind_local(fd, v6, u->port, o);
	if (!error && late)
		error = option(fd, SOL_SOCKET, SO_BINDTOIFINDEX, absent);
	if (!error)
		error = bound_port(fd, &u->port);
	if (!error)
		return fd;
	close(fd);
	return error;
}

/* The guard of one family shares the port no more. Without a guard, the sockets do not share it either. */
static void guard_close_family(struct udp *u, bool v6, int guard)
{
	int error = guard < 0 ? guard : option(guard, SOL_SOCKET, SO_REUSEPORT, 0);

	if (!error || u->sockets[v6 ? UDP_V6_INITIATIONS : UDP_V4_INITIATIONS].fd < 0)
		return;
	log_verbose("no separate sockets for handshakes and slow paths, as others could share the port: %s",
		    strerror(-error));
	close_all_but_data(u, v6);
}

/* From now on, no process can share the port. */
static void guard_close_port(struct udp *u, const struct udp_options *o)
{
	if (u->sockets[UDP_V4_INITIATIONS].fd >= 0)
		u->guard_v4 = guard_bind(u, false, true, o);
	guard_close_family(u, false, u->guard_v4);
	guard_close_family(u, true, u->guard_v6);
}

/* The IPv6 socket for data, after its guard. The guard does not conflict with a socket that another process has bound to an
 * interface, and a socket that shares the port with the guard does not either, so one that shares nothing is tried first.
 * Kernels before 5.0 have no SO_BINDTOIFINDEX, so no guard. */
static int udp_bind_v6(struct udp *u, const struct udp_options *o)
{
	struct udp_socket alone;
	int error;
	bool share;

	if (!binding_has_family(&o->binding, true))
		return -EAFNOSUPPORT;
	if (o->disabled & OFFLOAD_NO_SPLIT)
		return udp_bind(u, &u->sockets[UDP_V6], true, ALONE, o);
	error = bind_only(u, &alone, true, ALONE, o);
	if (error)
		return error;
	udp_socket_close(&alone); /* at once: what it receives is lost */
	u->guard_v6 = guard_bind(u, true, false, o);
	if (u->guard_v6 == -EADDRINUSE)
		return -EADDRINUSE;
	share = u->guard_v6 >= 0 && option(u->guard_v6, SOL_SOCKET, SO_REUSEPORT, 1) == 0;
	return udp_bind(u, &u->sockets[UDP_V6], true, share ? SHARED : ALONE, o);
}

/* ---- all sockets ---- */

/* Of a family that has an address of the binding, nothing may be missing. */
static bool family_is_missing(int error, bool v6, const struct udp_options *o)
{
	return o->binding.source[v6].family == IP_NONE &&
	       (error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL || error == -EPROTONOSUPPORT);
}

void udp_init(struct udp *u)
{
	*u = (struct udp){ .guard_v4 = -1, .guard_v6 = -1 };
	for (unsigned int i = 0; i < UDP_SOCKETS; i++)
		u->sockets[i].fd = -1;
	for (unsigned int i = 0; i < UDP_SLOW_SOCKETS; i++)
		u->slow[UDP_V4][i].fd = u->slow[UDP_V6][i].fd = -1;
}

int udp_open(struct udp *u, uint16_t port, uint32_t mark, unsigned int disabled)
{
	return udp_open_shards(u, port, mark, disabled, 1);
}

int udp_open_shards(struct udp *u, uint16_t port, uint32_t mark, unsigned int disabled, unsigned int n_data)
{
	const struct udp_options o = { .mark = mark, .disabled = disabled, .n_data = n_data };

	return udp_open_bound(u, port, &o);
}

static int bind_both(struct udp *u, uint16_t port, const struct udp_options *o)
{
	int error4 = -EAFNOSUPPORT, error6;

	for (int tries = 0; ; tries++) {
		udp_init(u);
		u->port = port;
		u->binding = o->binding;
		u->ifindex = o->ifindex;
		if (binding_has_family(&o->binding, false))
			error4 = udp_bind(u, &u->sockets[UDP_V4], false, ALONE, o);
		if (error4 && !family_is_missing(error4, false, o))
			return error4;
		error6 = udp_bind_v6(u, o);
		if (!error6 || (family_is_missing(error6, true, o) && !error4))
			break;
		udp_close(u);
		if (error6 != -EADDRINUSE || port != 0 || tries >= PORT_TRIES)
			return error6;
	}
	if (error6)
		log_verbose("no IPv6: %s", strerror(-error6));
	return 0;
}

/* The sockets of a port that is not shared, and the guards. */
static void share_port(const struct udp *u, bool share)
{
	const int fds[] = { u->guard_v4, u->guard_v6, u->sockets[UDP_V4].fd, u->sockets[UDP_V6].fd };
	const bool is_split[] = { false, false, u->sockets[UDP_V4_INITIATIONS].fd >= 0, u->sockets[UDP_V6_INITIATIONS].fd >= 0 };

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i] >= 0 && !is_split[i])
			(void)option(fds[i], SOL_SOCKET, SO_REUSEPORT, share);
}

int udp_open_bound(struct udp *u, uint16_t port, const struct udp_options *o)
{
	int error;

	if (o->next_to)
		share_port(o->next_to, true);
	error = bind_both(u, port, o);
	if (error) {
		if (o->next_to)
			share_port(o->next_to, false);
		return error;
	}
	atomic_store(&u->mark, o->mark);
	u->n_data[UDP_V4] = u->sockets[UDP_V4].fd >= 0;
	u->n_data[UDP_V6] = u->sockets[UDP_V6].fd >= 0;
	split_sockets(u, false, o);
	split_sockets(u, true, o);
	open_slow(u, false, o);
	open_slow(u, true, o);
	check_group(u, false, o);
	check_group(u, true, o);
	guard_close_port(u, o);
	share_port(u, false);
	if (o->next_to)
		share_port(o->next_to, false);
	return 0;
}

void udp_close(struct udp *u)
{
	close_slow(u, false);
	close_slow(u, true);
	for (unsigned int i = UDP_SOCKETS; i-- > 0;)
		udp_socket_close(&u->sockets[i]);
	u->n_data[UDP_V4] = u->n_data[UDP_V6] = 0;
	if (u->guard_v4 >= 0)
		close(u->guard_v4);
	if (u->guard_v6 >= 0)
		close(u->guard_v6);
	u->guard_v4 = u->guard_v6 = -1;
}

static int set_mark(const struct udp_socket *s, unsigned int n, uint32_t mark)
{
	int error = 0;

	for (unsigned int i = 0; i < n && !error; i++)
		if (s[i].fd >= 0)
			error = option(s[i].fd, SOL_SOCKET, SO_MARK, (int)mark);
	return error;
}

int udp_set_mark(struct udp *u, uint32_t mark)
{
	int error = set_mark(u->sockets, UDP_SOCKETS, mark);

	if (!error)
		error = set_mark(u->slow[UDP_V4], UDP_SLOW_SOCKETS, mark);
	if (!error)
		error = set_mark(u->slow[UDP_V6], UDP_SLOW_SOCKETS, mark);
	if (!error)
		atomic_store(&u->mark, mark);
	return error;
}

/* Bound to an interface that does not exist, it gets nothing, and leaves its group: in the reverse order, see check_group. */
static void leave_devices(const struct udp_socket *s, unsigned int n)
{
	for (unsigned int i = n; i-- > 0;)
		if (s[i].fd >= 0)
			(void)option(s[i].fd, SOL_SOCKET, SO_BINDTOIFINDEX, (int)UDP_NO_DEVICE);
}

/* The filter is for kernels that do not let the sockets leave. Those for slow paths leave first: their drops are not counted. */
void udp_stop_receiving(struct udp *u)
{
	for (unsigned int i = 0; i < UDP_SOCKETS; i++)
		if (u->sockets[i].fd >= 0 && udp_filter_attach_drop(u->sockets[i].fd) != 0)
			log_verbose("the old sockets receive until they are closed");
	leave_devices(u->slow[UDP_V4], UDP_SLOW_SOCKETS);
	leave_devices(u->slow[UDP_V6], UDP_SLOW_SOCKETS);
	leave_devices(u->sockets, UDP_SOCKETS);
}

void udp_routes_changed(struct udp *u)
{
	(void)atomic_fetch_add(&u->routes_version, 1);
}
