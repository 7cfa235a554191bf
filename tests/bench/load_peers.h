/* Peers of a WireGuard device that exist only as keys and sessions: they shake hands with it, and seal and open data
 * messages, all through one UDP socket. A device without cryptography (ceiling.c) has peers without sessions. */
#ifndef BENCH_LOAD_PEERS_H
#define BENCH_LOAD_PEERS_H

#include "proto/noise.h"

struct load_peer {
	struct noise_identity id;
	struct noise_pending pending;
	struct wg_keypair keys;
	uint64_t counter; /* of the next data message */
	bool has_session;
};

struct load_peers {
	struct load_peer *all;
	uint32_t n;
	bool plain; /* no sessions: messages are not sealed */
	struct wg_public device;
	int fd; /* connected to the device, or not, with: */
	/* Sends a message from an address of this peer. Null: all have that of fd. */
	void (*send)(const struct load_peers *p, uint32_t peer, const void *message, size_t n);
};

enum { LOAD_ADDRESS = 10 << 24 | 64 << 16 }; /* 10.64.0.0/10: peer i has address LOAD_ADDRESS + i */

/* Creates n peers with random keys. */
void load_peers_init(struct load_peers *p, uint32_t n);
void load_peers_save(const struct load_peers *p, const char *file);
void load_peers_load(struct load_peers *p, const char *file);
/* Appends their sections to a configuration file of the device. */
void load_peers_write_conf(const struct load_peers *p, const char *file);
/* New sessions for all; those that are not answered are tried again. */
void load_peers_connect(struct load_peers *p);
/* A keepalive of every peer, so that the device does not ask for new handshakes. */
void load_peers_keep_alive(struct load_peers *p);
/* Seals `packet` of n bytes into a data message. Returns its length. */
uint32_t load_peers_seal(struct load_peers *p, uint32_t peer, uint8_t *out, const uint8_t *packet, uint32_t n);
/* Opens a data message in place. Returns the packet; null if it is none, is empty or is forged. */
const uint8_t *load_peers_open(const struct load_peers *p, uint8_t *message, uint32_t n);

#endif
