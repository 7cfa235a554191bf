/* ICMP errors: building, limiting and sending them. */
#include "icmp.h"

#include <assert.h>
#include <errno.h>
/* libc first: the kernel's headers leave out what libc has declared, those of musl know nothing of the kernel's. */
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <linux/icmp.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>
#include "checksum.h"
#include "conntrack.h"
#include "daemon/process/log.h"
#include "route_query.h"

#define CONNTRACK_RETRY_NS (60 * NS_PER_S)
#define TOKEN_NS (NS_PER_S / ICMP_RATE_PER_S)
#ifndef ICMP_FILTER
#define ICMP_FILTER 1
#endif

enum { HEADER = 8 }; /* of either error, before the packet: type, code, checksum, four unused bytes */

static_assert(sizeof(struct icmphdr) == HEADER && sizeof(struct icmp6_hdr) == HEADER, "RFC 792, RFC 4443");
static_assert(offsetof(struct icmphdr, type) == 0 && offsetof(struct icmp6_hdr, icmp6_type) == 0, "type");
static_assert(offsetof(struct icmphdr, code) == 1 && offsetof(struct icmp6_hdr, icmp6_code) == 1, "code");
static_assert(offsetof(struct icmphdr, checksum) == 2 && offsetof(struct icmp6_hdr, icmp6_cksum) == 2,
	      "checksum");

