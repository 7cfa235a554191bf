/* blast FROM TO HOST BYTES SEGMENTS SECONDS: measures UDP throughput from the network namespace FROM to HOST in the
 * namespace TO, with one thread for each end. SEGMENTS > 1: sends super-packets with UDP_SEGMENT. Sends without limit
 * first, then searches the highest rate with less than 0.1 % loss; a step with more loss is repeated once. Prints one
 * line: packets/s received without limit, the same in Mbit/s, the highest rate, its loss in %. */
#include <arpa/inet.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "bench.h"

enum { PORT = 9999, MESSAGES = 32, MESSAGE_BYTES_MAX = 65536, STEPS = 7 };

static int in, out;
static unsigned int bytes, segments;
static double seconds;
static _Atomic uint64_t received;
static uint8_t messages[MESSAGES][MESSAGE_BYTES_MAX];

static void *receive(void *nothing)
{
	static struct mmsghdr m[MESSAGES];
	struct iovec iov[MESSAGES];

	for (;;) {
		uint64_t n = 0;
		int k;
		for (int i = 0; i < MESSAGES; i++) {
			iov[i] = (struct iovec){ messages[i], MESSAGE_BYTES_MAX };
			m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
		}
		k = recvmmsg(in, m, MESSAGES, MSG_WAITFORONE, NULL);
		for (int i = 0; i < k; i++)
			n += m[i].msg_len / bytes;
		atomic_fetch_add(&received, n);
	}
	return nothing;
}

struct result { double sent, got; };

/* Sends for `seconds`, at `rate` packets/s; 0: without limit. */
static struct result blast(double rate)
{
	static uint8_t payload[MESSAGE_BYTES_MAX];
	struct iovec iov = { payload, (size_t)bytes * segments };
	struct mmsghdr m[MESSAGES];
	uint64_t before = atomic_load(&received), sent = 0;
	double start = now(), t;

	for (int i = 0; i < MESSAGES; i++)
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
	while ((t = now()) < start + seconds) {
		double due = rate > 0 ? ((t - start) * rate - (double)sent) / segments : MESSAGES;
		int k;
		if (due < 1) {
			pause_s(20e-6);
			continue;
		}
		k = sendmmsg(out, m, due < MESSAGES ? (unsigned int)due : MESSAGES, 0);
		sent += k > 0 ? (uint64_t)k * segments : 0;
	}
	pause_s(seconds < 0.1 ? 0.05 : 0.15); /* until packets in flight have arrived or are lost */
	return (struct result){ (double)sent / (t - start),
				(double)(atomic_load(&received) - before) / (t - start) };
}

int main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct result r;
	double low = 0, high, best = 0, lost = 0, free_rate;
	pthread_t thread;
	int one = 1, steps;

	must(argc == 7 && inet_pton(AF_INET, argv[3], &a.sin_addr) == 1, "arguments");
	bytes = (unsigned int)atoi(argv[4]);
	segments = (unsigned int)atoi(argv[5]);
	seconds = atof(argv[6]);
	in = socket_in(argv[2]);
	must(bind(in, (struct sockaddr *)&a, sizeof a) == 0, "bind");
	out = socket_in(argv[1]);
	must(connect(out, (struct sockaddr *)&a, sizeof a) == 0, "connect");
	if (segments > 1) {
		must(setsockopt(out, IPPROTO_UDP, UDP_SEGMENT, &bytes, sizeof bytes) == 0, "segment");
		must(setsockopt(in, IPPROTO_UDP, UDP_GRO, &one, sizeof one) == 0, "gro");
	}
	must(pthread_create(&thread, NULL, receive, NULL) == 0, "thread");
	free_rate = blast(0).got; /* twice: other work may have disturbed the first */
	r = blast(0);
	if (r.got < free_rate)
		r.got = free_rate;
	free_rate = r.got;
	steps = seconds < 0.1 ? 2 : STEPS; /* so short a run only tests that it works */
	high = 1.5 * r.got < r.sent ? 1.5 * r.got : r.sent;
	for (int i = 0; i < steps; i++) {
		double rate = (low + high) / 2;
		r = blast(rate);
		if (r.sent - r.got >= 0.001 * r.sent)
			r = blast(rate);
		if (r.sent - r.got < 0.001 * r.sent) {
			low = rate;
			best = r.got;
			lost = 100 * (r.sent - r.got) / r.sent;
		} else {
			high = rate;
		}
	}
	printf("%.0f %.1f %.0f %.3f\n", free_rate, free_rate * bytes * 8 / 1e6, best, lost);
	return EXIT_SUCCESS;
}
