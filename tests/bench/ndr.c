/* Measures how many packets per second a WireGuard device carries without loss (RFC 2544, section 26.1: bisection), between
 * itself and many peers:
 * ndr make N CONF FILE: creates the keys of N peers in FILE; appends their sections to CONF, of the device
 * ndr run DIRECTION SIZE SECONDS FILE KEY PID: measures. DIRECTION: in (from the peers to the device) or out. SIZE: bytes of an
 *     IP packet, or imix (64, 576 and 1,420 bytes, 7:4:1). SECONDS of a trial. KEY: public key of the device; - without
 *     cryptography (ceiling.c). PID: of its process
 * The device is in the network namespace b and has the addresses 10.0.0.2, where it listens on port 5000, and 10.9.0.2 in the
 * tunnel; the peers are in the namespace a at 10.0.0.1. Prints one line of JSON: packets/s and bits/s (of IP packets) at the
 * highest rate of which a whole trial arrived, the device's CPU time per Gbit at that rate, and the delay of a packet at half
 * that rate. Peers, device and receiver share the CPUs. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "load_peers.h"
#include "bench.h"

enum { DEVICE_PORT = 5000, DATA_PORT = 9999, BATCH = 32, TRIES = 2, PACKET_MAX = 1500, IP_UDP = 28 };
enum { KEEPALIVE_S = 5, SAMPLE = 16 }; /* of packets that the device has sealed, one of so many is opened for its delay */

static const char *const namespaces[] = { "a", "b" };
static const unsigned int imix[] = { 64, 576, 64, 64, 576, 64, 1420, 64, 576, 64, 576, 64 };

struct stamp { /* in every packet */
	uint64_t trial, sent_ns;
};

/* Delays: bucket 16 × e + m counts those from (16 + m) × 2^e ns on. */
enum { BUCKETS = 16 * 40 };
struct delays {
	uint64_t n[BUCKETS], total;
};

static struct load_peers peers;
static unsigned int sizes[12], n_sizes; /* of successive packets */
static bool inward;
static int device_fd, peers_fd;
static double seconds;
static _Atomic uint64_t received, trial; /* of the current trial */
static struct delays delays;             /* of the receiving thread; read between trials */

static uint64_t now_ns(void)
{
	return (uint64_t)(now() * 1e9);
}

static void delays_add(struct delays *d, uint64_t ns)
{
	unsigned int e, i;

	ns = ns < 16 ? 16 : ns;
	e = 59 - (unsigned int)__builtin_clzll(ns);
	i = 16 * e + (unsigned int)(ns >> e) - 16;
	d->n[i < BUCKETS ? i : BUCKETS - 1]++;
	d->total++;
}

static double percentile_us(const struct delays *d, double p)
{
	uint64_t rank = (uint64_t)((double)d->total * p), seen = 0;

	for (unsigned int i = 0; i < BUCKETS; i++) {
		seen += d->n[i];
		if (seen > rank)
			return (double)((uint64_t)(16 + i % 16) << i / 16) / 1e3;
	}
	return 0;
}

/* ---- packets ---- */

static uint16_t ip_checksum(const uint8_t *header)
{
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += load_be16(header + i);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~(sum + (sum >> 16));
}

/* A UDP packet from a peer to the device, without a UDP checksum. */
static void make_packet(uint8_t *p, unsigned int n, uint32_t peer, const struct stamp *s)
{
	static const uint8_t device[] = { 10, 9, 0, 2 };

	memset(p, 0, IP_UDP);
	p[0] = 0x45;
	store_be16(p + 2, (uint16_t)n);
	p[8] = 64;
	p[9] = IPPROTO_UDP;
	store_be32(p + 12, LOAD_ADDRESS + peer);
	memcpy(p + 16, device, 4);
	store_be16(p + 10, ip_checksum(p));
	store_be16(p + 20, DATA_PORT);
	store_be16(p + 22, DATA_PORT);
	store_be16(p + 24, (uint16_t)(n - 20));
	memcpy(p + IP_UDP, s, sizeof *s);
}

struct batch {
	struct mmsghdr m[BATCH];
	struct iovec iov[BATCH];
	struct sockaddr_in to[BATCH];
	uint8_t bytes[BATCH][2048];
};

