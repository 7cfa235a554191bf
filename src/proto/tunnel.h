/* WireGuard as a machine: bytes and time in, bytes and a deadline out. No clock, chance, files or
 * sockets; the whole protocol of the whitepaper and of reference/protocol.md 1-13.
 *
 * Two halves. The data half (tunnel_seal, tunnel_open) may run in several threads at once, each call
 * inside a read section of its thread's own. The control half is one thread; it owns every write and
 * wraps the few lines that change what the data half reads in env.publish_begin/end, which wait until
 * no reader is inside. A program with one thread leaves both null. Times are absolute nanoseconds of
 * a clock that counts suspend (CLOCK_BOOTTIME); NEVER is never. */
#ifndef WG_TUNNEL_H
#define WG_TUNNEL_H

#include "base/addr.h"
#include "base/key.h"

struct wg_tunnel;
struct wg_tunnel_peer;

struct wg_env {
	void *ctx;
	void (*random)(void *ctx, void *p, size_t n); /* cannot fail */
	void (*realtime)(void *ctx, uint64_t *unix_s, uint32_t *ns); /* wall clock: TAI64N, shows */
	void (*publish_begin)(void *ctx); /* may be null */
	void (*publish_end)(void *ctx);
};

/* ---- batches ---- */

/* Where a datagram came from, or goes: the far end, and the near address and interface it was
 * received on ("sticky" source). local.family IP_NONE: the system chooses. */
struct wg_path {
	struct ip_endpoint remote;
	struct ip_addr local;
	uint32_t ifindex; /* 0: any */
	uint32_t tx_index; /* out: for tunnel_tx_failed; 0: nothing is counted */
};
bool path_equal(const struct wg_path *a, const struct wg_path *b); /* is the way the same? */

enum wg_verdict {
	WG_DONE,    /* nothing to do; `drop` says whether it was dropped, and why */
	WG_TO_UDP,  /* send dst[0..out_n) along paths[path] with `tos` */
	WG_TO_TUN,  /* write dst[0..out_n) */
	WG_CONTROL, /* give it to the control half: tunnel_control_tun or tunnel_control_udp */
};

/* One row per reason: enum word and the text that logs and counters show. */
#define WG_DROPS(X)                                                                \
	X(NONE, "not dropped")                                                            \
	X(MALFORMED, "not a WireGuard message: wrong type or length")                     \
	X(UNKNOWN_INDEX, "no session has this receiver index")                            \
	X(EXPIRED, "session expired or its counter is exhausted")                         \
	X(AUTH, "authentication failed")                                                  \
	X(REPLAY, "replayed, or older than the replay window")                            \
	X(NOT_IP, "inner packet is not IP or has a wrong length")                         \
	X(SOURCE, "inner source address is not in the allowed IPs of the peer")           \
	X(NO_PEER, "no peer has the destination in its allowed IPs")                      \
	X(NO_ENDPOINT, "the peer has no endpoint")                                        \
	X(NO_MEMORY, "out of memory")                                                     \
	X(STAGED_FULL, "more than 128 packets staged for the peer")                       \
	X(GAVE_UP, "staged for a handshake that did not complete")                        \
	X(DOWN, "the interface is down or has no private key")                            \
	X(MAC1, "handshake message with an invalid mac1")                                 \
	X(COOKIE_SENT, "under load: answered with a cookie reply")                        \
	X(RATE, "under load: handshake rate limit of the source exceeded")                \
	X(HANDSHAKE, "handshake message that does not authenticate")                      \
	X(HANDSHAKE_REPLAY, "handshake initiation with an old timestamp")                 \
	X(FLOOD, "handshake initiation within 20 ms of the previous one")                 \
	X(UNKNOWN_PEER, "handshake initiation from an unknown public key")                \
	X(COOKIE, "unexpected cookie reply, or one that does not authenticate")

enum wg_drop {
#define X(word, text) WG_DROP_##word,
	WG_DROPS(X)
#undef X
	WG_DROP_COUNT
};
const char *wg_drop_text(enum wg_drop drop);

enum {
	WG_OVERHEAD = 32,       /* bytes a sealed packet is longer than its padded plaintext */
	WG_DATAGRAM_MAX = 65535,
	WG_STAGED_MAX = 128,    /* packets per peer that wait for a handshake */
};

