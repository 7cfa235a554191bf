/* pong PORT ADDRESS PEER < PRIVATE_KEY: a WireGuard peer without an interface. It has ADDRESS (IPv4) inside the tunnel and
 * answers pings from the peer with the public key PEER, which begins the handshake. An example of libwgproto:
 *   cc -o pong pong.c $(pkg-config --cflags --libs libwgproto)
 *   ./pong 51820 10.0.0.2 PEER < pong.key */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <wgproto.h>

static uint8_t datagram[WGPROTO_DATAGRAM_MAX], packet[WGPROTO_DATAGRAM_MAX], out[WGPROTO_DATAGRAM_MAX];

static void must(enum wgproto_result result, const char *what)
{
	if (result == WGPROTO_OK)
		return;
	fprintf(stderr, "pong: %s: %s\n", what, wgproto_result_text(result));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void realtime(void *ctx, uint64_t *unix_s, uint32_t *ns)
{
	struct timespec t;

	(void)ctx;
	clock_gettime(CLOCK_REALTIME, &t);
	*unix_s = (uint64_t)t.tv_sec;
	*ns = (uint32_t)t.tv_nsec;
}

static void send_out(struct wgproto *w, int fd, const struct wgproto_packet *p)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(p->path.remote.port) };

	memcpy(&to.sin_addr, p->path.remote.addr.b, 4);
	if (sendto(fd, p->dst, p->dst_bytes, 0, (struct sockaddr *)&to, sizeof to) < 0)
		must(wgproto_send_failed(w, &p->path, 1, p->dst_bytes), "sendto");
}

/* Makes an answer of an ICMP echo request to this address. False: it is something else. */
static bool make_answer(uint8_t *p, size_t n, const struct in_addr *own)
{
	size_t header = (size_t)(p[0] & 15) * 4;
	uint8_t from[4];
	uint32_t sum;

	if (p[0] >> 4 != 4 || header < 20 || n < header + 8 || p[9] != IPPROTO_ICMP || p[header] != 8 ||
	    memcmp(p + 16, own, 4) != 0)
		return false;
	memcpy(from, p + 12, 4); /* that both addresses change places leaves the checksum as it is */
	memcpy(p + 12, p + 16, 4);
	memcpy(p + 16, from, 4);
	p[header] = 0; /* echo reply instead of 8 */
	sum = (uint32_t)(p[header + 2] << 8 | p[header + 3]) + 0x0800;
	sum += sum >> 16;
	p[header + 2] = (uint8_t)(sum >> 8);
	p[header + 3] = (uint8_t)sum;
	return true;
}

/* A packet arrived through the tunnel. */
static void deliver(struct wgproto *w, int fd, uint8_t *bytes, size_t n, const struct in_addr *own)
{
	struct wgproto_packet p = { .src = bytes, .src_bytes = n, .dst = out, .dst_space = sizeof out };

	if (n > WGPROTO_PACKET_MAX || !make_answer(bytes, n, own))
		return;
	must(wgproto_seal(w, now_ns(), &p, 1), "seal");
	if (p.action == WGPROTO_SEND)
		send_out(w, fd, &p);
	must(wgproto_control_packets(w, now_ns(), &p, 1), "control"); /* if it has to wait for a handshake */
}

static void receive(struct wgproto *w, int fd, const struct in_addr *own)
{
	struct sockaddr_in from = { .sin_port = 0 };
	socklen_t from_bytes = sizeof from;
	ssize_t n = recvfrom(fd, datagram, sizeof datagram, MSG_DONTWAIT, (struct sockaddr *)&from, &from_bytes);
	struct wgproto_packet p = { .src = datagram, .src_bytes = (size_t)n, .dst = packet, .dst_space = sizeof packet,
				    .path.remote = { .addr.family = 4, .port = ntohs(from.sin_port) } };

	if (n < 0)
		return; /* poll() also reports a datagram whose checksum is wrong */
	memcpy(p.path.remote.addr.b, &from.sin_addr, 4);
	must(wgproto_open(w, now_ns(), &p, 1), "open");
	if (p.action == WGPROTO_DELIVER)
		deliver(w, fd, p.dst, p.dst_bytes, own);
	must(wgproto_control_datagrams(w, now_ns(), &p, 1, false), "control"); /* if it is a handshake message */
}

static void run(struct wgproto *w, int fd, const struct in_addr *own)
{
	struct wgproto_packet next = { .dst = out, .dst_space = sizeof out };
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	for (;;) {
		while (wgproto_next(w, now_ns(), &next) == WGPROTO_OK)
			send_out(w, fd, &next);
		uint64_t now = now_ns(), at = wgproto_deadline(w);
		if (poll(&poll_fd, 1, at <= now ? 0 : at - now > 60000000000 ? 60000 : (int)((at - now) / 1000000 + 1)) > 0)
			receive(w, fd, own);
		must(wgproto_tick(w, now_ns()), "tick");
	}
}

int main(int argc, char **argv)
{
	const struct wgproto_env env = { .size = sizeof env, .realtime = realtime };
	const struct wgproto_prefix all = { .addr = { .family = 4 }, .bits = 0 };
	struct sockaddr_in any = { .sin_family = AF_INET };
	char line[WGPROTO_KEY_TEXT_BYTES + 1] = "";
	uint8_t key[WGPROTO_KEY_BYTES], peer[WGPROTO_KEY_BYTES];
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct in_addr own;
	struct wgproto *w;

	if (argc != 4 || inet_pton(AF_INET, argv[2], &own) != 1 || !fgets(line, sizeof line, stdin)) {
		fprintf(stderr, "usage: pong PORT ADDRESS PEER < PRIVATE_KEY\n");
		return 2;
	}
	line[strcspn(line, "\n")] = '\0';
	must(wgproto_new(&w, &env), "new");
	must(wgproto_key_from_text(key, sizeof key, line), "private key");
	must(wgproto_set_private_key(w, key, sizeof key), "private key");
	wgproto_wipe(key, sizeof key);
	wgproto_wipe(line, sizeof line);
	must(wgproto_key_from_text(peer, sizeof peer, argv[3]), "public key");
	must(wgproto_peer_add(w, peer, sizeof peer), "peer");
	must(wgproto_allow(w, peer, sizeof peer, &all), "allowed IPs");
	must(wgproto_up(w, now_ns()), "up");
	any.sin_port = htons((uint16_t)atoi(argv[1]));
	if (fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof any) == 0)
		run(w, fd, &own);
	perror("pong: socket");
	return 1;
}
