/* wgproto: the WireGuard protocol as a library, a state machine without sockets, threads or clock. Received datagrams,
 * packets and the time go in; datagrams, packets and a deadline come out. wgproto(3) describes it.
 *
 * Times (now_ns) are absolute nanoseconds of a monotonic clock that includes time in suspend, such as CLOCK_BOOTTIME; if it goes
 * back, sessions live longer and timers run later. Keys and addresses are bytes in network order, ports are in host order. Keys
 * have 32 bytes; functions take their length to detect a wrong one.
 *
 * Threads: functions of different instances may run at the same time. Those of one instance run in one thread at a time,
 * except for the data half (wgproto_seal, wgproto_open) and those marked "any thread"; see struct wgproto_env.
 *
 * Memory: the caller owns every buffer and array, the instance borrows them for the call. The instance owns the rest, until
 * wgproto_free. The data half allocates nothing.
 *
 * Errors: no function aborts, exits, prints or raises a signal. An error changes nothing, except that WGPROTO_BROKEN,
 * WGPROTO_NO_RANDOM and a state that cannot be imported close the instance: all further calls return WGPROTO_BROKEN, and it can
 * only be freed. Input from the network never causes an error: each packet gets an action and, if it is dropped, a reason, which
 * is counted. */
#ifndef WGPROTO_H
#define WGPROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define WGPROTO_EXPORT __attribute__((visibility("default")))
#define WGPROTO_CHECK __attribute__((visibility("default"), warn_unused_result))
#else
#define WGPROTO_EXPORT
#define WGPROTO_CHECK
#endif

/* The version of this interface, larger after each addition, and that of the library in use. */
#define WGPROTO_API_VERSION 1
WGPROTO_EXPORT unsigned int wgproto_api_version(void);
WGPROTO_EXPORT const char *wgproto_version(void); /* of the suite, such as "1.0.0" */

enum wgproto_result {
	WGPROTO_OK = 0,
	WGPROTO_END,       /* there is no (other) datagram, peer or allowed IP */
	WGPROTO_INVALID,   /* an argument is null, has a wrong length, or is out of range; or a callback calls its instance */
	WGPROTO_NO_MEMORY,
	WGPROTO_NO_PEER,   /* no peer has this public key */
	WGPROTO_EXISTS,    /* there is a peer with this public key */
	WGPROTO_OWN_KEY,   /* the public key is that of the instance */
	WGPROTO_NO_CPU,    /* the name of a CPU feature is unknown, or this machine computes wrong results with it */
	WGPROTO_NO_RANDOM, /* the source of random bytes failed */
	WGPROTO_BROKEN,    /* an error in this library, or an earlier one */
};
WGPROTO_EXPORT const char *wgproto_result_text(enum wgproto_result result);

enum { WGPROTO_KEY_BYTES = 32, WGPROTO_KEY_TEXT_BYTES = 45 /* base64 with NUL */ };

struct wgproto_addr {
	uint8_t family; /* 4, 6 or 0: none */
	uint8_t b[16];  /* an IPv4 address is in the first four */
};

struct wgproto_prefix {
	struct wgproto_addr addr; /* bits beyond the prefix are ignored */
	uint8_t bits;
};

struct wgproto_endpoint {
	struct wgproto_addr addr;
	uint16_t port;
	uint32_t scope; /* interface index of an IPv6 link-local address, else 0 */
};

/* The two ends of a datagram. local and ifindex: where it was received, or is to be sent from; family 0 and 0: any. */
struct wgproto_path {
	struct wgproto_endpoint remote;
	struct wgproto_addr local;
	uint32_t ifindex;
	uint32_t session; /* out: for wgproto_send_failed and wgproto_clear_source; 0: none */
};

/* ---- instances ---- */

struct wgproto;

struct wgproto_env {
	size_t size; /* sizeof(struct wgproto_env) */
	void *ctx;   /* passed to the functions below, which cannot call the instance they are called by */
	/* Writes n bytes of cryptographically secure randomness. Null: getrandom(2). False: it failed. */
	bool (*random)(void *ctx, void *p, size_t n);
	/* The wall clock, which must not go back: handshakes contain it. Seconds since 1970. Required. */
	void (*realtime)(void *ctx, uint64_t *unix_s, uint32_t *ns);
	/* Null if one thread at a time uses the instance. Otherwise threads may run the data half at the same time as others,
	 * and each such call is inside a reader section that the caller delimits (a read lock). publish_begin waits until no
	 * thread is in a reader section and keeps them out until publish_end (a write lock); calls are not nested. */
	void (*publish_begin)(void *ctx);
	void (*publish_end)(void *ctx);
	/* The implementations of cryptographic primitives that this instance uses: null or "auto": the best of this CPU;
	 * "generic": portable C; otherwise those that need no CPU features but these, such as "avx2" or "ssse3,bmi2". */
	const char *cpu;
};

