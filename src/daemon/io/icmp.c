/* ICMP errors: made, limited, sent. */
#include "icmp.h"

#include <errno.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>
#include "daemon/process/log.h"
#include "checksum.h"

#define EACH_NS (NS_PER_S / ICMP_PER_S)
#ifndef ICMP_FILTER
#define ICMP_FILTER 1
#endif

static int raw_socket(int family, int protocol)
{
	return socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

void icmp_open(struct icmp *c)
{
	struct icmp6_filter none6;
	uint32_t none4 = UINT32_MAX;

	c->v4 = raw_socket(AF_INET, IPPROTO_ICMP);
	c->v6 = raw_socket(AF_INET6, IPPROTO_ICMPV6);
	if (c->v4 < 0)
		log_verbose("no ICMP errors: %s", strerror(errno));
	/* They only send: nothing may pile up in them. */
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

static bool v4_deserves(const uint8_t *p, size_t n)
{
	size_t header = (p[0] & 15u) * 4;
	bool to_many = p[16] >= 224, from_many = p[12] >= 224 || p[12] == 127 || p[12] == 0;

	if (header < 20 || header > n || to_many || from_many || (load_be16(p + 6) & 0x1fff) != 0)
		return false;
	if (p[9] != IPPROTO_ICMP)
		return true;
	return n > header && (p[header] == ICMP_ECHO || p[header] == ICMP_ECHOREPLY ||
			      p[header] == ICMP_TIMESTAMP || p[header] == ICMP_TIMESTAMPREPLY);
}

static bool v6_deserves(const uint8_t *p, size_t n)
{
	static const uint8_t nobody[16];

	if (p[24] == 0xff || p[8] == 0xff || memcmp(p + 8, nobody, 16) == 0)
		return false;
	return p[6] != IPPROTO_ICMPV6 || (n > 40 && p[40] >= 128); /* errors are below 128 */
}

size_t icmp_message(uint8_t out[ICMP_MESSAGE_MAX], struct ip_addr *to, const uint8_t *packet, size_t n)
{
	bool v6 = n >= 40 && packet[0] >> 4 == 6;
	size_t most = v6 ? ICMP_MESSAGE_MAX - 8 : 576 - 20 - 8; /* RFC 1812 4.3.2.3 */
	uint16_t sum;

	if (n > most && n > 0)
		n = most;
	if (v6 ? !v6_deserves(packet, n) :
		 n < 20 || packet[0] >> 4 != 4 || !v4_deserves(packet, n))
		return 0;
	memset(out, 0, 8);
	out[0] = v6 ? ICMP6_DST_UNREACH : ICMP_DEST_UNREACH;
	out[1] = v6 ? ICMP6_DST_UNREACH_ADDR : ICMP_HOST_UNREACH;
	memcpy(out + 8, packet, n);
	*to = v6 ? ip_v6(packet + 8) : ip_v4(packet + 12);
	if (!v6) {
		sum = (uint16_t)~sum_fold(sum_bytes(0, out, n + 8));
		memcpy(out + 2, &sum, 2);
	}
	return n + 8;
}

bool icmp_may(const struct icmp *c, uint64_t now_ns)
{
	uint64_t full_ns = atomic_load_explicit(&c->full_ns, memory_order_relaxed);

	return (full_ns > now_ns ? full_ns : now_ns) + EACH_NS <= now_ns + ICMP_BURST * EACH_NS;
}

bool icmp_take(struct icmp *c, uint64_t now_ns)
{
	if (!icmp_may(c, now_ns))
		return false;
	atomic_store(&c->full_ns, (c->full_ns > now_ns ? c->full_ns : now_ns) + EACH_NS);
	return true;
}

static void icmp_send(const struct icmp *c, const struct ip_addr *to, const uint8_t *message, size_t n)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	ssize_t sent;

	memcpy(&v4.sin_addr, to->b, 4);
	memcpy(&v6.sin6_addr, to->b, 16);
	if (to->family == IP_V4)
		sent = sendto(c->v4, message, n, MSG_DONTWAIT, (struct sockaddr *)&v4, sizeof v4);
	else
		sent = sendto(c->v6, message, n, MSG_DONTWAIT, (struct sockaddr *)&v6, sizeof v6);
	if (sent < 0)
		log_verbose("sending an ICMP error: %s", strerror(errno));
}

void icmp_unreachable(struct icmp *c, uint64_t now_ns, const uint8_t *packet, size_t n)
{
	uint8_t message[ICMP_MESSAGE_MAX];
	struct ip_addr to;
	size_t size = icmp_message(message, &to, packet, n);

	if (size == 0 || !icmp_take(c, now_ns))
		return;
	if (!c->enter) {
		icmp_send(c, &to, message, size);
	} else if (c->enter(c->ctx)) {
		icmp_open(c);
		icmp_send(c, &to, message, size);
		icmp_close(c);
		c->leave(c->ctx);
	}
}
