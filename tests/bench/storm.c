/* Sends handshake initiations:
 * storm make N KEY CONF FILE: creates N initiators for the responder with public key KEY; appends their peer sections
 *     to CONF and writes their initiations to FILE
 * storm run FILE HOST PORT WINDOW: sends the initiations of FILE, at most WINDOW unanswered ones at a time; prints the
 *     numbers of answers and the time
 * storm settle FILE HOST PORT: sends one initiation every 50 ms until the answer is a response and not a cookie; prints
 *     the time
 * storm flood KEY HOST PORT RATE SECONDS NET: sends initiations that are random except for a valid mac1, RATE per
 *     second, from all addresses of the local network NET/16 and 64 ports; prints the number sent */
#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>

#include "crypto/crypto.h"
#include "proto/cookie.h"
#include "proto/tunnel.h"
#include "bench.h"

enum { FLOOD_MESSAGES = 4096, FLOOD_BATCH = 32, FLOOD_PORTS = 64, WAIT_MS = 300, SETTLE_MS = 50 };

static void env_random(void *ctx, void *p, size_t n)
{
	(void)ctx;
	must(getrandom(p, n, 0) == (ssize_t)n, "getrandom");
}

static void env_realtime(void *ctx, uint64_t *unix_s, uint32_t *ns)
{
	struct timespec ts;

	(void)ctx;
	clock_gettime(CLOCK_REALTIME, &ts);
	*unix_s = (uint64_t)ts.tv_sec;
	*ns = (uint32_t)ts.tv_nsec;
}

static void make_one(uint32_t i, const struct wg_public *responder, FILE *conf, FILE *messages)
{
	static uint8_t datagram[WG_DATAGRAM_MAX];
	struct wg_env env = { .random = env_random, .realtime = env_realtime };
	struct ip_endpoint endpoint = { .addr = ip_v4((const uint8_t[4]){ 192, 0, 2, 1 }), .port = 1 };
	struct wg_tunnel *t = tunnel_new(&env);
	struct wg_buf out = { .dst = datagram };
	char text[KEY_BASE64_CHARS + 1];
	struct wg_tunnel_peer *p = NULL;
	struct wg_private key;
	struct wg_public pub;
	struct wg_path to;

	must(t != NULL, "tunnel");
	env_random(NULL, &key, sizeof key);
	tunnel_set_private_key(t, &key);
	must(tunnel_public_key(t, &pub) && tunnel_peer_add(&p, t, responder) == 0, "keys");
	tunnel_up(t, NS_PER_S);
	tunnel_peer_set_endpoint(t, p, &endpoint);
	tunnel_peer_set_keepalive(t, NS_PER_S, p, 1);
	tunnel_tick(t, NS_PER_S);
	must(tunnel_control_next(t, NS_PER_S, &out, &to) && out.out_n == MSG_INITIATION_BYTES, "initiation");
	store_le32(datagram + 4, i); /* sender index, so that answers name the initiator; mac1 covers it */
	cookie_add_macs(&(struct cookie_maker){ 0 }, NS_PER_S, datagram, MSG_INITIATION_BYTES, responder);
	must(fwrite(datagram, MSG_INITIATION_BYTES, 1, messages) == 1, "write");
	key_to_base64(text, pub.b);
	fprintf(conf, "[Peer]\nPublicKey = %s\nAllowedIPs = 10.%u.%u.%u/32\n", text, i >> 16 & 255,
		i >> 8 & 255, i & 255);
	tunnel_free(t);
}

static void make(uint32_t n, const struct wg_public *responder, const char *conf, const char *file)
{
	FILE *c = fopen(conf, "a"), *m = fopen(file, "w");

	must(c && m, "files");
	for (uint32_t i = 0; i < n; i++)
		make_one(i, responder, c, m);
	must(fclose(c) == 0 && fclose(m) == 0, "close");
}

static int socket_to(const char *host, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int s = socket(AF_INET, SOCK_DGRAM, 0), size = 8 << 20;

	must(s >= 0 && inet_pton(AF_INET, host, &to.sin_addr) == 1, host);
	setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	must(connect(s, (struct sockaddr *)&to, sizeof to) == 0, "connect");
	return s;
}

/* Reads the initiations that `make` wrote; *n: their number. */
static uint8_t *read_messages(const char *file, uint32_t *n)
{
	FILE *f = fopen(file, "r");
	uint8_t *all;

	must(f && fseek(f, 0, SEEK_END) == 0, file);
	*n = (uint32_t)(ftell(f) / MSG_INITIATION_BYTES);
	rewind(f);
	all = malloc((size_t)*n * MSG_INITIATION_BYTES);
	must(all && fread(all, MSG_INITIATION_BYTES, *n, f) == *n, "read");
	fclose(f);
	return all;
}

static void send_one(int s, const uint8_t *message)
{
	must(send(s, message, MSG_INITIATION_BYTES, 0) == MSG_INITIATION_BYTES, "send");
}

static void run(const char *file, const char *host, const char *port, uint32_t window)
{
	uint32_t n, sent = 0, waiting = 0, answers = 0, cookies = 0, lost = 0;
	int s = socket_to(host, port);
	uint8_t *all = read_messages(file, &n), reply[2048];
	double start = now(), last = start;

	while (sent < n || waiting > 0) {
		struct pollfd p = { s, POLLIN, 0 };
		ssize_t k;
		for (; waiting < window && sent < n; sent++, waiting++)
			send_one(s, all + (size_t)sent * MSG_INITIATION_BYTES);
		if (poll(&p, 1, WAIT_MS) == 0) {
			lost += waiting;
			waiting = 0;
		}
		while ((k = recv(s, reply, sizeof reply, MSG_DONTWAIT)) > 0) {
			if (k != MSG_RESPONSE_BYTES && k != MSG_COOKIE_BYTES)
				continue;
			answers += k == MSG_RESPONSE_BYTES;
			cookies += k == MSG_COOKIE_BYTES;
			waiting -= waiting > 0;
			last = now();
		}
	}
	free(all);
	printf("{\"sent\":%u,\"answers\":%u,\"cookies\":%u,\"lost\":%u,\"seconds\":%.3f}\n", sent, answers,
	       cookies, lost, last - start);
}

