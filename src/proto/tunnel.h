/* The public header of proto: a WireGuard tunnel as a state machine without input and output. Bytes
 * and the time go in, bytes and a deadline come out; there is no clock, no randomness, no file and
 * no socket. It implements the whole protocol of the WireGuard whitepaper (Donenfeld, "WireGuard:
 * Next Generation Kernel Network Tunnel", NDSS 2017; section numbers are those of the revision at
 * https://www.wireguard.com/papers/wireguard.pdf). Where the paper leaves a choice (timer jitter,
 * rate limits, byte counts, limits of queues), it does what the Linux kernel does.
 *
 * Units: times are absolute nanoseconds of a monotonic clock that counts suspend (CLOCK_BOOTTIME);
 * NEVER means no deadline. The names of other quantities end with their unit (_s,
 * _bytes). Ports are in host byte order, addresses and keys are byte arrays in network order.
 *
 * Threads: the data half (tunnel_seal*, tunnel_open, and "either half") may run in any number of
 * threads at once; each call is inside a reader section of its thread, which the caller delimits. The
 * control half is everything else, unless a comment says "any thread", and runs in one thread. It
 * alone changes sessions, indices and routes, always between env.publish_begin, which waits until no
 * thread is inside a reader section and keeps them out, and env.publish_end. A program with one
 * thread leaves both null.
 *
 * Memory: the caller owns every buffer, the tunnel borrows it for the call; the tunnel owns peers, sessions
 * and staged packets. The data half allocates nothing. Functions that allocate report -ENOMEM, or
 * null, and change nothing then.
 *
 * Errors: what the network sends is never an error. Each buffer of a batch gets a verdict and, if it
 * is dropped, a reason, which is counted (tunnel_drops). */
#ifndef WG_TUNNEL_H
#define WG_TUNNEL_H

#include "base/addr.h"
#include "base/key.h"
#include "counts.h"

struct wg_tunnel;
struct wg_tunnel_peer;

/* Computes jobs [first, first + n), independently of all others: X25519 multiplications of handshakes. */
typedef void wg_compute_fn(void *jobs, size_t first, size_t n);

struct wg_env { /* what the tunnel needs from the program; all are called by the control half */
	void *ctx;
	void (*random)(void *ctx, void *p, size_t n); /* cryptographically secure; cannot fail */
	void (*realtime)(void *ctx, uint64_t *unix_s, uint32_t *ns); /* wall clock: TAI64N, handshake_s */
	void (*publish_begin)(void *ctx); /* may be null; the tunnel does not nest them */
	void (*publish_end)(void *ctx);
	/* Calls compute(jobs, first, n) for parts that together are all n jobs, in any threads, and returns when they are done. Null:
	 * the tunnel computes alone. */
	void (*parallel)(void *ctx, wg_compute_fn *compute, void *jobs, size_t n);
};

/* ---- batches ---- */

/* The two ends of a datagram: the remote endpoint, and the local address and interface it was
 * received on, which replies are sent from. local.family IP_NONE: the system chooses the source
 * address. */
struct wg_path {
	struct ip_endpoint remote;
	struct ip_addr local;
	uint32_t ifindex;  /* 0: any */
	uint32_t tx_index; /* out: index of the session or handshake that counted it, by which the functions that take
			    * a path find its peer; 0: none */
	/* The caller's knowledge of the route from local to remote; the tunnel stores it with the path. */
	uint32_t route_ifindex;  /* the interface it leads to; 0: not looked up yet */
	uint32_t routes_version; /* of the routing tables when it was looked up or, before that, when the path was learnt */
};
bool path_equal(const struct wg_path *a, const struct wg_path *b); /* compares remote, local and ifindex */

enum wg_verdict {
	WG_DONE,    /* nothing to do; `drop` says whether the packet was dropped, and why */
	WG_TO_UDP,  /* send dst[0..out_n) along paths[path] with `tos` */
	WG_TO_TUN,  /* write dst[0..out_n) to TUN */
	WG_CONTROL, /* pass it to the control half: tunnel_control_tun or tunnel_control_udp */
};

enum {
	WG_OVERHEAD = 32,       /* bytes of header and tag around the padded packet */
	WG_DATAGRAM_MAX = 65535,
	WG_STAGED_MAX = 128,    /* packets per peer that wait for a handshake; then the oldest is dropped */
};

