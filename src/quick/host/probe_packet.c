/* Sends single packets. */
#include "probe_packet.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/icmp6.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t fill(union address *out, const struct ip_addr *a, uint16_t port, uint32_t scope)
{
	*out = (union address){ 0 };
	if (a->family == IP_V4) {
		out->v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
		memcpy(&out->v4.sin_addr, a->b, 4);
		return sizeof out->v4;
	}
	out->v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_scope_id = scope };
	memcpy(&out->v6.sin6_addr, a->b, 16);
	return sizeof out->v6;
}

static int open_socket(uint8_t family, int type, int protocol, const char *link)
{
	int fd = socket(family == IP_V4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);

	if (fd < 0)
		return -errno;
	if (link && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, link, (socklen_t)(strlen(link) + 1)) < 0) {
		int error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

/* Until something arrives, or an ICMP error. 0 or -errno. */
static int wait_for(int fd, short events, unsigned int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int error = 0;
	socklen_t n = sizeof error;

	if (poll(&p, 1, (int)timeout_ms) <= 0)
		return -ETIMEDOUT;
	if ((p.revents & POLLERR) && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 && error)
		return -error;
	return 0;
}

static struct ip_addr own_address(int fd)
{
	union address a = { 0 };
	socklen_t n = sizeof a;

	if (getsockname(fd, &a.any, &n) < 0)
		return (struct ip_addr){ 0 };
	return a.any.sa_family == AF_INET ? ip_v4((const uint8_t *)&a.v4.sin_addr) : ip_v6((const uint8_t *)&a.v6.sin6_addr);
}

int probe_endpoint(struct ip_addr *source, const struct ip_endpoint *to, uint32_t mark)
{
	enum { ANSWER_MS = 150 };
	union address a;
	socklen_t n = fill(&a, &to->addr, to->port, to->scope);
	int fd = open_socket(to->addr.family, SOCK_DGRAM, 0, NULL), r = 0;

	*source = (struct ip_addr){ 0 };
	if (fd < 0)
		return fd;
	if (mark)
		(void)setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark);
	if (connect(fd, &a.any, n) < 0)
		r = -errno;
	if (r == 0) {
		*source = own_address(fd);
		r = send(fd, "", 0, 0) < 0 ? -errno : wait_for(fd, 0, ANSWER_MS);
	}
	close(fd);
	return r == -ETIMEDOUT ? 0 : r; /* silence is what is expected */
}

int probe_into_tunnel(const char *link, const struct ip_addr *to)
{
	enum { DISCARD = 9 };
	union address a;
	socklen_t n = fill(&a, to, DISCARD, 0);
	int fd = open_socket(to->family, SOCK_DGRAM, 0, link), r;

	if (fd < 0)
		return fd;
	r = sendto(fd, "", 1, 0, &a.any, n) < 0 ? -errno : 0;
	close(fd);
	return r;
}

/* ---- echo ---- */

enum { ECHO_HEADER = 8, PACKET_MAX = 65535 };

struct echo {
	int fd;
	bool raw;
	uint8_t family;
	uint16_t sequence;
};

/* The socket of ping(8), which the kernel offers to some groups only, or a raw one. */
static int open_echo(struct echo *e, uint8_t family, const char *link)
{
	int protocol = family == IP_V4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	static uint16_t sequence;

	*e = (struct echo){ .family = family, .sequence = ++sequence };
	e->fd = open_socket(family, SOCK_DGRAM, protocol, link);
	e->raw = e->fd == -EACCES || e->fd == -EPERM;
	if (e->raw)
		e->fd = open_socket(family, SOCK_RAW, protocol, link);
	return e->fd < 0 ? e->fd : 0;
}

/* RFC 1071, of an even number of bytes. */
static uint16_t checksum(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += load_be16(p + i);
	if (n & 1)
		sum += (uint32_t)p[n - 1] << 8;
	sum = (sum >> 16) + (sum & 0xffff);
	sum += sum >> 16;
	return (uint16_t)~sum;
}

static int send_echo(const struct echo *e, size_t n)
{
	enum { IDENTIFIER = 0x7767 };
	static uint8_t packet[PACKET_MAX];

	memset(packet, 0, sizeof packet);
	packet[0] = e->family == IP_V4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
	store_be16(packet + 4, IDENTIFIER);
	store_be16(packet + 6, e->sequence);
	if (e->raw && e->family == IP_V4) /* the kernel does the others */
		store_be16(packet + 2, checksum(packet, n));
	return send(e->fd, packet, n, 0) < 0 ? -errno : 0;
}

static bool is_reply(const struct echo *e, const uint8_t *p, size_t n)
{
	size_t header = e->raw && e->family == IP_V4 && n > 0 ? (size_t)(p[0] & 15) * 4 : 0;

	return n >= header + ECHO_HEADER && p[header] == (e->family == IP_V4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) &&
	       load_be16(p + header + 6) == e->sequence;
}

static int await_reply(const struct echo *e, unsigned int timeout_ms)
{
	static uint8_t packet[PACKET_MAX];
	uint64_t end_ms = clock_boot_ms() + timeout_ms;

	for (;;) {
		uint64_t now_ms = clock_boot_ms();
		int r = now_ms >= end_ms ? -ETIMEDOUT : wait_for(e->fd, POLLIN, (unsigned int)(end_ms - now_ms));
		ssize_t n;
		if (r < 0)
			return r;
		n = recv(e->fd, packet, sizeof packet, 0);
		if (n < 0 && errno != EAGAIN)
			return -errno;
		if (n > 0 && is_reply(e, packet, (size_t)n))
			return 0;
	}
}

int probe_echo(const char *link, const struct ip_addr *to, unsigned int bytes, unsigned int timeout_ms)
{
	bool v4 = to->family == IP_V4;
	unsigned int header = v4 ? 20 : 40, least = header + ECHO_HEADER;
	int whole = v4 ? IP_PMTUDISC_PROBE : IPV6_PMTUDISC_PROBE, r;
	union address a;
	socklen_t n = fill(&a, to, 0, 0);
	struct echo e;

	r = open_echo(&e, to->family, link);
	if (r < 0)
		return r;
	if (setsockopt(e.fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, &whole, sizeof whole) < 0 ||
	    connect(e.fd, &a.any, n) < 0)
		r = -errno;
	if (r == 0)
		r = send_echo(&e, (bytes < least ? least : bytes) - header);
	if (r == 0)
		r = await_reply(&e, timeout_ms);
	close(e.fd);
	return r;
}

/* ---- DNS ---- */

int probe_dns(const struct ip_addr *server, unsigned int timeout_ms)
{
	enum { DNS_PORT = 53 };
	/* RFC 1035: an identifier, recursion desired, one question: the root, NS, IN. */
	static const uint8_t query[] = { 0x77, 0x67, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1 };
	uint8_t answer[512];
	union address a;
	socklen_t n = fill(&a, server, DNS_PORT, 0);
	int fd = open_socket(server->family, SOCK_DGRAM, 0, NULL), r = 0;
	ssize_t got;

	if (fd < 0)
		return fd;
	if (connect(fd, &a.any, n) < 0 || send(fd, query, sizeof query, 0) < 0)
		r = -errno;
	if (r == 0)
		r = wait_for(fd, POLLIN, timeout_ms);
	if (r == 0) {
		got = recv(fd, answer, sizeof answer, 0);
		r = got < 0 ? -errno : got < 12 || answer[0] != query[0] || answer[1] != query[1] ? -EPROTO : 0;
	}
	close(fd);
	return r;
}