/* An instance that is down and has neither a private key nor peers; null after an error. Verifies the implementations with
 * known answers. */
WGPROTO_CHECK enum wgproto_result wgproto_new(struct wgproto **out, const struct wgproto_env *env);
/* Wipes all keys. Null is allowed, and any state of the instance. Has no effect in a callback of the instance. */
WGPROTO_EXPORT void wgproto_free(struct wgproto *w);
/* After WGPROTO_BROKEN: file, line and condition of the error, for a report. Null: none. */
WGPROTO_EXPORT const char *wgproto_broken_text(const struct wgproto *w);
/* The implementation in use of "aead", "x25519", "x25519-batch", "blake2s", "blake2s-lanes", "chacha20", "xchacha20" or
 * "poly1305", such as "avx2". Null: unknown. Any thread. */
WGPROTO_EXPORT const char *wgproto_crypto(const struct wgproto *w, const char *primitive);

/* Up: timers run, persistent keepalives begin. Down: drops waiting packets, wipes session keys, sends nothing. */
WGPROTO_CHECK enum wgproto_result wgproto_up(struct wgproto *w, uint64_t now_ns);
WGPROTO_CHECK enum wgproto_result wgproto_down(struct wgproto *w);
/* Padding never makes a packet larger than this; 0: no limit. Default 1420. */
WGPROTO_CHECK enum wgproto_result wgproto_set_mtu(struct wgproto *w, uint32_t mtu);
/* All zero: none. A new key ends all sessions for sending, and removes a peer that has it. */
WGPROTO_CHECK enum wgproto_result wgproto_set_private_key(struct wgproto *w, const void *key, size_t key_bytes);
WGPROTO_CHECK enum wgproto_result wgproto_private_key(const struct wgproto *w, void *out, size_t out_bytes);
/* WGPROTO_END: there is no private key. */
WGPROTO_CHECK enum wgproto_result wgproto_public_key(const struct wgproto *w, void *out, size_t out_bytes);
/* Sessions no longer send, and new handshakes start: after a resume, when a copy of the keys may be in use elsewhere. */
WGPROTO_CHECK enum wgproto_result wgproto_expire_sessions(struct wgproto *w);
/* Local addresses changed: the system chooses the source addresses again. */
WGPROTO_CHECK enum wgproto_result wgproto_clear_sources(struct wgproto *w);

/* ---- peers, which their public keys name ---- */

WGPROTO_CHECK enum wgproto_result wgproto_peer_add(struct wgproto *w, const void *public_key, size_t key_bytes);
WGPROTO_CHECK enum wgproto_result wgproto_peer_remove(struct wgproto *w, const void *public_key, size_t key_bytes);
/* Memory for this many more, before a large configuration. */
WGPROTO_CHECK enum wgproto_result wgproto_reserve(struct wgproto *w, size_t n_peers, size_t n_allowed_ips);
/* All zero: none. The next handshake uses it. */
WGPROTO_CHECK enum wgproto_result wgproto_peer_set_psk(struct wgproto *w, const void *public_key, size_t key_bytes,
						       const void *psk, size_t psk_bytes);
/* Family 0: none; the peer is sent nothing until it sends something. */
WGPROTO_CHECK enum wgproto_result wgproto_peer_set_endpoint(struct wgproto *w, const void *public_key, size_t key_bytes,
							    const struct wgproto_endpoint *endpoint);
/* Persistent keepalive; 0: off. */
WGPROTO_CHECK enum wgproto_result wgproto_peer_set_keepalive(struct wgproto *w, uint64_t now_ns, const void *public_key,
							     size_t key_bytes, uint16_t seconds);
/* Sends a keepalive and, if there is no session, begins a handshake. Has no effect while the instance is down. */
WGPROTO_CHECK enum wgproto_result wgproto_peer_send_keepalive(struct wgproto *w, const void *public_key, size_t key_bytes);
/* The peer was configured while the instance is up: wgproto_next sends what waits for it. */
WGPROTO_CHECK enum wgproto_result wgproto_peer_flush(struct wgproto *w, const void *public_key, size_t key_bytes);

/* Allowed IPs. A prefix belongs to one peer: adding it takes it away from another. Removing one that the peer does not have
 * has no effect. */
WGPROTO_CHECK enum wgproto_result wgproto_allow(struct wgproto *w, const void *public_key, size_t key_bytes,
						const struct wgproto_prefix *prefix);
WGPROTO_CHECK enum wgproto_result wgproto_disallow(struct wgproto *w, const void *public_key, size_t key_bytes,
						   const struct wgproto_prefix *prefix);
