/* streams FROM TO SECONDS FLOOD-ADDRESS FLOOD ADDRESS…: measures TCP streams next to a UDP flood, from the network namespace
 * FROM to TO (names, or paths of files), which has all the addresses: one stream to each ADDRESS, and datagrams to FLOOD-ADDRESS. FLOOD is
 * BYTES[xSEGMENTS][@MBIT]: the bytes of a datagram, datagrams of a super-packet (UDP_SEGMENT), and Mbit/s (otherwise
 * without limit); 0 is no flood. A quarter of the time passes before anything is counted. Prints one line: Jain's fairness index of the goodputs of the streams, their
 * sum, the least and the greatest in Mbit/s; received and sent Mbit/s of the flood; the greatest number of streams that
 * made no progress in any tenth of the time. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PORT = 9998, STREAMS_MAX = 256, MESSAGES = 32, BYTES_MAX = 65000, TENTHS = 10, CHUNK = 256 << 10 };

static int flow_out, flow_in, n_streams;
static int outs[STREAMS_MAX], ins[STREAMS_MAX];
static unsigned int bytes, segments = 1, rate;
static _Atomic uint64_t got[STREAMS_MAX], flood_sent, flood_got;
static uint8_t data[CHUNK];

static void must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(EXIT_FAILURE);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void pause_s(double s)
{
	struct timespec ts = { (time_t)s, (long)((s - (double)(time_t)s) * 1e9) };

	nanosleep(&ts, NULL);
}

static void enter(const char *namespace)
{
	char path[128];
	int fd;

	snprintf(path, sizeof path, "%s%s", strchr(namespace, '/') ? "" : "/run/netns/", namespace);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	must(fd >= 0 && setns(fd, CLONE_NEWNET) == 0, path);
	close(fd);
}

static struct sockaddr_in address(const char *text, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	must(inet_pton(AF_INET, text, &a.sin_addr) == 1, text);
	return a;
}

static void no_blocking(int fd)
{
	must(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0, "fcntl");
}

/* The streams connect one after the other, before there is any load. */
static void connect_streams(const char *from, const char *to, char **text)
{
	int listeners[STREAMS_MAX], one = 1;

	enter(to);
	for (int i = 0; i < n_streams; i++) {
		struct sockaddr_in a = address(text[i], PORT + i);
		listeners[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		setsockopt(listeners[i], SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
		must(bind(listeners[i], (struct sockaddr *)&a, sizeof a) == 0 && listen(listeners[i], 1) == 0, text[i]);
	}
	enter(from);
	for (int i = 0; i < n_streams; i++) {
		struct sockaddr_in a = address(text[i], PORT + i);
		outs[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		must(connect(outs[i], (struct sockaddr *)&a, sizeof a) == 0, text[i]);
		ins[i] = accept(listeners[i], NULL, NULL);
		must(ins[i] >= 0, "accept");
		close(listeners[i]);
		no_blocking(outs[i]);
		no_blocking(ins[i]);
	}
}

static int watch(const int *fds, uint32_t events)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	must(epoll >= 0, "epoll");
	for (int i = 0; i < n_streams; i++) {
		struct epoll_event e = { .events = events, .data.u32 = (uint32_t)i };
		must(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &e) == 0, "epoll_ctl");
	}
	return epoll;
}

static void *send_streams(void *nothing)
{
	int epoll = watch(outs, EPOLLOUT);
	struct epoll_event e[STREAMS_MAX];

	for (;;) {
		int n = epoll_wait(epoll, e, STREAMS_MAX, -1);
		for (int i = 0; i < n; i++)
			if (write(outs[e[i].data.u32], data, sizeof data) < 0 && errno != EAGAIN)
				must(0, "write");
	}
	return nothing;
}

static void *receive_streams(void *nothing)
{
	static uint8_t to[CHUNK];
	int epoll = watch(ins, EPOLLIN);
	struct epoll_event e[STREAMS_MAX];

	for (;;) {
		int n = epoll_wait(epoll, e, STREAMS_MAX, -1);
		for (int i = 0; i < n; i++) {
			ssize_t k = read(ins[e[i].data.u32], to, sizeof to);
			if (k > 0)
				got[e[i].data.u32] += (uint64_t)k;
		}
	}
	return nothing;
}

static void open_flood(const char *from, const char *to, const char *text)
{
	struct sockaddr_in a = address(text, PORT);
	int size = 8 << 20;

	enter(to);
	flow_in = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setsockopt(flow_in, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	must(bind(flow_in, (struct sockaddr *)&a, sizeof a) == 0, text);
	enter(from);
	flow_out = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setsockopt(flow_out, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	must(connect(flow_out, (struct sockaddr *)&a, sizeof a) == 0, text);
	if (segments > 1)
		must(setsockopt(flow_out, IPPROTO_UDP, UDP_SEGMENT, &bytes, sizeof bytes) == 0, "UDP_SEGMENT");
}

static void *flood(void *nothing)
{
	static struct mmsghdr m[MESSAGES];
	struct iovec iov = { data, bytes * segments };

	for (int i = 0; i < MESSAGES; i++)
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
	for (double began = now(); ; ) {
		int k = sendmmsg(flow_out, m, MESSAGES, 0);
		if (k > 0)
			flood_sent += (uint64_t)k * iov.iov_len;
		while (rate > 0 && (double)flood_sent * 8 > (now() - began) * rate * 1e6)
			pause_s(0.0002);
	}
	return nothing;
}

static void *receive_flood(void *nothing)
{
	static struct mmsghdr m[MESSAGES];
	static uint8_t to[MESSAGES][2048];
	struct iovec iov[MESSAGES];

	for (;;) {
		int k;
		uint64_t n = 0;
		for (int i = 0; i < MESSAGES; i++) {
			iov[i] = (struct iovec){ to[i], sizeof to[i] };
			m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
		}
		k = recvmmsg(flow_in, m, MESSAGES, MSG_WAITFORONE, NULL);
		for (int i = 0; i < k; i++)
			n += m[i].msg_len;
		flood_got += n;
	}
	return nothing;
}

static void start(void *(*run)(void *))
{
	pthread_t id;

	must(pthread_create(&id, NULL, run, NULL) == 0, "pthread_create");
}

static void report(double seconds)
{
	uint64_t first[STREAMS_MAX], last[STREAMS_MAX], sent = flood_sent, received = flood_got;
	double sum = 0, squares = 0, least = 1e18, greatest = 0, began = now(), took;
	int still = 0;

	for (int i = 0; i < n_streams; i++)
		first[i] = last[i] = got[i];
	for (int k = 1; k <= TENTHS; k++) {
		int without = 0;
		pause_s(began + seconds * k / TENTHS - now());
		for (int i = 0; i < n_streams; i++) {
			uint64_t g = got[i];
			without += g == last[i];
			last[i] = g;
		}
		still = without > still ? without : still;
	}
	took = now() - began;
	for (int i = 0; i < n_streams; i++) {
		double mbit = (double)(last[i] - first[i]) * 8 / took / 1e6;
		sum += mbit;
		squares += mbit * mbit;
		least = mbit < least ? mbit : least;
		greatest = mbit > greatest ? mbit : greatest;
	}
	printf("%.3f %.1f %.2f %.2f %.1f %.1f %d\n", squares > 0 ? sum * sum / squares / n_streams : 0, sum, least,
	       greatest, (double)(flood_got - received) * 8 / took / 1e6,
	       (double)(flood_sent - sent) * 8 / took / 1e6, still);
}

static void parse_flood(const char *text)
{
	const char *at = strchr(text, '@');

	must(sscanf(text, "%ux%u", &bytes, &segments) >= 1 && bytes <= 2048 && bytes * segments <= BYTES_MAX &&
	     (!at || sscanf(at + 1, "%u", &rate) == 1), text);
}

int main(int argc, char **argv)
{
	double seconds;

	must(argc > 6 && argc - 6 <= STREAMS_MAX, "usage: streams FROM TO SECONDS FLOOD-ADDRESS FLOOD ADDRESS");
	seconds = atof(argv[3]);
	n_streams = argc - 6;
	parse_flood(argv[5]);
	signal(SIGPIPE, SIG_IGN);
	connect_streams(argv[1], argv[2], argv + 6);
	if (bytes > 0)
		open_flood(argv[1], argv[2], argv[4]);
	start(receive_streams);
	start(send_streams);
	if (bytes > 0) {
		start(receive_flood);
		start(flood);
	}
	pause_s(seconds / 4);
	report(seconds * 3 / 4);
	return EXIT_SUCCESS;
}
