/* Two workers with tunnels and sockets over loopback, and a simulated TUN at each end, for unit tests. */
#ifndef TEST_WORKER_ENDS_H
#define TEST_WORKER_ENDS_H

#include "daemon/threads/worker.h"
#include "packet_shape.h"

enum { OUT_MAX = 1200, TUN_BYTES = 70000 };

struct end {
	struct tun tun; /* first: the operations below find the end by it */
	struct udp udp;
	struct icmp icmp;
	struct wg_tunnel *tunnel;
	struct wg_tunnel_peer *peer;
	struct worker *worker;
	/* what the TUN delivers next */
	struct vnet_header in_header;
	uint8_t in[TUN_BYTES];
	ssize_t in_n;
	unsigned int in_again; /* so many more times */
	void (*offer_next)(void); /* called before each read */
	/* what was written to the TUN */
	uint8_t out[OUT_MAX * 1600];
	size_t out_n, frames;
	uint32_t sizes[OUT_MAX];
	int refuse_joined, refuse; /* -errno, of joined packets and of all */
};

extern struct end a, b; /* a sends to b */

int open_both(void **state); /* for cmocka_run_group_tests() */
int close_both(void **state);

void run(struct end *e); /* what its control thread does in one turn without data threads */
void run_until_received(size_t n); /* runs both until n bytes were written to the TUN of b */
uint32_t offer(const struct shape *s); /* the TUN of a delivers this packet next; its bytes */
uint32_t offer_super(uint32_t payload); /* likewise a TCP super-packet with segments of 1,000 bytes */
uint64_t dropped_at(const struct end *e, enum wg_drop why);

#endif
