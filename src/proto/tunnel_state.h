/* A tunnel from inside: what tunnel*.c share. */
#ifndef WG_TUNNEL_STATE_H
#define WG_TUNNEL_STATE_H

#include "index.h"
#include "limit.h"
#include "packet.h"
#include "peer.h"

enum { HANDSHAKE_CHUNK = 16 }; /* handshakes whose Diffie-Hellmans share the lanes */
enum { NONCES = 64 }; /* drawn at once: a call of the system for each would cost as much as the reply */

struct datagram { /* one that waits in the outbox: handshakes and cookie replies */
	struct wg_path path;
	struct wg_tunnel_peer *peer; /* null: a cookie reply, which is on nobody's account */
	uint32_t n;
	uint8_t tos;
	uint8_t bytes[MSG_INITIATION_BYTES];
};

struct outbox {
	struct datagram *all; /* owned; waiting ones are [first, n) */
	uint32_t first, n, cap;
};

struct wg_tunnel {
	struct wg_env env; /* constant */

	/* sections */
	struct index_table indices;
	struct routes routes;
	bool is_up;

	/* atomic */
	_Atomic uint32_t mtu;
	struct wg_tunnel_peer *_Atomic poked; /* stack, by poke_next */
	_Atomic uint64_t drops[WG_DROP_COUNT];

	/* owned by control */
	bool has_identity;
	struct noise_identity identity;
	struct cookie_checker checker;
	struct limit limit;
	struct wg_tunnel_peer *first, *last;
	struct peer_table peers;
	uint32_t hash_seed;
	struct heap timers;
	uint32_t timers_cap;
	struct outbox outbox;
	/* Who is to be sent an initiation; none while no function of this half runs. */
	struct wg_tunnel_peer *initiators[HANDSHAKE_CHUNK];
	size_t n_initiators;
	uint8_t nonces[NONCES][XAEAD_NONCE_BYTES]; /* for cookie replies; no secrets */
	unsigned int nonces_left;
	size_t staged_bytes; /* of all peers */
	struct wg_tunnel_peer *ready_first, *ready_last;
	bool holds;                  /* until released */
	struct wg_tunnel_peer *held; /* by held_next */
	uint8_t sent_timestamp[TAI64N_BYTES];    /* the greatest ever sent: it never goes back */
	uint8_t removed_timestamp[TAI64N_BYTES]; /* the greatest ever sent to a peer since removed */
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

/* A section asks control to look at the peer. */
void peer_poke(struct wg_tunnel *t, struct wg_tunnel_peer *p, enum peer_poke why);

/* ---- tunnel_control.c ---- */

/* Sorts the peer into the heap by its earliest deadline. */
void peer_rearm(struct wg_tunnel *t, struct wg_tunnel_peer *p);
/* Sends what is staged as soon as tunnel_control_next is called, or shakes hands for it. */
void peer_make_ready(struct wg_tunnel *t, struct wg_tunnel_peer *p);
/* Stages a keepalive unless something is staged already, and makes the peer ready. */
void peer_send_keepalive(struct wg_tunnel *t, struct wg_tunnel_peer *p);
/* Does what sections asked for. */
void tunnel_drain_poked(struct wg_tunnel *t, uint64_t now_ns);
/* The peer is about to go: nothing of the control half points to it any more. */
void peer_forget(struct wg_tunnel *t, struct wg_tunnel_peer *p);

/* ---- tunnel_admit.c ---- */

struct arrivals { /* handshake messages whose MACs are looked at together */
	struct arrival {
		struct wg_buf *buf;
		struct wg_msg msg;
		const struct wg_path *from;
	} all[COOKIE_CASES_MAX];
	struct cookie_case cases[COOKIE_CASES_MAX]; /* side by side with them */
	size_t n;
};
/* Drops those that are not worth a Diffie-Hellman, with their reasons, and keeps the others in order. */
void arrivals_admit(struct wg_tunnel *t, uint64_t now_ns, struct arrivals *a, bool under_load);

/* ---- tunnel_session.c ---- */

/* Wipes the pending handshake and all sessions. */
void peer_wipe_keys(struct wg_tunnel *t, struct wg_tunnel_peer *p);
/* Wipes the pending handshake. */
void peer_wipe_handshake(struct wg_tunnel *t, struct wg_tunnel_peer *p);
/* Our initiation waits for its response, in place of an older one. False: out of memory. */
must_check bool peer_list_handshake(struct wg_tunnel *t, struct wg_tunnel_peer *p,
				    const struct noise_pending *pending);
/* A handshake led to these keys. False: out of memory. */
must_check bool peer_begin_session(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p,
				   const struct wg_keypair *keys);
/* Both sides have the session: no retry any more, and what is staged may go. */
void peer_handshake_complete(struct wg_tunnel *t, struct wg_tunnel_peer *p);
/* Something came by the next session: it becomes the current one. */
void peer_confirm(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p);

/* ---- tunnel_initiate.c ---- */

/* An initiation is wanted, unless it is too early for one or there is nowhere to send it. */
void peer_initiate(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p, bool is_retry);
/* Sends those that are wanted. Whoever calls peer_initiate calls this before the control half returns. */
void tunnel_initiate_all(struct wg_tunnel *t, uint64_t now_ns);

struct responses { /* of right mac1, taken together */
	struct response {
		struct wg_buf *buf;
		const struct msg_response *m;
		const struct wg_path *from;
		bool is_for_us; /* a handshake of ours waits for it */
	} all[HANDSHAKE_CHUNK];
	size_t n;
};
/* Begins the sessions they make, counts the others as dropped, and empties it. */
void responses_take(struct wg_tunnel *t, uint64_t now_ns, struct responses *all);

/* ---- tunnel_handshake.c ---- */

/* Room for a datagram at the end of those that wait. Null: no memory. */
struct datagram *outbox_add(struct wg_tunnel *t);
/* Takes a handshake message of the peer, adds its MACs and puts it on its way. False: no memory. */
must_check bool send_handshake(struct wg_tunnel *t, uint64_t now_ns, struct wg_tunnel_peer *p,
			       const void *msg, uint32_t n);
uint64_t random_jitter_ns(struct wg_tunnel *t); /* 0 to JITTER_MAX_NS */
void random_private(struct wg_tunnel *t, struct wg_private *out);
uint32_t new_index(struct wg_tunnel *t); /* that nothing has */
/* The static-static DH of a peer, if it is not known yet: 1 job to be computed with others, or 0 … */
size_t peer_static_job(const struct wg_tunnel *t, const struct wg_tunnel_peer *p,
		       struct x25519_job *job);
/* … and its result. A low-order key leaves zeros, which no handshake gets past. */
void peer_static_take(struct wg_tunnel_peer *p, const struct x25519_job *job);

#endif
