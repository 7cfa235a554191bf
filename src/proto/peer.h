/* A peer: everything the tunnel stores about one public key. The comments say which half may touch a
 * field. "Published": the control half changes it inside publish, and the data half reads it in reader
 * sections. */
#ifndef WG_PEER_H
#define WG_PEER_H

#include "base/heap.h"
#include "cookie.h"
#include "noise.h"
#include "routes.h"
#include "session.h"
#include "share.h"
#include "tunnel.h"

enum peer_wake { /* why the data half wakes the control half for a peer: bits */
	WAKE_CONFIRM = 1 << 0, /* the next session has received a packet */
	WAKE_REKEY = 1 << 1,   /* a session needs a successor */
	WAKE_TIMER = 1 << 2,   /* a timer started whose deadline is before armed_ns */
};

struct staged { /* a packet that waits for a session; n = 0: a keepalive */
	struct staged *next;
	uint32_t n;
	uint8_t bytes[];
};

struct staged_queue { /* zeroed: empty */
	struct staged *first, *last;
	uint32_t n, bytes;
};

struct wg_tunnel_peer {
	/* fields that packets touch; atomic unless the comment says otherwise */
	struct session_slots sessions; /* published */
	_Atomic uint64_t tx_bytes, rx_bytes;
	_Atomic uint64_t armed_ns;             /* key in the timer heap; NEVER: not in it. Control writes */
	_Atomic uint64_t may_initiate_ns;      /* no initiation before this time. Control writes */
	struct wg_timers timers;
	struct spin path_lock;
	struct wg_path path;                   /* under path_lock; remote IP_NONE: no endpoint */
	uint64_t heard_created_ns;             /* under path_lock: created_ns of the newest session that received data */
	uint64_t heard_ns;                     /* under path_lock: when it received the latest */
	_Atomic uint32_t wake_reasons;         /* enum peer_wake; nonzero: in the wake list, or soon */
	uint32_t outbox_at;                    /* owned by control: the number of its latest datagram in the outbox, maybe
						* in an earlier one */
	struct wg_tunnel_peer *wake_next;      /* owned by the setter of wake_reasons, then by control */
	struct wg_tunnel_peer *wake_prev;      /* owned by control */
	_Atomic bool last_minute_rekey_sent;   /* rekey_on_receive has acted on this session */
	_Atomic bool has_endpoint;
	_Atomic bool is_held;                  /* packets go through control, which still has older ones */
	uint8_t shard;                         /* owned by control; modulo the number of parts: that of its first session */
	uint32_t send_order;                   /* tunnel_run_order */
	struct share to_control;               /* of the caller's queue from the data half to control */

	/* owned by control */
	bool has_ss, is_pending, is_ready, in_held_list;
	struct wg_public key;
	struct wg_psk psk;
	struct wg_shared ss;            /* if has_ss: static-static X25519, computed when first needed */
	struct noise_pending handshake; /* if is_pending: our initiation, not answered yet */
	struct cookie_maker cookie;
	uint8_t latest_timestamp[TAI64N_BYTES]; /* the greatest in an accepted initiation of the peer */
	uint8_t sent_timestamp[TAI64N_BYTES];   /* of our latest initiation: the next one must be greater */
	uint64_t previous_check_ns;   /* when to see whether sessions.previous is still used; NEVER if empty */
	uint64_t previous_next;       /* rx_window.next of it at the last such time */
	uint64_t may_accept_ns;                 /* no initiation of the peer is accepted before this time */
	uint64_t handshake_s;                   /* wall clock of the last complete handshake, 0: never */
	uint32_t handshake_ns;
	uint32_t hash;                          /* of `key`, keyed */
	struct staged_queue staged;
	struct routes_owner routes;
	struct heap_node timer;
	struct wg_tunnel_peer *next, *prev;     /* all peers, in the order they were added */
	struct wg_tunnel_peer *ready_next, *ready_prev; /* if is_ready: the list of peers that may send */
	struct wg_tunnel_peer *held_next, *held_prev;   /* if in_held_list: everything staged was sent */
};

/* A peer without endpoint, sessions and routes, in no list. Null: out of memory. */
must_check struct wg_tunnel_peer *peer_create(const struct wg_public *key, uint32_t hash);
/* Wipes and frees the peer, its sessions and its staged packets. The caller has removed it from all
 * lists and tables. */
uint32_t peer_delete(struct wg_tunnel_peer *p, size_t *staged_total); /* the number of its staged packets */

/* Any thread. The path is always read and written as a whole, under path_lock; `const` refers to the
 * path. */
void peer_path(const struct wg_tunnel_peer *p, struct wg_path *out);
void peer_set_path(struct wg_tunnel_peer *p, const struct wg_path *path);
/* An authentic message arrived on the path: the peer is there, unless nothing can be sent there (port 0). */
void peer_learn_path(struct wg_tunnel_peer *p, const struct wg_path *path);
/* The same for the data message with this counter: only the newest of its session decides, as threads open batches in
 * any order, and networks reorder datagrams. For the same reason a session does not decide for ROAM_LATE_NS after a newer
 * one received data: the peer sends with that one. After two simultaneous handshakes it may send with the older one all
 * the same, so it is for that time only. */
#define ROAM_LATE_NS (30 * NS_PER_S)
void peer_roam(struct wg_session *s, uint64_t now_ns, uint64_t counter, const struct wg_path *path);
/* Clears the local address and interface: the system chooses the source address again. */
void peer_clear_source(struct wg_tunnel_peer *p);
/* If the path is still this one: the same, or store what `path` says of its route. */
void peer_clear_source_of(struct wg_tunnel_peer *p, const struct wg_path *path);
void peer_keep_source(struct wg_tunnel_peer *p, const struct wg_path *path);

/* Limit for the staged packets of all peers together. A peer may have STAGED_PEER_PART of what the others leave of it, and
 * one packet even if they leave nothing. */
#define STAGED_BYTES_MAX ((size_t)192 << 20)
enum { STAGED_PEER_PART = 8 };

/* Appends a copy of the packet, and drops the oldest ones of this queue beyond WG_STAGED_MAX and beyond its part of the
 * memory: *n_dropped is their number without keepalives. `total` is the sum of the bytes of all queues. False: out of memory. */
must_check bool staged_add(struct staged_queue *q, size_t *total, const uint8_t *bytes, uint32_t n,
			   uint32_t *n_dropped);
must_check struct staged *staged_pop(struct staged_queue *q, size_t *total); /* the oldest; null: empty */
void staged_free(struct staged *s);                                           /* wipes; may be null */
uint32_t staged_packets(const struct staged_queue *q); /* how many there are; keepalives do not count */
/* Returns how many packets were dropped, likewise. */
uint32_t staged_drop_all(struct staged_queue *q, size_t *total);

/* Peers by public key: a hash table with open addressing, at most half full. Control half only. */
struct peer_table { /* zeroed: empty */
	struct wg_tunnel_peer **slots; /* owned */
	uint32_t mask, n;
};
must_check bool peer_table_reserve(struct peer_table *t, uint32_t more); /* false: out of memory */
void peer_table_add(struct peer_table *t, struct wg_tunnel_peer *p); /* after peer_table_reserve */
void peer_table_remove(struct peer_table *t, struct wg_tunnel_peer *p);
struct wg_tunnel_peer *peer_table_find(const struct peer_table *t, const struct wg_public *key,
				       uint32_t hash);

#endif