/* Packets number first to first + n - 1. Peers take turns. */
static void fill(struct batch *b, uint64_t first, unsigned int n)
{
	struct stamp s = { atomic_load(&trial), now_ns() };
	uint8_t packet[PACKET_MAX] = { 0 };

	for (unsigned int i = 0; i < n; i++) {
		uint32_t peer = (uint32_t)((first + i) % peers.n);
		unsigned int size = sizes[(first + i) % n_sizes];

		b->iov[i] = (struct iovec){ b->bytes[i], size - IP_UDP };
		b->m[i].msg_hdr = (struct msghdr){ .msg_iov = &b->iov[i], .msg_iovlen = 1 };
		if (inward) {
			make_packet(packet, size, peer, &s);
			b->iov[i].iov_len = load_peers_seal(&peers, peer, b->bytes[i], packet, size);
			continue;
		}
		b->to[i] = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(DATA_PORT),
						 .sin_addr.s_addr = htonl(LOAD_ADDRESS + peer) };
		b->m[i].msg_hdr.msg_name = &b->to[i];
		b->m[i].msg_hdr.msg_namelen = sizeof b->to[i];
		memcpy(b->bytes[i], &s, sizeof s);
	}
}

/* ---- receiving ---- */

/* True: it is of the current trial. */
static bool take_packet(const uint8_t *payload, uint64_t at_ns)
{
	struct stamp s;

	memcpy(&s, payload, sizeof s);
	if (s.trial != atomic_load(&trial))
		return false;
	delays_add(&delays, at_ns - s.sent_ns);
	return true;
}

static bool take_sealed(uint8_t *message, uint32_t n, uint64_t at_ns)
{
	static uint64_t seen;
	const uint8_t *packet;

	if (n <= MSG_DATA_MIN_BYTES || message[0] != MSG_DATA)
		return false;
	packet = seen++ % SAMPLE == 0 ? load_peers_open(&peers, message, n) : NULL;
	if (packet)
		(void)take_packet(packet + IP_UDP, at_ns);
	return true;
}

static void *receive(void *nothing)
{
	static struct batch b;

	for (;;) {
		uint64_t n = 0, at_ns;
		int k;
		for (int i = 0; i < BATCH; i++) {
			b.iov[i] = (struct iovec){ b.bytes[i], sizeof b.bytes[i] };
			b.m[i].msg_hdr = (struct msghdr){ .msg_iov = &b.iov[i], .msg_iovlen = 1 };
		}
		k = recvmmsg(inward ? device_fd : peers_fd, b.m, BATCH, MSG_WAITFORONE, NULL);
		at_ns = now_ns();
		for (int i = 0; i < k; i++)
			n += inward ? take_packet(b.bytes[i], at_ns) : take_sealed(b.bytes[i], b.m[i].msg_len, at_ns);
		atomic_fetch_add(&received, n);
	}
	return nothing;
}

/* ---- trials ---- */

struct result {
	double sent, got; /* packets */
	double bits, s;
};

/* Short trials are for machines with little time: at 2 % of the highest rate instead of 0.5 % they stop. Below 0.1 s they only test
 * that it works. */
static int steps(void)
{
	return seconds < 0.1 ? 3 : seconds < 0.5 ? 6 : 8;
}

static double wait_s(void) /* until packets in flight have arrived or are lost */
{
	return seconds < 0.1 ? 0.05 : seconds < 0.5 ? 0.1 : 0.2;
}

static bool is_lossless(const struct result *r)
{
	return r->got >= r->sent;
}

/* Sends for `seconds`, at `rate` packets/s; 0: without limit. */
static struct result run_trial(double rate)
{
	static struct batch b;
	static double last_keepalive;
	int fd = inward ? peers_fd : device_fd;
	uint64_t sent = 0;
	struct result r = { 0 };
	double start, t;

	if (!inward && now() - last_keepalive > KEEPALIVE_S) {
		load_peers_keep_alive(&peers);
		last_keepalive = now();
		pause_s(0.05);
	}
	atomic_fetch_add(&trial, 1);
	atomic_store(&received, 0);
	delays = (struct delays){ 0 };
	start = now();
	while ((t = now()) < start + seconds) {
		double due = rate > 0 ? (t - start) * rate - (double)sent : BATCH;
		unsigned int n = due < BATCH ? (unsigned int)due : BATCH;
		int k;
		if (due < 1) {
			pause_s(20e-6);
			continue;
		}
		fill(&b, sent, n);
		k = sendmmsg(fd, b.m, n, 0);
		for (int i = 0; i < k; i++)
			r.bits += 8.0 * sizes[(sent + (uint64_t)i) % n_sizes];
		sent += k > 0 ? (uint64_t)k : 0;
	}
	r.s = t - start;
	pause_s(wait_s());
	r.sent = (double)sent;
	r.got = (double)atomic_load(&received);
	return r;
}

