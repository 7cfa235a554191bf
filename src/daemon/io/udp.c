/* Opening the sockets: one port for both families, every option that a tunnel needs, and the filter that
 * sets handshakes apart. */
#include "udp.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/udp.h>
#include <netinet/ip.h>
#include <unistd.h>
#include "daemon/process/log.h"
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

/* join: another socket of ours has the port. */
static int udp_bind(struct udp_socket *s, bool v6, bool join, uint16_t *port, uint32_t mark,
		    unsigned int off)
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
	if (!error && join)
		error = option(s->fd, SOL_SOCKET, SO_REUSEPORT, 1);
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

/* ---- handshakes apart ---- */

/* The kernel asks which socket of the two a datagram is for: the first joined is 0. Handshakes begin with
 * one of the words 1, 2, 3 (protocol.md 2); what is shorter than a word ends the program with 0. */
static int attach_filter(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x01000000, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02000000, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x03000000, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, 1),
	};
	struct sock_fprog program = { ARRAY_LEN(code), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) == 0 ?
		       0 : -errno;
}

/* The port was taken without SO_REUSEPORT, so it is nobody else's; only then it is opened for the second
 * socket. Nothing is lost when that fails. */
static void set_handshakes_apart(struct udp *u, enum udp_which data, enum udp_which handshakes,
				 uint32_t mark, unsigned int off)
{
	struct udp_socket *first = &u->sockets[data], *second = &u->sockets[handshakes];
	int error;

	if ((off & OFFLOAD_NO_SPLIT) || first->fd < 0)
		return;
	error = option(first->fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (!error) /* one by one: who floods decides how many would be joined */
		error = udp_bind(second, first->v6, true, &u->port, mark, off | OFFLOAD_NO_GRO);
	if (!error)
		error = attach_filter(second->fd);
	second->handshakes = !error;
	if (!error)
		return;
	log_verbose("handshakes come with the data: %s", strerror(-error));
	if (second->fd >= 0)
		close(second->fd);
	second->fd = -1;
}

/* ---- both families ---- */

static bool family_is_missing(int error)
{
	return error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL || error == -EPROTONOSUPPORT;
}

void udp_init(struct udp *u)
{
	*u = (struct udp){ .port = 0 };
	for (unsigned int i = 0; i < UDP_SOCKETS; i++)
		u->sockets[i].fd = -1;
}

int udp_open(struct udp *u, uint16_t port, uint32_t mark, unsigned int off)
{
	int error4, error6;

	for (int tries = 0; ; tries++) {
		udp_init(u);
		u->port = port;
		error4 = udp_bind(&u->sockets[UDP_V4], false, false, &u->port, mark, off);
		if (error4 && !family_is_missing(error4))
			return error4;
		error6 = udp_bind(&u->sockets[UDP_V6], true, false, &u->port, mark, off);
		if (!error6 || (family_is_missing(error6) && !error4))
			break;
		udp_close(u);
		if (error6 != -EADDRINUSE || port != 0 || tries >= PORT_TRIES)
			return error6;
	}
	if (error6)
		log_verbose("no IPv6 here: %s", strerror(-error6));
	set_handshakes_apart(u, UDP_V4, UDP_V4_HANDSHAKES, mark, off);
	set_handshakes_apart(u, UDP_V6, UDP_V6_HANDSHAKES, mark, off);
	return 0;
}

void udp_close(struct udp *u)
{
	for (unsigned int i = 0; i < UDP_SOCKETS; i++) {
		if (u->sockets[i].fd >= 0)
			close(u->sockets[i].fd);
		u->sockets[i].fd = -1;
	}
}

int udp_set_mark(struct udp *u, uint32_t mark)
{
	int error = 0;

	for (unsigned int i = 0; i < UDP_SOCKETS && !error; i++)
		if (u->sockets[i].fd >= 0)
			error = option(u->sockets[i].fd, SOL_SOCKET, SO_MARK, (int)mark);
	return error;
}

void udp_forget_limits(struct udp *u)
{
	for (unsigned int i = 0; i < UDP_SOCKETS; i++)
		u->sockets[i].segment_max = UINT32_MAX;
}