static void settle(const char *file, const char *host, const char *port)
{
	uint32_t n, sent = 0;
	int s = socket_to(host, port);
	uint8_t *all = read_messages(file, &n), reply[2048];
	double start = now();
	bool answered = false;

	while (sent < n && !answered) {
		double next = start + ++sent * SETTLE_MS / 1e3, left;

		send_one(s, all + (size_t)(sent - 1) * MSG_INITIATION_BYTES);
		while (!answered && (left = next - now()) > 0) {
			struct pollfd p = { s, POLLIN, 0 };

			if (poll(&p, 1, (int)(left * 1e3) + 1) == 1)
				answered = recv(s, reply, sizeof reply, MSG_DONTWAIT) == MSG_RESPONSE_BYTES;
		}
	}
	free(all);
	printf("{\"sent\":%u,\"answered\":%s,\"seconds\":%.3f}\n", sent, answered ? "true" : "false",
	       now() - start);
}

/* A batch of the flood: one message after the other, each from another address of the network. */
struct flood_batch {
	struct mmsghdr m[FLOOD_BATCH];
	struct iovec iov[FLOOD_BATCH];
	_Alignas(struct cmsghdr) uint8_t control[FLOOD_BATCH][CMSG_SPACE(sizeof(struct in_pktinfo))];
};

static void flood_batch_fill(struct flood_batch *v, uint8_t (*all)[MSG_INITIATION_BYTES], uint64_t sent,
			     struct in_addr net, struct sockaddr_in *to)
{
	for (uint32_t i = 0; i < FLOOD_BATCH; i++) {
		struct in_pktinfo from = { 0 };
		struct cmsghdr *c = (void *)v->control[i];

		from.ipi_spec_dst.s_addr = net.s_addr | htonl((uint32_t)(sent + i) & 0xffff);
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof from);
		memcpy(CMSG_DATA(c), &from, sizeof from);
		v->iov[i] = (struct iovec){ all[(sent + i) % FLOOD_MESSAGES], MSG_INITIATION_BYTES };
		v->m[i].msg_hdr = (struct msghdr){ .msg_name = to, .msg_namelen = sizeof *to,
						   .msg_iov = &v->iov[i], .msg_iovlen = 1,
						   .msg_control = c,
						   .msg_controllen = sizeof v->control[i] };
	}
}

static uint64_t flood(const struct wg_public *responder, struct sockaddr_in *to, double rate,
		      double seconds, struct in_addr net)
{
	static uint8_t all[FLOOD_MESSAGES][MSG_INITIATION_BYTES];
	static struct flood_batch v;
	int sockets[FLOOD_PORTS];
	double start, t;
	uint64_t sent = 0, batches = 0;

	for (int i = 0; i < FLOOD_PORTS; i++)
		must((sockets[i] = socket(AF_INET, SOCK_DGRAM, 0)) >= 0, "socket");
	for (int i = 0; i < FLOOD_MESSAGES; i++) {
		struct cookie_maker none = { 0 };
		for (int at = 0; at < MSG_INITIATION_BYTES; at += 37)
			env_random(NULL, all[i] + at, 37);
		store_le32(all[i], MSG_INITIATION);
		cookie_add_macs(&none, NS_PER_S, all[i], MSG_INITIATION_BYTES, responder);
	}
	start = now();
	while ((t = now()) < start + seconds) {
		int k;
		if ((t - start) * rate < (double)sent + FLOOD_BATCH) {
			nanosleep(&(struct timespec){ 0, 50000 }, NULL);
			continue;
		}
		flood_batch_fill(&v, all, sent, net, to);
		k = sendmmsg(sockets[batches++ % FLOOD_PORTS], v.m, FLOOD_BATCH, MSG_DONTWAIT);
		sent += k > 0 ? (uint64_t)k : 0;
	}
	return sent;
}

static void flood_from(char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[4])) };
	struct wg_public responder;
	struct in_addr net;

	must(key_from_base64(responder.b, (struct span){ argv[2], strlen(argv[2]) }), "key");
	must(inet_pton(AF_INET, argv[3], &to.sin_addr) == 1, argv[3]);
	must(inet_pton(AF_INET, argv[7], &net) == 1, argv[7]);
	printf("{\"sent\":%llu}\n",
	       (unsigned long long)flood(&responder, &to, atof(argv[5]), atof(argv[6]), net));
}

int main(int argc, char **argv)
{
	struct wg_public responder;

	if (argc == 6 && strcmp(argv[1], "make") == 0) {
		must(key_from_base64(responder.b, (struct span){ argv[3], strlen(argv[3]) }), "key");
		make((uint32_t)atoi(argv[2]), &responder, argv[4], argv[5]);
	} else if (argc == 6 && strcmp(argv[1], "run") == 0) {
		run(argv[2], argv[3], argv[4], (uint32_t)atoi(argv[5]));
	} else if (argc == 5 && strcmp(argv[1], "settle") == 0) {
		settle(argv[2], argv[3], argv[4]);
	} else if (argc == 8 && strcmp(argv[1], "flood") == 0) {
		flood_from(argv);
	} else {
		fprintf(stderr, "usage: see the first lines of tests/bench/storm.c\n");
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
