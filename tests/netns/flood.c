/* flood HOST PORT FILE WORD LENGTH…: sends datagrams to an IPv4 host that begin with the bytes WORD (hexadecimal, in the
 * order on the wire) and have these lengths, alone and many joined (UDP_SEGMENT), as fast as possible, until FILE does not
 * exist any more. Prints "flooding" after the first ones, and at the end how many were sent. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { JOINED = 44, MESSAGES = 32, BYTES = 65000 };

static unsigned char bytes[BYTES];

static void must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(EXIT_FAILURE);
}

/* Datagrams that were sent. */
static unsigned long send_messages(int s, unsigned int word, int length, int joined)
{
	struct iovec io = { bytes, (size_t)length * (size_t)joined };
	struct mmsghdr m[MESSAGES] = { 0 };
	int segment = joined > 1 ? length : 0, sent;

	for (int i = 0; i < joined; i++) {
		unsigned char *p = bytes + (size_t)i * (size_t)length;
		memset(p, 0x55, (size_t)length);
		for (int k = 0; k < 4 && k < length; k++)
			p[k] = (unsigned char)(word >> (24 - 8 * k));
	}
	must(setsockopt(s, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment) == 0, "UDP_SEGMENT");
	for (int i = 0; i < MESSAGES; i++)
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &io, .msg_iovlen = 1 };
	sent = sendmmsg(s, m, MESSAGES, 0);
	return sent > 0 ? (unsigned long)sent * (unsigned long)joined : 0;
}

int main(int n, char **args)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	unsigned long total = 0;
	unsigned int word;
	int s;

	if (n < 6)
		return EXIT_FAILURE;
	to.sin_port = htons((unsigned short)atoi(args[2]));
	must(inet_pton(AF_INET, args[1], &to.sin_addr) == 1, "address");
	word = (unsigned int)strtoul(args[4], NULL, 16);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	must(s >= 0 && connect(s, (struct sockaddr *)&to, sizeof to) == 0, "socket");
	for (int round = 0; access(args[3], F_OK) == 0; round++) {
		for (int i = 5; i < n; i++) {
			total += send_messages(s, word, atoi(args[i]), JOINED);
			total += send_messages(s, word, atoi(args[i]), 1);
		}
		if (round == 0) {
			puts("flooding");
			fflush(stdout);
		}
	}
	printf("sent %lu\n", total);
	return EXIT_SUCCESS;
}