static int raw_socket(int family, int protocol)
{
	return socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

void icmp_open(struct icmp *c)
{
	int v4 = raw_socket(AF_INET, IPPROTO_ICMP);

	if (v4 < 0)
		log_verbose("cannot open ICMP sockets: %s", strerror(errno));
	icmp_take_fds(c, v4, raw_socket(AF_INET6, IPPROTO_ICMPV6));
}

/* The sockets only send: nothing may fill their receive buffers. */
void icmp_take_fds(struct icmp *c, int v4, int v6)
{
	struct icmp6_filter none6;
	uint32_t none4 = UINT32_MAX;

	c->v4 = v4;
	c->v6 = v6;
	ICMP6_FILTER_SETBLOCKALL(&none6);
	if (c->v4 >= 0)
		(void)setsockopt(c->v4, SOL_RAW, ICMP_FILTER, &none4, sizeof none4);
	if (c->v6 >= 0)
		(void)setsockopt(c->v6, IPPROTO_ICMPV6, ICMP6_FILTER, &none6, sizeof none6);
}

void icmp_close(struct icmp *c)
{
	if (c->v4 >= 0)
		close(c->v4);
	if (c->v6 >= 0)
		close(c->v6);
	c->v4 = c->v6 = -1;
}

static bool v4_permits(const uint8_t *p, size_t n)
{
	size_t header = (p[0] & 15u) * 4;
	bool bad_target = p[16] >= 224, bad_source = p[12] >= 224 || p[12] == 127 || p[12] == 0;

	if (header < 20 || header > n || bad_target || bad_source || (load_be16(p + 6) & 0x1fff) != 0)
		return false;
	if (p[9] != IPPROTO_ICMP)
		return true;
	return n > header && (p[header] == ICMP_ECHO || p[header] == ICMP_ECHOREPLY ||
			      p[header] == ICMP_TIMESTAMP || p[header] == ICMP_TIMESTAMPREPLY);
}

static bool v6_permits(const uint8_t *p, size_t n)
{
	static const uint8_t unspecified[16];

	if (p[24] == 0xff || p[8] == 0xff || memcmp(p + 8, unspecified, 16) == 0)
		return false;
	return p[6] != IPPROTO_ICMPV6 || (n > 40 && p[40] >= 128); /* types below 128 are errors */
}

size_t icmp_build_unreachable(uint8_t out[ICMP_MESSAGE_MAX], struct ip_addr *to, const uint8_t *packet,
			      size_t n)
{
	bool v6 = n >= 40 && packet[0] >> 4 == 6;
	size_t most = v6 ? ICMP_MESSAGE_MAX - HEADER : 576 - 20 - HEADER; /* RFC 1812, 4.3.2.3 */
	uint16_t checksum;

	if (n > most && n > 0)
		n = most;
	if (v6 ? !v6_permits(packet, n) :
		 n < 20 || packet[0] >> 4 != 4 || !v4_permits(packet, n))
		return 0;
	memset(out, 0, HEADER);
	out[0] = v6 ? ICMP6_DST_UNREACH : ICMP_DEST_UNREACH;
	out[1] = v6 ? ICMP6_DST_UNREACH_ADDR : ICMP_HOST_UNREACH;
	memcpy(out + HEADER, packet, n);
	*to = v6 ? ip_v6(packet + 8) : ip_v4(packet + 12);
	if (!v6) {
		checksum = (uint16_t)~checksum_fold(checksum_add(0, out, n + HEADER));
		memcpy(out + 2, &checksum, sizeof checksum);
	}
	assert(n + HEADER <= ICMP_MESSAGE_MAX);
	return n + HEADER;
}

bool icmp_has_token(const struct icmp *c, uint64_t now_ns)
{
	uint64_t full_ns = atomic_load_explicit(&c->full_ns, memory_order_relaxed);

	return (full_ns > now_ns ? full_ns : now_ns) + TOKEN_NS <= now_ns + ICMP_BURST * TOKEN_NS;
}

bool icmp_take_token(struct icmp *c, uint64_t now_ns)
{
	if (!icmp_has_token(c, now_ns))
		return false;
	atomic_store(&c->full_ns, (c->full_ns > now_ns ? c->full_ns : now_ns) + TOKEN_NS);
	return true;
}

/* Netfilter changes an error about a packet whose source was translated: it gets the address that the packet had before
 * as destination. Its source has to be ours towards that address, as if there were no translation. IP_NONE: nothing
 * was translated, or the kernel does not tell. */
static struct ip_addr source_of_error(struct icmp *c, uint64_t now_ns, const uint8_t *packet, size_t n)
{
	struct ip_addr sender = { 0 }, source = { 0 };
	int error;

	if (now_ns < c->no_conntrack_until_ns)
		return source;
	error = conntrack_is_loaded() ? conntrack_sender(&sender, packet, n) : -ENOENT;
	if (error && error != -ENOENT && error != -EPROTONOSUPPORT) {
		log_verbose("cannot ask connection tracking: %s", strerror(-error));
		c->no_conntrack_until_ns = now_ns + CONNTRACK_RETRY_NS;
	}
	if (sender.family != IP_NONE && route_query_source(&source, &sender) != 0)
		source.family = IP_NONE;
	return source;
}

static void icmp_send_from(int fd, struct msghdr *m, int level, int type, const void *info, size_t n)
{
	struct cmsghdr *h = m->msg_control;

	*h = (struct cmsghdr){ .cmsg_len = (socklen_t)CMSG_LEN(n), .cmsg_level = level, .cmsg_type = type };
	memcpy(CMSG_DATA(h), info, n);
	m->msg_controllen = (socklen_t)CMSG_SPACE(n); /* musl; in glibc both lengths are size_t */
	if (sendmsg(fd, m, MSG_DONTWAIT) < 0)
		log_verbose("cannot send an ICMP error: %s", strerror(errno));
}

/* from: IP_NONE, all zero: the system chooses. */
static void icmp_send(const struct icmp *c, const struct ip_addr *to, const struct ip_addr *from, uint8_t *message,
		      size_t n)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))] = { 0 };
	struct iovec iov = { message, n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct in_pktinfo from_v4 = { 0 };
	struct in6_pktinfo from_v6 = { 0 };

	if (to->family == IP_V4) {
		memcpy(&v4.sin_addr, to->b, 4);
		memcpy(&from_v4.ipi_spec_dst, from->b, 4);
		m.msg_name = &v4;
		m.msg_namelen = sizeof v4;
		icmp_send_from(c->v4, &m, IPPROTO_IP, IP_PKTINFO, &from_v4, sizeof from_v4);
	} else {
		memcpy(&v6.sin6_addr, to->b, 16);
		memcpy(&from_v6.ipi6_addr, from->b, 16);
		m.msg_name = &v6;
		m.msg_namelen = sizeof v6;
		icmp_send_from(c->v6, &m, IPPROTO_IPV6, IPV6_PKTINFO, &from_v6, sizeof from_v6);
	}
}

void icmp_send_unreachable(struct icmp *c, uint64_t now_ns, const uint8_t *packet, size_t n)
{
	uint8_t message[ICMP_MESSAGE_MAX];
	struct ip_addr to, from;
	size_t size = icmp_build_unreachable(message, &to, packet, n);

	if (size == 0 || !icmp_take_token(c, now_ns))
		return;
	if (!c->enter) {
		from = source_of_error(c, now_ns, packet, n);
		icmp_send(c, &to, &from, message, size);
	} else if (c->enter(c->ctx)) {
		from = source_of_error(c, now_ns, packet, n);
		icmp_open(c);
		icmp_send(c, &to, &from, message, size);
		icmp_close(c);
		c->leave(c->ctx);
	}
}