WGPROTO_CHECK enum wgproto_result wgproto_disallow_all(struct wgproto *w, const void *public_key, size_t key_bytes);
/* Lists them in the order in which they were added. *n: in: the space at out; out: how many there are. */
WGPROTO_CHECK enum wgproto_result wgproto_allowed(const struct wgproto *w, const void *public_key, size_t key_bytes,
						  struct wgproto_prefix *out, size_t *n);

struct wgproto_peer {
	uint8_t public_key[WGPROTO_KEY_BYTES];
	uint8_t psk[WGPROTO_KEY_BYTES];    /* the caller wipes it */
	struct wgproto_endpoint endpoint;  /* family 0: none */
	uint16_t keepalive_s;
	uint32_t handshake_ns;
	uint64_t handshake_s;              /* wall clock of the latest handshake; 0: never */
	uint64_t rx_bytes, tx_bytes;
};
WGPROTO_CHECK enum wgproto_result wgproto_peer_get(const struct wgproto *w, const void *public_key, size_t key_bytes,
						   struct wgproto_peer *out);
/* The peer after the one with this key, null: the first, in the order in which they were added. WGPROTO_END: no other. */
WGPROTO_CHECK enum wgproto_result wgproto_peer_next(const struct wgproto *w, const void *public_key, size_t key_bytes,
						    struct wgproto_peer *out);

/* ---- packets ---- */

enum wgproto_action {
	WGPROTO_DONE,    /* nothing to do: handled, or dropped */
	WGPROTO_SEND,    /* send the datagram at dst along path, with tos */
	WGPROTO_DELIVER, /* the packet at dst has arrived */
	WGPROTO_CONTROL, /* pass the packet to wgproto_control_packets or _datagrams */
};

enum { WGPROTO_OVERHEAD = 32, WGPROTO_DATAGRAM_MAX = 65535, WGPROTO_BATCH_MAX = 64 };
/* Space that wgproto_seal needs for a packet of n bytes. */
#define WGPROTO_SEALED_BYTES(n) ((n) + 15 + WGPROTO_OVERHEAD)
enum { WGPROTO_PACKET_MAX = WGPROTO_DATAGRAM_MAX - 15 - WGPROTO_OVERHEAD }; /* bytes of a packet to seal */

struct wgproto_packet {
	const uint8_t *src;       /* in: the packet, or the datagram */
	size_t src_bytes;
	uint8_t *dst;             /* in: space; seal: WGPROTO_SEALED_BYTES(src_bytes); open: src_bytes - 16 */
	size_t dst_space;
	size_t dst_bytes;         /* out: bytes at dst */
	struct wgproto_path path; /* in for open, out for seal and next */
	uint8_t tos;              /* of the outer header: in for open, out for seal and next */
	uint8_t action;           /* out: enum wgproto_action */
	uint8_t drop;             /* out: enum wgproto_drop */
};

/* The data half. seal: IP packets become datagrams. open: datagrams become packets, if they authenticate and their source
 * address is an allowed IP of the peer; keepalives do not. The space that is needed at dst must not overlap src, except that
 * dst + 16 == src for seal, and dst == src + 16 for open, nor src or dst of another packet. Packets with action WGPROTO_CONTROL are for the function below. Any number of packets;
 * WGPROTO_BATCH_MAX of them are processed together. After WGPROTO_INVALID no packet was processed. */
WGPROTO_CHECK enum wgproto_result wgproto_seal(struct wgproto *w, uint64_t now_ns, struct wgproto_packet *packets, size_t n);
WGPROTO_CHECK enum wgproto_result wgproto_open(struct wgproto *w, uint64_t now_ns, struct wgproto_packet *packets, size_t n);
/* Handle those with action WGPROTO_CONTROL, and ignore the others: packets that wait for a handshake, and handshake
 * messages. under_load: too many of them arrive, so the source address has to be proved first. Call wgproto_next then. */
WGPROTO_CHECK enum wgproto_result wgproto_control_packets(struct wgproto *w, uint64_t now_ns,
							  struct wgproto_packet *packets, size_t n);
WGPROTO_CHECK enum wgproto_result wgproto_control_datagrams(struct wgproto *w, uint64_t now_ns,
							    struct wgproto_packet *packets, size_t n, bool under_load);
/* Writes the next datagram to send to out->dst, which has WGPROTO_DATAGRAM_MAX bytes: a handshake message, a keepalive or a
 * packet that waited. WGPROTO_END: nothing is left. Call it until then after each of the other functions. */
