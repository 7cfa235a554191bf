/* The state of a tunnel, and the functions that tunnel_*.c call in each other. Private to the module. */
#ifndef WG_TUNNEL_STATE_H
#define WG_TUNNEL_STATE_H

#include "index.h"
#include "limit.h"
#include "packet.h"
#include "peer.h"

enum { HANDSHAKE_CHUNK = 16 }; /* handshakes whose X25519 is computed in one batch */
enum { PEERS_PER_TICK = 64 };  /* so that a tick ends before the next packets have waited long */
enum { COOKIE_NONCES = 64 };   /* drawn at once: a system call for each would cost as much as the reply */

struct datagram { /* a handshake message or cookie reply in the outbox */
	struct wg_path path;
	struct wg_tunnel_peer *peer; /* null: a cookie reply, which no peer's tx_bytes counts */
	uint32_t earlier; /* the number of the datagram of this peer before */
	uint32_t n;       /* 0: the peer was removed, skip it */
	uint8_t tos;
	uint8_t bytes[MSG_INITIATION_BYTES];
};

struct outbox {
	struct datagram *all; /* owned; [first, n) are waiting */
	uint32_t first, n, cap;
};

struct wg_tunnel {
	struct wg_env env; /* constant */

	/* published: changed by the control half inside publish, read in reader sections */
	struct index_table indices;
	struct routes routes;
	bool is_up;

	/* atomic */
	_Atomic uint32_t mtu;
	struct wg_tunnel_peer *_Atomic wake_list; /* a stack, by wake_next */
	_Atomic uint64_t drops[WG_DROP_COUNT];
	_Atomic uint64_t events[WG_EVENT_COUNT];
	struct share_total to_control; /* of the caller's queue from the data half to control */

	/* owned by control */
	bool has_identity;
	struct noise_identity identity;
	struct cookie_checker checker;
	struct limit limit;
	struct wg_tunnel_peer *first, *last;
	uint32_t n_shards;   /* parts of the sessions; 0: one */
	uint8_t next_shard;  /* wg_tunnel_peer.shard of the next peer; wraps around */
	struct peer_table peers;
	uint32_t hash_seed;
	struct heap timers;
	uint32_t timers_cap;
	struct wg_tunnel_peer *woken; /* peers taken from wake_list, by wake_next and wake_prev */
	struct outbox outbox;
	/* Peers to send an initiation to; empty between calls of the control half. */
	struct wg_tunnel_peer *initiators[HANDSHAKE_CHUNK];
	size_t n_initiators;
	/* Peers whose previous session is to be freed; likewise. */
	struct wg_tunnel_peer *unused[PEERS_PER_TICK];
	size_t n_unused;
	uint32_t drawn[HANDSHAKE_CHUNK]; /* indices for the batch of handshakes at hand */
	size_t n_drawn;
	uint8_t nonces[COOKIE_NONCES][XAEAD_NONCE_BYTES]; /* for cookie replies; not secret */
	unsigned int nonces_left;
	size_t staged_bytes; /* of all peers */
	struct wg_tunnel_peer *ready_first, *ready_last; /* ready list: a queue, by ready_next and ready_prev */
	bool must_hold;              /* constant once threads run: tunnel_hold was called */
	struct wg_tunnel_peer *held; /* peers that wait for tunnel_release, by held_next */
	uint8_t sent_timestamp[TAI64N_BYTES];    /* the greatest ever sent; never decreases */
	uint8_t removed_timestamp[TAI64N_BYTES]; /* the greatest ever sent to a peer that was removed */
};

static inline void publish_begin(struct wg_tunnel *t)
{
	if (t->env.publish_begin)
		t->env.publish_begin(t->env.ctx);
}

static inline void publish_end(struct wg_tunnel *t)
{
	if (t->env.publish_end)
		t->env.publish_end(t->env.ctx);
}

static inline void count_drops(struct wg_tunnel *t, enum wg_drop why, uint64_t n)
{
	atomic_fetch_add_explicit(&t->drops[why], n, memory_order_relaxed);
}

static inline void count_event(struct wg_tunnel *t, enum wg_event what, uint64_t n)
{
	atomic_fetch_add_explicit(&t->events[what], n, memory_order_relaxed);
}

static inline void count_drop(struct wg_tunnel *t, struct wg_buf *buf, enum wg_drop why)
{
	buf->drop = (uint8_t)why;
	count_drops(t, why, 1);
}

static inline void count_bytes(_Atomic uint64_t *bytes, uint64_t n)
{
	atomic_fetch_add_explicit(bytes, n, memory_order_relaxed);
}

/* ---- tunnel_data.c ---- */

/* From a reader section: puts the peer in the wake list, for this reason. Lock-free. */
void peer_wake(struct wg_tunnel *t, struct wg_tunnel_peer *p, enum peer_wake why);

/* ---- tunnel_control.c ---- */

/* Sets the key of the peer in the timer heap to its earliest deadline. */
void peer_rearm(struct wg_tunnel *t, struct wg_tunnel_peer *p);
/* Puts the peer in the ready list if it has staged packets: tunnel_control_next sends them, or
 * begins a handshake. */