struct wg_buf {
	const uint8_t *src; /* in: the packet from TUN, or the datagram */
	uint8_t *dst;       /* in: room. seal: out_n or, if it is 0, n + 15 + WG_OVERHEAD bytes; open: n - 16.
			     * dst may be src + any offset only when that is in place for the AEAD:
			     * seal dst + 16 == src, open dst == src + 16; else they do not overlap */
	uint32_t n;         /* in: bytes at src */
	uint32_t out_n;     /* out: bytes at dst. seal in: 0, or tunnel_sealed_size(n) of any moment */
	uint16_t path;      /* index into paths: open in, seal out */
	uint8_t tos;        /* open in: the outer TOS byte; seal out: the outer TOS byte to send */
	uint8_t verdict;    /* out: enum wg_verdict */
	uint8_t drop;       /* out: enum wg_drop */
};

struct wg_batch {
	struct wg_buf *bufs;
	size_t n;
	/* open: filled by the caller. seal: room for n, filled here, one per run of buffers of one peer,
	 * so neighbours with the same index may leave in one system call. */
	struct wg_path *paths;
	size_t n_paths;
};

/* ---- data half ---- */

/* Packets from TUN. Routes by destination, seals what has a session (WG_TO_UDP), leaves the rest to
 * the control half (WG_CONTROL: stage it and shake hands) or drops it (NO_PEER and NO_ENDPOINT
 * deserve an ICMP error). */
void tunnel_seal(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b);
/* The same for one of several threads. `counters_reserved` is called inside when verdicts, paths and counters are
 * there, and the bytes are not: threads whose calls begin and are numbered one after the other send with
 * rising counters, although they work side by side. */
struct wg_seal_order {
	void (*counters_reserved)(void *ctx);
	void *ctx;
	struct wg_run *runs; /* room for as many as the batch has buffers */
};
void tunnel_seal_in_order(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b,
			  const struct wg_seal_order *order);
struct wg_run { /* the tunnel's own */
	const void *session;
	uint64_t counter;
};
/* Bytes of the datagram that n bytes become, for who lays out neighbours without gaps. */
uint32_t tunnel_sealed_size(const struct wg_tunnel *t, uint32_t n);
/* These bytes did not leave by this path after all: they are not counted as sent. In a section, or control. */
void tunnel_tx_failed(struct wg_tunnel *t, const struct wg_path *path, uint64_t bytes);
/* Datagrams from UDP. Data messages are opened and checked (WG_TO_TUN, or WG_DONE for keepalives and
 * drops); handshake messages of right length are WG_CONTROL. */
void tunnel_open(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b);

/* ---- control half ---- */

/* The buffers of the batch whose verdict is WG_CONTROL; their verdicts become WG_DONE. After either,
 * drain tunnel_control_next. */
void tunnel_control_tun(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b);
void tunnel_control_udp(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b, bool under_load);
/* Takes one datagram that is waiting to be sent (handshakes, cookie replies, keepalives, staged
 * packets): writes it to out->dst (room for WG_DATAGRAM_MAX) with out_n, tos, verdict WG_TO_UDP, and
 * its way to *to. False: nothing waits. Also call after tunnel_seal and tunnel_open. */
must_check bool tunnel_control_next(struct wg_tunnel *t, uint64_t now_ns, struct wg_buf *out,
				    struct wg_path *to);
uint64_t tunnel_deadline(struct wg_tunnel *t); /* when tunnel_tick has something to do */
void tunnel_tick(struct wg_tunnel *t, uint64_t now_ns);
/* For workers, after a batch and outside their section: the data half left something for the control
 * half, which should be woken to call tunnel_control_next (tunnel_deadline is 0 then). Any thread. */
bool tunnel_needs_control(const struct wg_tunnel *t);

/* Packets that follow those that wait for a session do not overtake them: they are WG_CONTROL, too, also when
 * there is a session, until control has sent what it has. When more may be on their way to control then,
 * which only the caller knows, it says so at the beginning: tunnel_hold. While tunnel_is_holding, it gives the
 * tunnel what is there and drains it, and when no section runs and nothing is on the way any more, it
 * releases them. */
void tunnel_hold(struct wg_tunnel *t);
bool tunnel_is_holding(const struct wg_tunnel *t);
void tunnel_release(struct wg_tunnel *t);

/* ---- life and configuration: control half ---- */

/* Null: out of memory. Starts down, without identity and peers. */
must_check struct wg_tunnel *tunnel_new(const struct wg_env *env);
void tunnel_free(struct wg_tunnel *t); /* wipes all keys */

/* Up: timers may run, persistent keepalives start. Down: staged packets dropped, timers stopped, session
 * keys wiped; nothing is sent. */
void tunnel_up(struct wg_tunnel *t, uint64_t now_ns);
void tunnel_down(struct wg_tunnel *t);
/* The TUN's MTU: padding never goes beyond it. Default 1420. */
void tunnel_set_mtu(struct wg_tunnel *t, uint32_t mtu);

