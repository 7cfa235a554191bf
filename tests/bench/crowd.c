/* Many peers behind one uplink of a device.
 *
 * crowd make PEERS CONF KEYS: creates peers; appends their sections to a configuration file, and saves their keys.
 * crowd run KEYS DEVICE-KEY ADDRESS PORT BASE: these peers begin sessions with the device at this address, each from another address:
 * BASE and the following ones, all of which must be local (ip route add local PREFIX dev lo). Prints "connected"; then each sends a
 * keepalive every five seconds, so that the device does not ask for a new session.
 * crowd flood PEERS BYTES MBIT FILE: sends UDP datagrams through a tunnel to all PEERS in turn, as packets of BYTES, MBIT/s of
 * them altogether, until FILE does not exist any more. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>

#include "bench.h"
#include "load_peers.h"

enum { PORT = 5001, BURST = 64, MESSAGE_MAX = 2048, IP_UDP = 28, FREEBIND = 78 };
static const double KEEPALIVE_S = 5;

static struct sockaddr_in6 device; /* or of IPv4 */
static struct in6_addr base;
static bool v6;

static uint32_t last_word(uint32_t i)
{
	uint32_t word;

	memcpy(&word, base.s6_addr + (v6 ? 12 : 0), sizeof word);
	return htonl(ntohl(word) + i);
}

static void send_from(const struct load_peers *p, uint32_t i, const void *message, size_t n)
{
	_Alignas(8) uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))] = { 0 };
	struct iovec iov = { (void *)(uintptr_t)message, n };
	struct msghdr m = { .msg_name = &device, .msg_namelen = sizeof device, .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = control, .msg_controllen = sizeof control };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	struct in_pktinfo info4 = { .ipi_spec_dst.s_addr = last_word(i) };
	struct in6_pktinfo info6 = { .ipi6_addr = base };
	uint32_t word = last_word(i);

	memcpy(info6.ipi6_addr.s6_addr + 12, &word, sizeof word);
	c->cmsg_level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	c->cmsg_type = v6 ? IPV6_PKTINFO : IP_PKTINFO;
	c->cmsg_len = v6 ? CMSG_LEN(sizeof info6) : CMSG_LEN(sizeof info4);
	memcpy(CMSG_DATA(c), v6 ? (void *)&info6 : (void *)&info4, v6 ? sizeof info6 : sizeof info4);
	if (!v6)
		m.msg_namelen = sizeof(struct sockaddr_in), m.msg_controllen = CMSG_SPACE(sizeof info4);
	must(sendmsg(p->fd, &m, 0) == (ssize_t)n, "sendmsg");
}

static void set_addresses(const char *address, const char *port, const char *first)
{
	struct sockaddr_in *v4 = (void *)&device;

	v6 = strchr(address, ':') != NULL;
	device.sin6_family = v6 ? AF_INET6 : AF_INET;
	device.sin6_port = htons((uint16_t)atoi(port));
	must(inet_pton(v6 ? AF_INET6 : AF_INET, address, v6 ? (void *)&device.sin6_addr : (void *)&v4->sin_addr) == 1, address);
	must(inet_pton(v6 ? AF_INET6 : AF_INET, first, &base) == 1, first);
}

static int open_socket(void)
{
	struct sockaddr_in6 any6 = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int s = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0), size = 8 << 20, on = 1;

	must(s >= 0, "socket");
	setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	must(!v6 || setsockopt(s, IPPROTO_IPV6, FREEBIND, &on, sizeof on) == 0, "IPV6_FREEBIND"); /* for addresses of a local prefix */
	must((v6 ? bind(s, (void *)&any6, sizeof any6) : bind(s, (void *)&any4, sizeof any4)) == 0, "bind");
	return s;
}

_Noreturn static void run(const char *file, const char *key)
{
	struct load_peers peers = { .send = send_from };

	load_peers_load(&peers, file);
	must(key_from_base64(peers.device.b, (struct span){ key, strlen(key) }), "DEVICE-KEY");
	peers.fd = open_socket();
	load_peers_connect(&peers);
	puts("connected");
	fflush(stdout);
	for (double next = now() + KEEPALIVE_S;; next += KEEPALIVE_S) {
		uint8_t message[MESSAGE_MAX];
		while (now() < next) {
			struct pollfd wait = { peers.fd, POLLIN, 0 };
			(void)poll(&wait, 1, 100);
			for (int i = 0; i < BURST && recv(peers.fd, message, sizeof message, MSG_DONTWAIT) > 0; i++)
				;
		}
		load_peers_keep_alive(&peers);
	}
}

static void flood(uint32_t n, size_t bytes, double mbit, const char *file)
{
	static uint8_t packet[MESSAGE_MAX];
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	double begin = now(), per_s = mbit * 1e6 / 8 / (double)bytes;
	unsigned long sent = 0, refused = 0;
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	must(s >= 0 && bytes >= IP_UDP && bytes <= sizeof packet, "socket, BYTES");
	while (access(file, F_OK) == 0) {
		unsigned long due = (unsigned long)((now() - begin) * per_s);
		for (; sent < due; sent++) {
			to.sin_addr.s_addr = htonl(LOAD_ADDRESS + (uint32_t)(sent % n));
			refused += sendto(s, packet, bytes - IP_UDP, MSG_DONTWAIT, (void *)&to, sizeof to) < 0;
		}
		pause_s(1e-3);
	}
	printf("sent %lu, refused %lu\n", sent - refused, refused);
}

int main(int argc, char **argv)
{
	struct load_peers peers = { 0 };

	if (argc == 5 && strcmp(argv[1], "make") == 0) {
		load_peers_init(&peers, (uint32_t)atoi(argv[2]));
		load_peers_write_conf(&peers, argv[3]);
		load_peers_save(&peers, argv[4]);
		return EXIT_SUCCESS;
	}
	if (argc == 7 && strcmp(argv[1], "run") == 0) {
		set_addresses(argv[4], argv[5], argv[6]);
		run(argv[2], argv[3]);
	}
	if (argc == 6 && strcmp(argv[1], "flood") == 0) {
		flood((uint32_t)atoi(argv[2]), (size_t)atoi(argv[3]), atof(argv[4]), argv[5]);
		return EXIT_SUCCESS;
	}
	fprintf(stderr, "usage: see the first lines of tests/bench/crowd.c\n");
	return EXIT_FAILURE;
}