struct wg_buf {
	const uint8_t *src; /* in: the packet from TUN, or the datagram */
	uint8_t *dst;       /* in: space. seal: out_n bytes or, if that is 0, n + 15 + WG_OVERHEAD; open:
			     * n - 16 bytes. Overlaps src only if the AEAD works in place: seal with
			     * dst + 16 == src, open with dst == src + 16 */
	uint32_t n;         /* in: bytes at src */
	uint32_t out_n;     /* out: bytes at dst. seal in: 0, or an earlier result of tunnel_sealed_size(n) */
	uint16_t path;      /* index into paths: in for open, out for seal */
	uint8_t tos;        /* open: in, TOS byte of the outer header. seal: out, TOS byte for it */
	uint8_t verdict;    /* out: enum wg_verdict */
	uint8_t drop;       /* out: enum wg_drop */
};

struct wg_batch {
	struct wg_buf *bufs;
	size_t n;
	/* open: filled in by the caller. seal: space for n, filled in by the call, one for each run of
	 * buffers of one peer; neighbours with the same index may leave in one system call. */
	struct wg_path *paths;
	size_t n_paths;
};

/* ---- data half ---- */

/* Packets from TUN. Chooses the peer by destination address, encrypts if it has a session
 * (WG_TO_UDP), leaves the packet to the control half otherwise (WG_CONTROL: stage it and begin a
 * handshake), or drops it. For NO_PEER and NO_ENDPOINT the caller should send an ICMP error. */
void tunnel_seal(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b);
/* The same in two steps, for several threads that share a source of packets. `counters_reserved` is
 * called when verdicts, paths and counters are final and the bytes are not encrypted yet. Threads
 * that take turns up to there, and again for sending, send with increasing counters although they
 * encrypt in parallel. */
struct wg_seal_order {
	void (*counters_reserved)(void *ctx);
	void *ctx;
	struct wg_run *runs; /* space for as many as the batch has buffers; needs no initialisation */
};
void tunnel_seal_in_order(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b,
			  const struct wg_seal_order *order);
struct wg_run { /* private to the tunnel: the session of a path and its first counter */
	const void *session;
	uint64_t counter;
};
/* For counters_reserved: a word of the peer that the run of paths[i] of the batch belongs to, 0 at first. The caller's own, and the
 * turn to reserve counters protects it. */
uint32_t *tunnel_run_order(const struct wg_run *runs, size_t i);
/* Size of the datagram for a packet of n bytes, for callers that lay datagrams out without gaps. Any
 * thread. */
uint32_t tunnel_sealed_size(const struct wg_tunnel *t, uint32_t n);
/* These datagrams could not be sent along the path: counts them as dropped and subtracts their bytes from tx_bytes.
 * Either half. */
void tunnel_tx_failed(struct wg_tunnel *t, const struct wg_path *path, unsigned int datagrams, uint64_t bytes,
		      enum wg_drop why);
/* The source address of this path was removed, or its route now leads to another interface: datagrams to the peer
 * have no source address until the next one from it. Either half. Like tunnel_keep_source, has no effect
 * if the path of the peer has changed meanwhile, and visits no other peer. */
void tunnel_clear_source(struct wg_tunnel *t, const struct wg_path *path);
/* Stores what the caller knows of the route of this path. Either half. */
void tunnel_keep_source(struct wg_tunnel *t, const struct wg_path *path);
/* The part of the sessions, of n, that this receiver index belongs to: what the kernel computes of the bytes in the message
 * (udp_filter_attach_choice). */
static inline uint32_t wg_shard_of(uint32_t index, uint32_t n)
{
	uint8_t b[4];

	store_le32(b, index);
	return load_be32(b) % n;
}
/* Datagrams from UDP. Decrypts data messages and checks replay, inner length and inner source
 * address (WG_TO_TUN; WG_DONE for keepalives and drops). Handshake messages of valid length are
 * WG_CONTROL, responses and cookie replies only if they name an index in use. */
void tunnel_open(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b);

/* ---- control half ---- */

/* Handle the buffers whose verdict is WG_CONTROL; their verdicts become WG_DONE. Call
 * tunnel_control_next afterwards until it returns false. under_load: too many handshake messages
 * arrive, so demand cookies (whitepaper section 5.3). */
void tunnel_control_tun(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b);
void tunnel_control_udp(struct wg_tunnel *t, uint64_t now_ns, struct wg_batch *b, bool under_load);
/* Removes the next datagram to be sent: a handshake message, cookie reply, keepalive or staged packet.
 * Writes it to out->dst (space for WG_DATAGRAM_MAX) with out_n, tos and verdict WG_TO_UDP, and its path
 * to *to. False: nothing is left to send. Call it after tunnel_seal, tunnel_open and tunnel_tick, too. */
