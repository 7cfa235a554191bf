/* The state that a daemon passes to the process that takes over its tunnel (control/takeover.h), in shared memory: a word that
 * indicates whether the state was claimed, a header, and the state of the tunnel (proto/tunnel.h). Pure. */
#ifndef DAEMON_TAKEOVER_STATE_H
#define DAEMON_TAKEOVER_STATE_H

#include "daemon/io/tun.h"
#include "daemon/io/udp.h"

enum {
	TAKEOVER_VERSION = 6,      /* of the layout of everything here, and of the state of the tunnel */
	TAKEOVER_OFFER_BYTES = 39,
	TAKEOVER_SOCKETS = UDP_SOCKETS + 2 * UDP_SLOW_SOCKETS,
	TAKEOVER_GUARDS = 2,
	TAKEOVER_FDS = 1 + TAKEOVER_SOCKETS + TAKEOVER_GUARDS, /* at most: the memory first */
	TAKEOVER_STATE_BYTES = 4,  /* the word at the start; the header follows */
};
#define TAKEOVER_BYTES_MAX ((size_t)1 << (sizeof(size_t) > 4 ? 33 : 30)) /* no larger state is taken */
#define TAKEOVER_AGE_MAX_NS (10 * NS_PER_S)  /* of a state: it is not taken later */

/* The answer to the request: whether the process may go on. */
struct takeover_offer {
	uint32_t version;
	uint64_t netns_device, netns_inode; /* of the network namespace that the UDP sockets are in */
	struct tun_settings tun;             /* it is in use: the other process keeps them */
};
void takeover_offer_write(uint8_t out[TAKEOVER_OFFER_BYTES], const struct takeover_offer *offer);
must_check bool takeover_offer_read(struct takeover_offer *out, const uint8_t bytes[TAKEOVER_OFFER_BYTES]);

struct takeover_socket { /* a descriptor in the message, in this order, and what is known of it */
	bool is_open, gro, gso, mmsg;
	uint8_t kind; /* enum udp_kind */
	uint32_t send_bytes;
};

struct takeover_header {
	uint64_t created_ns;      /* CLOCK_BOOTTIME */
	uint64_t clock_offset_ns; /* struct control.clock_offset_ns */
	uint64_t netns_device, netns_inode; /* of the network namespace that the UDP sockets are in */
	uint32_t mark;
	uint16_t port;
	bool is_up;
	struct wg_binding binding;
	uint32_t ifindex;         /* that the sockets are bound to */
	struct takeover_socket sockets[TAKEOVER_SOCKETS]; /* UDP_SOCKETS, slow ones of IPv4, of IPv6 */
	bool has_guard[TAKEOVER_GUARDS];
	uint64_t tunnel_bytes;    /* of the state of the tunnel, which follows */
};
size_t takeover_header_bytes(void);
void takeover_header_write(uint8_t *out, const struct takeover_header *h); /* takeover_header_bytes() */
/* n: of the header and what follows. False: another version, or not valid, or older than TAKEOVER_AGE_MAX_NS. */
must_check bool takeover_header_read(struct takeover_header *out, const uint8_t *bytes, size_t n, uint64_t now_ns);
unsigned int takeover_header_fds(const struct takeover_header *h); /* descriptors in the message */

/* The word. A state is taken once, whichever processes have the memory: the first one gets true. */
void takeover_set_full(void *state);
must_check bool takeover_claim(void *state);

#endif
