/* refused NAME: sends patches of several messages, one of which has a peer that the kernel refuses, and prints what became
 * of the other peers: each was configured completely or not at all, and no message follows a refusal that was received.
 * Calls kernel_set directly, because ipc_set would retry with full lists. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "ipc/ipc.h"
#include "ipc/kernel.h"

enum {
	IPS = 60, /* per peer, so that a few peers fill a message */
	OF_A_MESSAGE = 25, /* a message has more of these peers than this, and less than twice as many */
};

static struct ipc_kernel kernel;
static struct ipc ipc;
static struct wg_device patch;
static const char *name;

static struct wg_peer *add(uint32_t number, uint32_t n_ips)
{
	struct wg_peer *peer = device_add_peer(&patch);

	peer->flags = WG_PEER_HAS_PUBLIC_KEY | WG_PEER_HAS_PSK | WG_PEER_HAS_ENDPOINT;
	memcpy(peer->public_key.b, &number, sizeof number);
	peer->public_key.b[9] = peer->psk.b[9] = 1;
	peer->endpoint.addr = ip_v4((const uint8_t[4]){ 10, 0, 0, 1 });
	peer->endpoint.port = 9;
	for (uint32_t i = 0; i < n_ips; i++) {
		struct ip_addr a = ip_v4((const uint8_t[4]){ (uint8_t)(number >> 8), (uint8_t)number,
							     (uint8_t)(i >> 8), (uint8_t)i });

		if (!prefix_make(&peer_add_allowedip(peer)->prefix, &a, 32))
			abort();
	}
	return peer;
}

static void add_many(uint32_t from, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		add(from + i, IPS);
}

/* An invalid prefix length, which the kernel checks after it has configured the peers before this one. */
static void add_refused(uint32_t number)
{
	add(number, 1)->allowedips[0].prefix.bits = 33;
}

static void begin(uint32_t flags)
{
	struct wg_device empty = { .flags = WG_DEVICE_REPLACE_PEERS };

	device_free(&patch);
	memcpy(empty.name, name, strlen(name) + 1);
	if (kernel_set(&kernel, &empty) != 0)
		exit(1);
	patch.flags = flags;
	memcpy(patch.name, name, strlen(name) + 1);
}

/* Sends the patch, then prints how many peers the device has, how many lack their key, and whether it has this one. */
static void end(const char *title, uint32_t number)
{
	int rc = kernel_set(&kernel, &patch);
	uint32_t keyless = 0, seen = 0;
	struct wg_device now;

	if (ipc_get(&ipc, &now, name) != 0)
		exit(1);
	for (uint32_t i = 0; i < now.n_peers; i++) {
		uint32_t n;

		memcpy(&n, now.peers[i].public_key.b, sizeof n);
		keyless += !(now.peers[i].flags & WG_PEER_HAS_PSK);
		seen += n == number;
	}
	printf("%s: %s, %s peers, %u without key, it is %sthere\n", title, rc == -EINVAL ? "refused" : "not refused",
	       now.n_peers == 1 ? "one of the" : now.n_peers < patch.n_peers ? "some" : "all", keyless, seen ? "" : "not ");
	device_free(&now);
}

int main(int argc, char *argv[])
{
	if (argc != 2)
		return 2;
	name = argv[1];

	begin(WG_DEVICE_REPLACE_PEERS);
	add_refused(1);
	add_many(1000, 10 * OF_A_MESSAGE);
	end("in the first message", 1000);

	begin(0);
	add_many(1000, 2 * OF_A_MESSAGE); /* so that the refusal is in the second message */
	add_refused(1);
	add(2, 9000); /* its allowed IPs continue in the following messages */
	add_many(9000, 9 * OF_A_MESSAGE);
	end("before a peer that is cut", 2);

	begin(0);
	add_many(1000, 2 * OF_A_MESSAGE);
	add_refused(1);
	add(2, 1);
	add_many(9000, OF_A_MESSAGE);
	add(2, 1)->flags &= ~(uint32_t)WG_PEER_HAS_PSK; /* the same peer again, without the preshared key */
	end("before a peer that comes twice", 2);

	begin(0);
	add_many(1000, 3 * OF_A_MESSAGE);
	add_refused(1);
	add_many(9000, 6 * OF_A_MESSAGE);
	add(2, 1);
	end("far before a peer", 2);

	begin(0);
	add_many(1000, 5 * OF_A_MESSAGE);
	if (kernel_set(&kernel, &patch) != 0)
		return 1;
	device_free(&patch);
	kernel_close(&kernel);
	ipc_close(&ipc);
	return 0;
}