must_check bool tunnel_control_next(struct wg_tunnel *t, uint64_t now_ns, struct wg_buf *out,
				    struct wg_path *to);
/* When to call tunnel_tick; 0: call tunnel_control_next now. */
uint64_t tunnel_deadline(struct wg_tunnel *t);
void tunnel_tick(struct wg_tunnel *t, uint64_t now_ns);
/* For a data thread after a batch, outside its reader section: the data half has left work for the
 * control half, which should be woken to call tunnel_control_next. Any thread. */
bool tunnel_needs_control(const struct wg_tunnel *t);

/* Order of packets while a session is missing: once control has staged a packet of a peer, later
 * packets of that peer are WG_CONTROL, too, even if there is a session by now, until control has
 * sent everything. By default that ends by itself. A caller with queues between its data threads and
 * control calls tunnel_hold once at the start; it ends in tunnel_release only. While
 * tunnel_is_holding, the caller empties these queues into the tunnel and drains it, and calls
 * tunnel_release when they are empty and no reader section runs. */
void tunnel_hold(struct wg_tunnel *t);
/* After tunnel_hold, the data half bounds how many packets of one peer become WG_CONTROL, and of all, so that neither one
 * nor many fill the caller's queue; beyond, it drops them (WG_DROP_STAGED_FULL). The bounds are for the time between two
 * calls of this, which the caller makes whenever it has emptied the queue. */
void tunnel_queue_emptied(struct wg_tunnel *t);
bool tunnel_is_holding(const struct wg_tunnel *t);
void tunnel_release(struct wg_tunnel *t);

/* ---- creation and configuration: control half ---- */

/* A tunnel that is down and has neither a private key nor peers. Null: out of memory. */
must_check struct wg_tunnel *tunnel_new(const struct wg_env *env);
void tunnel_free(struct wg_tunnel *t); /* wipes all keys; null is allowed */

/* Up: timers run and persistent keepalives start. Down: drops staged packets, stops timers, wipes
 * session keys; sends nothing. */
void tunnel_up(struct wg_tunnel *t, uint64_t now_ns);
void tunnel_down(struct wg_tunnel *t);
/* Another machine may have a copy of the keys: sessions no longer send and receive until they expire, handshakes
 * that have begun are given up, and new ones may begin at once. Visits every peer; call it inside one publication, so that
 * nothing is sent meanwhile. */
void tunnel_expire_sessions(struct wg_tunnel *t);
/* MTU of the TUN, which padding never exceeds; 0: no limit. Default 1420. */
void tunnel_set_mtu(struct wg_tunnel *t, uint32_t mtu);

/* Stores the key, clamped; all zero: no key. A key that changes removes a peer with the same public
 * key, invalidates all sessions for sending, and lets a new handshake begin at once. Computes
 * X25519, and visits every peer. */
void tunnel_set_private_key(struct wg_tunnel *t, const struct wg_private *key);
void tunnel_private_key(const struct wg_tunnel *t, struct wg_private *out); /* all zero: none. Wipe it */
bool tunnel_public_key(const struct wg_tunnel *t, struct wg_public *out);   /* false: none */

/* The functions below compute no X25519: the handshakes that they cause begin in tunnel_control_next
 * and tunnel_tick. So a caller may wrap many of them in one publication, inside which env.publish_begin
 * and env.publish_end must do nothing. */

/* Peers are in the order in which they were added. find and next return null if no peer matches or
 * follows. */
struct wg_tunnel_peer *tunnel_peer_find(struct wg_tunnel *t, const struct wg_public *key);
struct wg_tunnel_peer *tunnel_peer_next(struct wg_tunnel *t, struct wg_tunnel_peer *after);
/* 0, -EEXIST, -EADDRINUSE (it is our own public key) or -ENOMEM. *out: the new or existing peer,
 * null otherwise. It is valid until tunnel_peer_remove, tunnel_free, or a tunnel_set_private_key
 * with its key. */
must_check int tunnel_peer_add(struct wg_tunnel_peer **out, struct wg_tunnel *t,
			       const struct wg_public *key);
/* Allocates the tables for this many more peers and allowed IPs, before a large configuration and
 * outside its publication. 0 or -ENOMEM. */
must_check int tunnel_reserve(struct wg_tunnel *t, size_t n_peers, size_t n_routes);
void tunnel_peer_remove(struct wg_tunnel *t, struct wg_tunnel_peer *p); /* wipes its keys */

