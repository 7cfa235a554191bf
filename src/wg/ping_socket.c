/* Echo requests by raw sockets, or by those of ping_group_range (icmp(7)). */
#include "ping_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/vector.h"

/* ---- the interface ---- */

static struct ip_addr address_of(const struct sockaddr *a)
{
	const struct sockaddr_in *v4 = (const void *)a;
	const struct sockaddr_in6 *v6 = (const void *)a;

	return a->sa_family == AF_INET ? ip_v4((const uint8_t *)&v4->sin_addr) : ip_v6((const uint8_t *)&v6->sin6_addr);
}

static unsigned int bits_of(const struct sockaddr *mask)
{
	struct ip_addr a = address_of(mask);
	unsigned int n = 0;

	while (n < ip_bits(&a) && (a.b[n / 8] >> (7 - n % 8) & 1))
		n++;
	return n;
}

static bool add_own(struct own_addresses *out, const struct ifaddrs *a)
{
	struct ip_addr host = address_of(a->ifa_addr);
	struct ip_prefix network;

	if (!a->ifa_netmask || !prefix_make(&network, &host, bits_of(a->ifa_netmask)))
		return true;
	if (!vector_reserve(&out->list, &out->cap, out->n + 1, sizeof *out->list))
		return false;
	out->list[out->n++] = (struct own_address){ host, network };
	return true;
}

bool own_addresses_of(struct own_addresses *out, const char *interface)
{
	struct ifaddrs *all;
	bool ok = true;

	*out = (struct own_addresses){ 0 };
	if (getifaddrs(&all) < 0)
		return true;
	for (struct ifaddrs *a = all; a && ok; a = a->ifa_next)
		if (strcmp(a->ifa_name, interface) == 0 && a->ifa_addr &&
		    (a->ifa_addr->sa_family == AF_INET || a->ifa_addr->sa_family == AF_INET6))
			ok = add_own(out, a);
	freeifaddrs(all);
	return ok;
}

/* ---- waiting ---- */

static volatile sig_atomic_t interrupted;

static void note_interrupt(int signal_number)
{
	(void)signal_number;
	interrupted = 1;
}

void ping_handle_interrupt(void)
{
	struct sigaction action = { .sa_handler = note_interrupt, .sa_flags = (int)SA_RESETHAND }, before;

	if (sigaction(SIGINT, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
		(void)sigaction(SIGINT, &action, NULL);
}

bool ping_is_interrupted(void)
{
	return interrupted;
}

double ping_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

void ping_sleep_until(double ms)
{
	double left;

	while (!interrupted && (left = ms - ping_now_ms()) > 0)
		(void)poll(NULL, 0, (int)left + 1);
}

/* ---- echo requests ---- */

static socklen_t socket_address(struct sockaddr_storage *out, const struct ip_addr *a, uint16_t port, uint32_t scope)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_scope_id = scope };

	memset(out, 0, sizeof *out);
	if (a->family == IP_V4) {
		memcpy(&v4.sin_addr, a->b, 4);
		memcpy(out, &v4, sizeof v4);
		return sizeof v4;
	}
	memcpy(&v6.sin6_addr, a->b, 16);
	memcpy(out, &v6, sizeof v6);
	return sizeof v6;
}

static int open_icmp(bool *raw, uint8_t family)
{
	int domain = family == IP_V4 ? AF_INET : AF_INET6;
	int protocol = family == IP_V4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	int fd = socket(domain, SOCK_RAW | SOCK_CLOEXEC, protocol);

	*raw = fd >= 0;
	return fd >= 0 ? fd : socket(domain, SOCK_DGRAM | SOCK_CLOEXEC, protocol);
}

int ping_socket_open(struct ping_socket *s, const char *interface, uint32_t ifindex, const struct ip_addr *to)
{
	struct sockaddr_storage address;
	socklen_t n = socket_address(&address, to, 0, ip_is_v6_link_local(to) ? ifindex : 0);
	int error = 0;

	*s = (struct ping_socket){ .to = *to };
	if (getrandom(&s->id, sizeof s->id, GRND_NONBLOCK) != sizeof s->id)
		s->id = (uint16_t)getpid();
	s->fd = open_icmp(&s->raw, to->family);
	if (s->fd < 0 || setsockopt(s->fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface)) < 0 ||
	    connect(s->fd, (struct sockaddr *)&address, n) < 0)
		error = -errno;
	if (error)
		ping_socket_close(s);
	return error;
}

void ping_socket_close(struct ping_socket *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* The Internet checksum (RFC 1071) of an even number of bytes. */
static uint16_t checksum(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

enum { ECHO_BYTES = 64 }; /* as ping(8) sends */

int ping_socket_send(const struct ping_socket *s, uint16_t sequence)
{
	uint8_t echo[ECHO_BYTES] = { s->to.family == IP_V4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST };

	put16(echo + 4, s->id); /* the kernel replaces it if the socket is not raw */
	put16(echo + 6, sequence);
	if (s->to.family == IP_V4)
		put16(echo + 2, checksum(echo, sizeof echo)); /* of ICMPv6, the kernel computes it */
	return send(s->fd, echo, sizeof echo, 0) < 0 ? -errno : 0;
}

static bool is_reply(const struct ping_socket *s, const uint8_t *p, size_t n, uint16_t sequence)
{
	uint8_t type = s->to.family == IP_V4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY;
	uint8_t expected[4];

	if (s->raw && s->to.family == IP_V4) {
		size_t header = n > 0 ? (size_t)(p[0] & 0x0f) * 4 : 0;
		if (header > n)
			return false;
		p += header;
		n -= header;
	}
	put16(expected, s->id);
	put16(expected + 2, sequence);
	return n >= 8 && p[0] == type && memcmp(p + 6, expected + 2, 2) == 0 &&
	       (!s->raw || memcmp(p + 4, expected, 2) == 0);
}

bool ping_socket_wait(const struct ping_socket *s, uint16_t sequence, double until_ms)
{
	uint8_t packet[1024];

	for (;;) {
		double left = until_ms - ping_now_ms();
		struct pollfd p = { .fd = s->fd, .events = POLLIN };
		ssize_t n;
		if (left <= 0 || interrupted)
			return false;
		if (poll(&p, 1, (int)left + 1) <= 0)
			continue;
		n = recv(s->fd, packet, sizeof packet, MSG_DONTWAIT);
		if (n > 0 && is_reply(s, packet, (size_t)n, sequence))
			return true;
	}
}

int ping_route_to(const struct ip_endpoint *e, uint32_t mark)
{
	struct sockaddr_storage address;
	socklen_t n = socket_address(&address, &e->addr, e->port ? e->port : 1, e->scope);
	int fd = socket(e->addr.family == IP_V4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), r = 0;

	if (fd < 0)
		return -errno;
	if ((mark != 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) < 0) ||
	    connect(fd, (struct sockaddr *)&address, n) < 0)
		r = -errno;
	close(fd);
	return r;
}
