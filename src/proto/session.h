/* A session: the transport keys and counters that one handshake produced (whitepaper sections 5.4.5
 * and 5.4.6), and the three slots of a peer through which sessions are rotated (section 6.3). */
#ifndef WG_SESSION_H
#define WG_SESSION_H

#include "noise.h"
#include "replay.h"
#include "spin.h"
#include "timers.h"

#define REKEY_AFTER_MESSAGES (1ull << 60)

struct wg_session {
	/* constant once published */
	struct wg_sym tx_key, rx_key;
	struct wg_tunnel_peer *peer;
	uint64_t created_ns;
	uint32_t local, remote; /* receiver indices: ours, the peer's */
	bool initiator;
	/* atomic */
	_Atomic bool is_next;      /* in the slot `next`: does not send before it has received a packet */
	_Atomic bool has_received; /* an authenticated packet has arrived */
	uint8_t pad1[37];
	/* The next counter to send; never decreases. Every run writes it: the padding keeps it out of the
	 * cache lines of the keys and the replay window. */
	_Atomic uint64_t tx_counter;
	uint8_t pad2[56];
	struct spin rx_lock;
	struct wg_replay rx_window; /* under rx_lock */
	uint64_t path_next; /* counter + 1 of the newest message that set the peer's path; under its path_lock */
};

/* Null: out of memory. */
must_check struct wg_session *session_new(struct wg_tunnel_peer *peer,
					  const struct wg_keypair *keys, uint64_t now_ns);
void session_free(struct wg_session *s); /* wipes it; s may be null */

/* REJECT_AFTER_TIME has passed: the session neither sends nor receives. */
bool session_is_expired(const struct wg_session *s, uint64_t now_ns);
/* False if s is null, expired, or out of counters. */
bool session_can_send(const struct wg_session *s, uint64_t now_ns);
/* Sending demands a new session: the initiator's is REKEY_AFTER_TIME old, or REKEY_AFTER_MESSAGES
 * were sent. */
bool session_needs_rekey(const struct wg_session *s, uint64_t now_ns);
/* Reserves up to n consecutive counters, starting with *first, and returns how many: fewer than n where
 * REJECT_AFTER_MESSAGES is near. No counter is ever reserved twice, whichever threads call. */
size_t session_reserve_counters(struct wg_session *s, size_t n, uint64_t *first);
void session_stop_sending(struct wg_session *s); /* exhausts the counters; s may be null */

struct session_slots { /* changed by control inside publish, read in reader sections */
	struct wg_session *next, *current, *previous;
};

enum session_rotation {
	SESSION_INITIATED, /* `fresh` comes from our initiation: it becomes current */
	SESSION_RESPONDED, /* `fresh` comes from our response: it becomes next */
	SESSION_CONFIRMED, /* next has received a packet: it becomes current */
	SESSION_FORGET,    /* `previous` is no longer needed */
	SESSION_CLEAR,     /* all slots become empty */
};

/* The only function that changes slots. Stores the sessions that left them in `dropped`,
 * null-filled: the caller removes their indices and frees them when no reader can hold them any
 * more. */
void slots_rotate(struct session_slots *s, enum session_rotation rotation, struct wg_session *fresh,
		  struct wg_session *dropped[3]);

#endif