/* Clamps and stores it (all zero: no identity); the rules of protocol.md 13, among them that a peer
 * with our own new public key is removed. It computes, and looks at each peer. */
void tunnel_set_private_key(struct wg_tunnel *t, const struct wg_private *key);
void tunnel_private_key(const struct wg_tunnel *t, struct wg_private *out); /* zero: none */
bool tunnel_public_key(const struct wg_tunnel *t, struct wg_public *out);   /* false: none */

/* Of these, many changes may be one publication, which the caller begins and ends: none computes a
 * Diffie-Hellman, the handshakes they lead to begin in tunnel_control_next and tunnel_tick. */

/* Peers in the order they were added. find and next return null when there is none. */
struct wg_tunnel_peer *tunnel_peer_find(struct wg_tunnel *t, const struct wg_public *key);
struct wg_tunnel_peer *tunnel_peer_next(struct wg_tunnel *t, struct wg_tunnel_peer *after);
/* 0, -EEXIST, -EADDRINUSE (it is our own key), -ENOMEM; *out is the new or existing peer. */
must_check int tunnel_peer_add(struct wg_tunnel_peer **out, struct wg_tunnel *t,
			       const struct wg_public *key);
/* Grows tables for so many more peers and allowed IPs at once: before a large configuration, and before the
 * publication that it is. 0 or -ENOMEM. */
must_check int tunnel_reserve(struct wg_tunnel *t, size_t n_peers, size_t n_routes);
void tunnel_peer_remove(struct wg_tunnel *t, struct wg_tunnel_peer *p);

void tunnel_peer_set_psk(struct wg_tunnel *t, struct wg_tunnel_peer *p, const struct wg_psk *psk);
void tunnel_peer_set_endpoint(struct wg_tunnel *t, struct wg_tunnel_peer *p,
			      const struct ip_endpoint *endpoint);
void tunnel_peer_set_keepalive(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p,
			       uint16_t seconds);
/* After a peer is configured while the tunnel is up: tunnel_control_next sends what is staged. */
void tunnel_peer_flush(struct wg_tunnel *t, struct wg_tunnel_peer *p);

/* Allowed IPs. Adding moves the prefix away from another peer; removing does nothing unless it is this
 * peer's. 0 or -ENOMEM. */
must_check int tunnel_route_add(struct wg_tunnel *t, struct wg_tunnel_peer *p,
				const struct ip_prefix *prefix);
void tunnel_route_remove(struct wg_tunnel *t, struct wg_tunnel_peer *p,
			 const struct ip_prefix *prefix);
void tunnel_route_clear(struct wg_tunnel *t, struct wg_tunnel_peer *p);

struct wg_peer_state {
	struct wg_public public_key;
	struct wg_psk psk;
	struct ip_endpoint endpoint; /* family IP_NONE: none */
	uint16_t keepalive_s;
	uint64_t handshake_s; /* unix time; 0: never */
	uint32_t handshake_ns;
	uint64_t rx_bytes, tx_bytes;
};
void tunnel_peer_state(const struct wg_tunnel *t, const struct wg_tunnel_peer *p,
		       struct wg_peer_state *out); /* wipe it afterwards */
/* The peer's allowed IPs in the order they were added: start with *cursor = null. */
must_check bool tunnel_peer_route_next(const struct wg_tunnel *t, const struct wg_tunnel_peer *p,
				       const void **cursor, struct ip_prefix *out);

/* The way that packets of the peer take now. False: the system chooses its source. */
bool tunnel_peer_path(const struct wg_tunnel_peer *p, struct wg_path *out);

/* Sticky sources: all of them (port, mark or routes changed), or those of the peers whose path this is
 * (sending from there failed with EINVAL or the address is gone). */
void tunnel_clear_sources(struct wg_tunnel *t);
void tunnel_clear_source(struct wg_tunnel *t, const struct wg_path *path);

/* How many packets were dropped, by reason. */
void tunnel_drops(const struct wg_tunnel *t, uint64_t counts[WG_DROP_COUNT]);

/* Known-answer tests of every cryptographic implementation in use; false: do not start. */
must_check bool tunnel_self_test(void);
/* Restricts the implementations to the CPU features in WG_CPU's format: "generic" or names of features. Null, ""
 * and "auto" allow everything the CPU has. Call it before any other function. False: unknown name. */
must_check bool tunnel_use_cpu(const char *words);
const char *tunnel_crypto_impl(void); /* the AEAD implementation in use: "portable", "avx2", … */

#endif