/* All zero: none. Sessions go on; the next handshake uses it. */
void tunnel_peer_set_psk(struct wg_tunnel *t, struct wg_tunnel_peer *p, const struct wg_psk *psk);
void tunnel_peer_set_endpoint(struct wg_tunnel *t, struct wg_tunnel_peer *p,
			      const struct ip_endpoint *endpoint);
void tunnel_peer_set_keepalive(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p,
			       uint16_t seconds); /* 0: off */
/* Sends a keepalive. If the peer has no session, a handshake begins at once. While the tunnel is up. */
void tunnel_peer_send_keepalive(struct wg_tunnel *t, struct wg_tunnel_peer *p);
/* After the peer was configured while the tunnel is up: makes tunnel_control_next send what is staged. */
void tunnel_peer_flush(struct wg_tunnel *t, struct wg_tunnel_peer *p);

/* Allowed IPs. Adding a prefix removes it from another peer that has it; removing has no effect
 * unless this peer has it. 0 or -ENOMEM. */
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
	uint64_t handshake_s; /* unix time of the latest handshake; 0: never */
	uint32_t handshake_ns;
	uint64_t rx_bytes, tx_bytes; /* UDP payload of authentic packets, without cookie replies */
};
void tunnel_peer_state(const struct wg_tunnel *t, const struct wg_tunnel_peer *p,
		       struct wg_peer_state *out); /* holds the psk: wipe it */
/* The allowed IPs of the peer, in the order in which they were added: start with *cursor = null.
 * False: no more. */
must_check bool tunnel_peer_route_next(const struct wg_tunnel *t, const struct wg_tunnel_peer *p,
				       const void **cursor, struct ip_prefix *out);

/* Sessions are divided into n parts from now on; before the first call there is one. All later sessions of a peer are in one
 * part, and the peers take turns. Nothing but speed depends on it. */
void tunnel_set_shards(struct wg_tunnel *t, uint32_t n);
/* The port or the mark changed: clears the source address that replies are sent from, of all peers. */
void tunnel_clear_sources(struct wg_tunnel *t);

/* ---- hand-over to another process: control half, while no thread uses the tunnel ---- */

/* The state of the tunnel, which contains all of its keys: the caller wipes it. Writes it and expires all sessions here, as
 * tunnel_expire_sessions: from then on only the tunnel that imports the state sends with their keys, with greater
 * counters. False: n differs from tunnel_export_bytes. */
size_t tunnel_export_bytes(struct wg_tunnel *t);
must_check bool tunnel_export(struct wg_tunnel *t, void *out, size_t n);
/* Into a tunnel that is as tunnel_new made it. The state is of the same machine: times are of its CLOCK_BOOTTIME. A state
 * may be imported once; the caller sees to that. 0; -EPROTO: not a valid state; -ENOMEM. After an error the tunnel can only
 * be freed. */
must_check int tunnel_import(struct wg_tunnel *t, uint64_t now_ns, const void *state, size_t n);

/* How many packets were dropped since tunnel_new, by reason, and how often each event occurred. Any thread. */
void tunnel_drops(const struct wg_tunnel *t, uint64_t counts[WG_DROP_COUNT]);
void tunnel_events(const struct wg_tunnel *t, uint64_t counts[WG_EVENT_COUNT]);
/* Counts packets that the caller lost. Any thread. */
void tunnel_count_drops(struct wg_tunnel *t, enum wg_drop why, uint64_t n);
struct wg_load { /* what the tunnel holds at the moment */
	uint32_t peers;
	uint32_t receiver_indices; /* of sessions and of handshakes that have begun */
	uint32_t timers;           /* peers with a timer that runs */
	uint32_t outbox;           /* handshake messages and cookie replies to send */
	size_t staged_bytes;       /* of packets that wait for a session */
};
void tunnel_load(const struct wg_tunnel *t, struct wg_load *out); /* O(1) */

/* Runs known-answer tests of all cryptographic implementations in use. False: do not start. */
must_check bool tunnel_self_test(void);
/* Restricts the CPU features that may be used, before any other call: the value of WG_CPU, "generic"
 * or names of features; null, "" and "auto": no restriction. False: an unknown name. */
must_check bool tunnel_use_cpu(const char *features);
/* What a thread calls while it waits for a lock whose holder does not run, for programs with several threads; before
 * any other call. */
void tunnel_set_yield(void (*yield)(void));
/* Name of the implementation of a primitive in use, such as "portable" for "aead"; see crypto_impl_name. */
const char *tunnel_crypto_impl(const char *primitive);

#endif
