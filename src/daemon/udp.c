/* Opening the sockets: one port for both families, and every option that a tunnel needs. */
#include "udp.h"

#include <errno.h>
#include <linux/udp.h>
#include <netinet/ip.h>
#include <unistd.h>
#include "log.h"
#include "tun.h"

enum {
	SOCKET_BUFFER_BYTES = 7 << 20,
	PORT_TRIES = 100, /* to find a free port that is free in both families */
};
#ifndef IPV6_AUTOFLOWLABEL
#define IPV6_AUTOFLOWLABEL 70
#endif

static int option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof value) == 0 ? 0 : -errno;
}

/* Options whose absence costs something but stops nothing. */
static void udp_options(struct udp_socket *s)
{
	if (option(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER_BYTES) != 0)
		(void)option(s->fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER_BYTES);
	if (option(s->fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER_BYTES) != 0)
		(void)option(s->fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER_BYTES);
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

/* What the kernel can do for us is found by trying it once. */
static void udp_offloads(struct udp_socket *s, unsigned int off)
{
	struct mmsghdr none = { 0 };

	s->gro = !(off & OFFLOAD_NO_GRO) && option(s->fd, IPPROTO_UDP, UDP_GRO, 1) == 0;
	s->segment = !(off & OFFLOAD_NO_SEGMENT) && option(s->fd, IPPROTO_UDP, UDP_SEGMENT, 0) == 0;
	s->segment_max = UINT32_MAX;
	s->ops = &udp_mmsg_ops;
	if ((off & OFFLOAD_NO_MMSG) || (s->ops->recv(s->fd, &none, 1) == -ENOSYS))
		s->ops = &udp_plain_ops;
}

static int udp_bind(struct udp_socket *s, bool v6, uint16_t *port, uint32_t mark, unsigned int off)
{
	struct sockaddr_in v4_any = { .sin_family = AF_INET, .sin_port = htons(*port) };
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(*port) };
	socklen_t n = v6 ? sizeof any : sizeof v4_any;
	int error = 0;

	s->v6 = v6;
	s->fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return -errno;
	if (v6)
		error = option(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	else
		memcpy(&any, &v4_any, sizeof v4_any);
	if (!error && mark)
		error = option(s->fd, SOL_SOCKET, SO_MARK, (int)mark);
	if (!error && bind(s->fd, (struct sockaddr *)&any, n) != 0)
		error = -errno;
	n = sizeof any;
	if (!error && getsockname(s->fd, (struct sockaddr *)&any, &n) != 0)
		error = -errno;
	if (error) {
		close(s->fd);
		s->fd = -1;
		return error;
	}
	*port = ntohs(any.sin6_port); /* where sockaddr_in has it, too */
	udp_options(s);
	udp_offloads(s, off);
	return 0;
}

static bool family_is_missing(int error)
{
	return error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL || error == -EPROTONOSUPPORT;
}

int udp_open(struct udp *u, uint16_t port, uint32_t mark, unsigned int off)
{
	int error4, error6;

	for (int tries = 0; ; tries++) {
		*u = (struct udp){ .v4.fd = -1, .v6.fd = -1, .port = port };
		error4 = udp_bind(&u->v4, false, &u->port, mark, off);
		if (error4 && !family_is_missing(error4))
			return error4;
		error6 = udp_bind(&u->v6, true, &u->port, mark, off);
		if (!error6 || (family_is_missing(error6) && !error4))
			break;
		udp_close(u);
		if (error6 != -EADDRINUSE || port != 0 || tries >= PORT_TRIES)
			return error6;
	}
	if (error6)
		log_verbose("no IPv6 here: %s", strerror(-error6));
	return 0;
}

void udp_close(struct udp *u)
{
	if (u->v4.fd >= 0)
		close(u->v4.fd);
	if (u->v6.fd >= 0)
		close(u->v6.fd);
	u->v4.fd = u->v6.fd = -1;
}

int udp_set_mark(struct udp *u, uint32_t mark)
{
	int error = u->v4.fd < 0 ? 0 : option(u->v4.fd, SOL_SOCKET, SO_MARK, (int)mark);

	if (!error && u->v6.fd >= 0)
		error = option(u->v6.fd, SOL_SOCKET, SO_MARK, (int)mark);
	return error;
}

void udp_forget_limits(struct udp *u)
{
	u->v4.segment_max = u->v6.segment_max = UINT32_MAX;
}