static double cpu_s(int pid)
{
	char path[64], line[512] = "";
	unsigned long user = 0, system = 0;
	const char *after;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	f = fopen(path, "r");
	must(f && fgets(line, sizeof line, f), path);
	fclose(f);
	after = strrchr(line, ')');
	must(after && sscanf(after, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) == 2, path);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* The highest rate of which a whole trial arrived, and that trial. */
static struct result bisect(int pid, double *cpu)
{
	struct result r = run_trial(0), best = { 0 };
	double low = 0, high = 1.25 * (r.got < r.sent ? r.got : r.sent) / r.s;

	for (int i = 0; i < steps(); i++) {
		double rate = (low + high) / 2, before = 0;
		for (int tries = 0; tries < TRIES; tries++) {
			before = cpu_s(pid);
			r = run_trial(rate);
			if (is_lossless(&r))
				break;
		}
		if (!is_lossless(&r)) {
			high = rate;
			continue;
		}
		low = rate;
		best = r;
		*cpu = cpu_s(pid) - before;
	}
	return best;
}

static void run(int pid)
{
	double cpu = 0;
	struct result r = bisect(pid, &cpu);
	double rate = r.s > 0 ? r.sent / r.s : 0;

	if (rate > 0)
		run_trial(rate / 2);
	printf("{\"packets\":%.0f,\"mbit\":%.1f,\"cores_per_gbit\":%.3f,\"p50\":%.1f,\"p99\":%.1f}\n", rate,
	       r.s > 0 ? r.bits / r.s / 1e6 : 0, r.bits > 0 ? cpu / (r.bits / 1e9) : 0, percentile_us(&delays, 0.5),
	       percentile_us(&delays, 0.99));
}

static void set_sizes(const char *size)
{
	n_sizes = strcmp(size, "imix") == 0 ? 12 : 1;
	memcpy(sizes, imix, sizeof sizes);
	if (n_sizes == 1)
		sizes[0] = (unsigned int)atoi(size);
	must(sizes[0] >= IP_UDP + sizeof(struct stamp) && sizes[0] <= PACKET_MAX, "SIZE");
}

static void open_sockets(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(DEVICE_PORT) };

	peers_fd = peers.fd = socket_in(namespaces[0]);
	must(inet_pton(AF_INET, "10.0.0.1", &a.sin_addr) == 1, "address");
	must(bind(peers_fd, (struct sockaddr *)&a, sizeof a) == 0, "bind");
	must(inet_pton(AF_INET, "10.0.0.2", &a.sin_addr) == 1, "address");
	must(connect(peers_fd, (struct sockaddr *)&a, sizeof a) == 0, "connect");
	device_fd = socket_in(namespaces[1]);
	a.sin_port = htons(DATA_PORT);
	must(inet_pton(AF_INET, "10.9.0.2", &a.sin_addr) == 1, "address");
	must(bind(device_fd, (struct sockaddr *)&a, sizeof a) == 0, "bind");
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc == 5 && strcmp(argv[1], "make") == 0) {
		load_peers_init(&peers, (uint32_t)atoi(argv[2]));
		load_peers_write_conf(&peers, argv[3]);
		load_peers_save(&peers, argv[4]);
		return EXIT_SUCCESS;
	}
	if (argc != 8 || strcmp(argv[1], "run") != 0) {
		fprintf(stderr, "usage: see the first lines of tests/bench/ndr.c\n");
		return EXIT_FAILURE;
	}
	inward = strcmp(argv[2], "in") == 0;
	set_sizes(argv[3]);
	seconds = atof(argv[4]);
	load_peers_load(&peers, argv[5]);
	peers.plain = strcmp(argv[6], "-") == 0;
	must(peers.plain || key_from_base64(peers.device.b, (struct span){ argv[6], strlen(argv[6]) }), "KEY");
	open_sockets();
	load_peers_connect(&peers);
	must(pthread_create(&thread, NULL, receive, NULL) == 0, "thread");
	run(atoi(argv[7]));
	return EXIT_SUCCESS;
}
