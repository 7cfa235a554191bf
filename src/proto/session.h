/* A session: the keys and counters one handshake made (whitepaper 5.4.5-5.4.6), and the three places
 * a peer has for them. */
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
	uint64_t born_ns;
	uint32_t local, remote; /* indices: ours, theirs */
	bool initiator;
	/* atomic */
	_Atomic bool is_next;   /* we answered; not to be sent with until something came by it */
	_Atomic bool was_heard; /* something did */
	uint8_t apart1[37];
	_Atomic uint64_t tx_counter; /* its writers stay off the line of the keys, and of the window */
	uint8_t apart2[56];
	struct spin rx_lock;
	struct wg_replay rx_window; /* under rx_lock */
};

/* Null: out of memory. */
must_check struct wg_session *session_new(struct wg_tunnel_peer *peer,
					  const struct wg_keypair *keys, uint64_t now_ns);
void session_free(struct wg_session *s); /* wipes; s may be null */

/* Age below REJECT_AFTER_TIME. */
bool session_is_young(const struct wg_session *s, uint64_t now_ns);
/* Not null, young, and counters left. */
bool session_can_send(const struct wg_session *s, uint64_t now_ns);
/* Time for a new one, as far as sending with it says. */
bool session_is_stale(const struct wg_session *s, uint64_t now_ns);
/* Takes up to n counters in a row, the first into *first; says how many there were. */
size_t session_take_counters(struct wg_session *s, size_t n, uint64_t *first);
void session_stop_sending(struct wg_session *s);

struct session_slots { /* changed by control inside publish, read in sections */
	struct wg_session *next, *current, *previous;
};

enum session_move {
	SESSION_INITIATED, /* `fresh` is from our initiation: it becomes current */
	SESSION_ANSWERED,  /* `fresh` is from our answer: it becomes next */
	SESSION_CONFIRMED, /* something came by next: it becomes current */
	SESSION_CLEAR,     /* none is left */
};

/* Every change of the slots. The sessions that fell out are left in dropped, null-filled. */
void slots_move(struct session_slots *s, enum session_move move, struct wg_session *fresh,
		struct wg_session *dropped[3]);

#endif