WGPROTO_CHECK enum wgproto_result wgproto_next(struct wgproto *w, uint64_t now_ns, struct wgproto_packet *out);
/* When to call wgproto_tick, and wgproto_next after it; 0: at once; UINT64_MAX: never. */
WGPROTO_EXPORT uint64_t wgproto_deadline(const struct wgproto *w);
WGPROTO_CHECK enum wgproto_result wgproto_tick(struct wgproto *w, uint64_t now_ns);
/* The data half left work for wgproto_next: to be asked by threads after a reader section. Any thread. */
WGPROTO_EXPORT bool wgproto_needs_control(const struct wgproto *w);
/* Datagrams of these bytes together could not be sent along the path. In a reader section. */
WGPROTO_CHECK enum wgproto_result wgproto_send_failed(struct wgproto *w, const struct wgproto_path *path,
						      unsigned int datagrams, uint64_t bytes);
/* The local address of this path is gone. In a reader section. */
WGPROTO_CHECK enum wgproto_result wgproto_clear_source(struct wgproto *w, const struct wgproto_path *path);

/* ---- counters: any thread ---- */

enum wgproto_drop {
	WGPROTO_DROP_NONE, WGPROTO_DROP_TUN_QUEUE, WGPROTO_DROP_TUN_READ, WGPROTO_DROP_DOWN, WGPROTO_DROP_NOT_IP,
	WGPROTO_DROP_NO_PEER, WGPROTO_DROP_NO_ENDPOINT, WGPROTO_DROP_CONTROL_QUEUE, WGPROTO_DROP_NO_MEMORY,
	WGPROTO_DROP_STAGED_FULL, WGPROTO_DROP_GAVE_UP, WGPROTO_DROP_PEER_REMOVED, WGPROTO_DROP_SEND,
	WGPROTO_DROP_SEND_QUEUE, WGPROTO_DROP_FLOW_DELAY, WGPROTO_DROP_FLOW_FULL, WGPROTO_DROP_SOCKET,
	WGPROTO_DROP_TRUNCATED, WGPROTO_DROP_RX_DOWN, WGPROTO_DROP_MALFORMED, WGPROTO_DROP_UNKNOWN_INDEX,
	WGPROTO_DROP_EXPIRED, WGPROTO_DROP_AUTH, WGPROTO_DROP_REPLAY, WGPROTO_DROP_INNER_NOT_IP, WGPROTO_DROP_SOURCE,
	WGPROTO_DROP_TUN_WRITE, WGPROTO_DROP_HANDSHAKE_QUEUE, WGPROTO_DROP_HANDSHAKE_DOWN, WGPROTO_DROP_MAC1,
	WGPROTO_DROP_COOKIE_SENT, WGPROTO_DROP_RATE, WGPROTO_DROP_HANDSHAKE, WGPROTO_DROP_HANDSHAKE_REPLAY,
	WGPROTO_DROP_FLOOD, WGPROTO_DROP_UNKNOWN_PEER, WGPROTO_DROP_COOKIE, WGPROTO_DROP_HANDSHAKE_NO_MEMORY,
	WGPROTO_DROPS /* the number of them */
};
WGPROTO_EXPORT const char *wgproto_drop_text(enum wgproto_drop drop);
/* Packets dropped for a reason since wgproto_new. */
WGPROTO_EXPORT uint64_t wgproto_drops(const struct wgproto *w, enum wgproto_drop drop);

/* ---- the state, for another process that continues the sessions ---- */

/* The state contains all keys, and the caller wipes it; sessions here send no more. While no thread uses the instance.
 * *n: in: the space at out; out: the bytes of the state. WGPROTO_INVALID: the space is too small, and nothing happened. */
WGPROTO_CHECK enum wgproto_result wgproto_export(struct wgproto *w, void *out, size_t *n);
/* Into an instance that is as wgproto_new made it, on the same machine, once. After an error the instance can only be freed.
 * WGPROTO_INVALID: not a valid state. */
WGPROTO_CHECK enum wgproto_result wgproto_import(struct wgproto *w, uint64_t now_ns, const void *state, size_t n);

/* ---- keys ---- */

/* Base64, as in tunnel files. Takes constant time. */
WGPROTO_CHECK enum wgproto_result wgproto_key_from_text(void *out, size_t out_bytes, const char *text);
WGPROTO_CHECK enum wgproto_result wgproto_key_to_text(char *out, size_t out_bytes, const void *key, size_t key_bytes);
/* 32 random bytes become a private key. */
WGPROTO_CHECK enum wgproto_result wgproto_key_clamp(void *key, size_t key_bytes);
WGPROTO_CHECK enum wgproto_result wgproto_key_public(void *out, size_t out_bytes, const void *private_key, size_t key_bytes);
/* The compiler does not remove it. */
WGPROTO_EXPORT void wgproto_wipe(void *p, size_t n);

#ifdef __cplusplus
}
#endif

#endif