void peer_make_ready(struct wg_tunnel *t, struct wg_tunnel_peer *p);
/* Stages a keepalive unless something is staged already, and makes the peer ready. */
void peer_send_keepalive(struct wg_tunnel *t, struct wg_tunnel_peer *p);
/* Handles the wake list: confirmations, rekeys, timers. */
void tunnel_drain_woken(struct wg_tunnel *t, uint64_t now_ns);
/* The peer is about to be removed or stopped: takes it out of every list and queue of the tunnel. */
void peer_detach(struct wg_tunnel *t, struct wg_tunnel_peer *p);

/* ---- tunnel_admit.c ---- */

struct arrivals { /* received handshake messages whose MACs are checked together */
	struct arrival {
		struct wg_buf *buf;
		struct wg_msg msg;
		const struct wg_path *from;
	} all[MAC_CHECKS_MAX];
	struct mac_check checks[MAC_CHECKS_MAX]; /* checks[i] is for all[i] */
	size_t n;
};
/* Counts and drops those without a valid mac1, and under load those without a valid mac2 (which get
 * a cookie reply) or beyond the rate limit. Keeps the others in order. */
void arrivals_admit(struct wg_tunnel *t, uint64_t now_ns, struct arrivals *a, bool under_load);

/* ---- tunnel_session.c ---- */

/* Wipes the pending handshake and all sessions. The cookie stays: it is no key, and may be needed for the next one. */
void peer_wipe_keys(struct wg_tunnel *t, struct wg_tunnel_peer *p);
/* Wipes the pending handshake. */
void peer_wipe_handshake(struct wg_tunnel *t, struct wg_tunnel_peer *p);
struct initiation_sent { /* a computed one, not sent yet */
	struct wg_tunnel_peer *peer;
	struct noise_pending pending;
	struct msg_initiation message;
};
/* Replaces the pending handshakes of the peers, in one publication. False: out of memory. */
must_check bool tunnel_set_handshakes(struct wg_tunnel *t, const struct initiation_sent *all, size_t n);
/* Puts sessions of different peers, which handshakes derived, in their slots, in one publication; at most
 * HANDSHAKE_CHUNK, more than none. False: out of memory, and the sessions were freed. */
must_check bool tunnel_begin_sessions(struct wg_tunnel *t, uint64_t now_ns, struct wg_session *const *all,
				      size_t n);
/* Both sides have the session: stops retries, stores the time, and sends what is staged. */
void peer_handshake_complete(struct wg_tunnel *t, struct wg_tunnel_peer *p);
/* The previous session may be due to be freed: lists the peer for that if nothing arrived on it since the last time, and
 * otherwise sets the time of the next check. */
void peer_check_previous(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p);
/* Frees the previous sessions of the listed peers, in one publication. */
void tunnel_free_previous(struct wg_tunnel *t);
/* Where the next session has received a packet, it becomes the current one, in one publication; at most
 * HANDSHAKE_CHUNK peers. */
void tunnel_confirm_sessions(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *const *peers, size_t n);

/* ---- tunnel_initiate.c ---- */

/* Lists the peer for an initiation, unless the last handshake message is less than REKEY_TIMEOUT
 * old, it has no endpoint, or the tunnel is down. is_retry: the retransmit timer is the reason. */
void peer_initiate(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p, bool is_retry);
/* Sends the initiations to the listed peers. Every caller of peer_initiate runs it before the
 * control half returns. */
void tunnel_initiate_all(struct wg_tunnel *t, uint64_t now_ns);

struct responses { /* admitted responses, handled together */
	struct response {
		struct wg_buf *buf;
		const struct msg_response *m;
		const struct wg_path *from;
		bool is_expected; /* its receiver index is that of a pending handshake */
	} all[HANDSHAKE_CHUNK];
	size_t n;
};
/* Creates the sessions of those that authenticate, counts the others as dropped, and empties the list. */
void responses_handle(struct wg_tunnel *t, uint64_t now_ns, struct responses *all);

/* ---- tunnel_handshake.c ---- */

/* Appends a datagram to be filled in. Null: out of memory. */
struct datagram *outbox_add(struct wg_tunnel *t);
/* Adds the MACs to a handshake message and appends it to the outbox. False: out of memory. */
must_check bool send_handshake(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p,
			       const void *msg, uint32_t n);
/* Performs the multiplications of a batch of handshakes, as x25519_batch() does. */
void multiply_all(struct wg_tunnel *t, struct x25519_job *jobs, size_t n);
uint64_t random_jitter_ns(struct wg_tunnel *t); /* 0 to JITTER_MAX_NS */
void random_private(struct wg_tunnel *t, struct wg_private *out);
/* Random among those of the peer's part of the sessions, and not in use; nor drawn before since t->n_drawn was zero, which
 * the caller sets for each batch of at most HANDSHAKE_CHUNK. */
uint32_t new_index(struct wg_tunnel *t, const struct wg_tunnel_peer *p);
/* If the static-static Diffie-Hellman of the peer is not known yet, fills in its job and returns 1,
 * otherwise 0. */
size_t static_dh_job(const struct wg_tunnel *t, const struct wg_tunnel_peer *p,
		     struct x25519_job *job);
/* Stores the result. It is zero for a public key of low order, and then every handshake fails. */
void static_dh_store(struct wg_tunnel_peer *p, const struct x25519_job *job);

#endif
