/* A peer: everything known about one public key. Who may touch what is said field by field:
 * "sections" are read by the data half and changed by control inside publish. */
#ifndef WG_PEER_H
#define WG_PEER_H

#include "base/heap.h"
#include "cookie.h"
#include "noise.h"
#include "routes.h"
#include "session.h"
#include "tunnel.h"

enum peer_poke { /* what the data half asks control for */
	POKE_CONFIRM = 1 << 0, /* something came by the next session */
	POKE_REKEY = 1 << 1,   /* a session is getting old */
	POKE_WAKE = 1 << 2,    /* a timer ends before the peer's place in the heap */
};

struct staged { /* a packet that waits for a session; n 0: a keepalive */
	struct staged *next;
	uint32_t n;
	uint8_t bytes[];
};

struct staged_queue { /* zeroed: empty */
	struct staged *first, *last;
	uint32_t n;
};

struct wg_tunnel_peer {
	/* what packets touch: atomic unless said otherwise */
	struct session_slots sessions; /* sections */
	_Atomic uint64_t tx_bytes, rx_bytes;
	_Atomic uint64_t wake_ns;              /* the key in the heap; NEVER: not in it */
	_Atomic uint64_t may_initiate_ns;      /* no initiation before */
	struct wg_timers timers;
	struct spin path_lock;
	struct wg_path path;                   /* under path_lock; remote IP_NONE: no endpoint */
	_Atomic uint32_t poke;                 /* enum peer_poke; nonzero: in the tunnel's list of poked */
	struct wg_tunnel_peer *poke_next;      /* of whoever made `poke` nonzero, then control's */
	_Atomic bool was_last_minute;          /* the rekey at the last minute was asked for */
	_Atomic bool has_endpoint;
	_Atomic bool is_held;                  /* older packets are with control: these go there, too */

	/* owned by control */
	bool has_ss, is_pending, is_ready;
	struct wg_public key;
	struct wg_psk psk;
	struct wg_shared ss;            /* DH with our static key, computed when first needed */
	struct noise_pending handshake; /* our initiation, if is_pending */
	struct cookie_maker cookie;
	uint8_t latest_timestamp[TAI64N_BYTES]; /* the greatest of his initiations */
	uint8_t sent_timestamp[TAI64N_BYTES];   /* the latest of ours, or what it must exceed */
	uint64_t may_accept_ns;                 /* no initiation of his before */
	uint64_t handshake_s;                   /* wall clock of the last complete handshake, 0: never */
	uint32_t handshake_ns;
	uint32_t hash;                          /* of `key`, keyed */
	struct staged_queue staged;
	struct routes_owner routes;
	struct heap_node timer;
	struct wg_tunnel_peer *next, *before;   /* in the order they were added */
	struct wg_tunnel_peer *ready_next;      /* in the list of those that may send what is staged */
	struct wg_tunnel_peer *held_next;       /* in the list of those whose packets control has sent */
	bool is_sent_up;                        /* in that list */
};

/* Zeroed but for what needs more; null: out of memory. */
must_check struct wg_tunnel_peer *peer_create(const struct wg_public *key, uint32_t hash);
/* Wipes and frees it, its sessions and staged packets. It is in no list or table any more. */
void peer_delete(struct wg_tunnel_peer *p, size_t *staged_total);

/* Copies of the path, whole, from any thread. The lock in it makes "const" mean the path. */
void peer_path(const struct wg_tunnel_peer *p, struct wg_path *out);
void peer_set_path(struct wg_tunnel_peer *p, const struct wg_path *path);
/* The system chooses the source address again. */
void peer_forget_source(struct wg_tunnel_peer *p);

/* What all peers' staged packets may take together; each peer may have one beyond that. */
#define STAGED_BYTES_MAX ((size_t)192 << 20)

/* Appends a copy. Over WG_STAGED_MAX the oldest goes: *n_dropped says how many. False: no memory.
 * `total` counts the bytes of all queues. */
must_check bool staged_add(struct staged_queue *q, size_t *total, const uint8_t *bytes, uint32_t n,
			   uint32_t *n_dropped);
must_check struct staged *staged_take(struct staged_queue *q, size_t *total); /* null when empty */
void staged_free(struct staged *s);                                           /* wipes; may be null */
/* How many, keepalives not counted. */
uint32_t staged_drop_all(struct staged_queue *q, size_t *total);

/* Peers by public key: open addressing, at most half full. Control only. */
struct peer_table { /* zeroed: empty */
	struct wg_tunnel_peer **slots; /* owned */
	uint32_t mask, n;
};
must_check bool peer_table_reserve(struct peer_table *t, uint32_t more);
void peer_table_add(struct peer_table *t, struct wg_tunnel_peer *p); /* there is room */
void peer_table_remove(struct peer_table *t, struct wg_tunnel_peer *p);
struct wg_tunnel_peer *peer_table_find(const struct peer_table *t, const struct wg_public *key,
				       uint32_t hash);

#endif
