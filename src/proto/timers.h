/* The five timers of a peer (protocol.md 8). Three of them are told about every run of packets, so
 * they are kept as the time of the event they count from, not as a deadline: an event costs a load,
 * and a store where something changed. The peer lies in the tunnel's heap under a key that is never
 * later than the earliest deadline, and is looked at again when that comes. */
#ifndef WG_TIMERS_H
#define WG_TIMERS_H

#include <stdatomic.h>

#include "base/base.h"

#define REKEY_TIMEOUT_NS (5 * NS_PER_S)
#define KEEPALIVE_TIMEOUT_NS (10 * NS_PER_S)
#define REKEY_AFTER_TIME_NS (120 * NS_PER_S)
#define REJECT_AFTER_TIME_NS (180 * NS_PER_S)
#define NEW_HANDSHAKE_NS (KEEPALIVE_TIMEOUT_NS + REKEY_TIMEOUT_NS)
#define LAST_MINUTE_NS (REJECT_AFTER_TIME_NS - KEEPALIVE_TIMEOUT_NS - REKEY_TIMEOUT_NS)
#define ZERO_KEYS_NS (3 * REJECT_AFTER_TIME_NS)
#define JITTER_MAX_NS (333 * NS_PER_MS)

enum { MAX_TIMER_HANDSHAKES = 18 }; /* REKEY_ATTEMPT_TIME 90 s / REKEY_TIMEOUT 5 s */

enum wg_timer { /* bits of timers_due */
	TIMER_RETRANSMIT = 1 << 0,
	TIMER_NEW_HANDSHAKE = 1 << 1,
	TIMER_KEEPALIVE = 1 << 2,
	TIMER_PERSISTENT = 1 << 3,
	TIMER_ZERO_KEYS = 1 << 4,
};

struct wg_timers { /* use timers_init; NEVER: not pending */
	/* atomic, from both halves */
	_Atomic uint64_t unanswered_ns; /* data was sent then, and nothing heard since */
	_Atomic uint64_t unthanked_ns;  /* data came then, and nothing was sent since */
	_Atomic uint64_t traffic_ns;    /* the last packet of any kind and direction */
	_Atomic uint16_t persistent_s;  /* 0: off */
	_Atomic bool need_another;      /* data came while a keepalive was already due */
	/* owned by control */
	uint8_t attempts;               /* initiations since the last one that was no retry */
	uint32_t jitter_seed;
	uint64_t retransmit_at_ns, zero_keys_at_ns;
	uint64_t first_keepalive_at_ns; /* the persistent timer, before there was any traffic */
};

/* How long ago; 0 when `then` lies ahead, as it may between threads. */
static inline uint64_t ns_since(uint64_t now_ns, uint64_t then_ns)
{
	return now_ns > then_ns ? now_ns - then_ns : 0;
}

void timers_init(struct wg_timers *t, uint32_t jitter_seed);
void timers_stop(struct wg_timers *t);

/* An authenticated packet left or came; data: it was not empty. Either half. The result is a moment not
 * later than the deadline of a timer that was not pending before; NEVER when there is none. */
uint64_t timers_sent(struct wg_timers *t, uint64_t now_ns, bool data);
uint64_t timers_received(struct wg_timers *t, uint64_t now_ns, bool data);

/* The rest: control. */
void timers_initiation_sent(struct wg_timers *t, uint64_t now_ns, uint64_t jitter_ns);
void timers_session_derived(struct wg_timers *t, uint64_t now_ns);
void timers_handshake_complete(struct wg_timers *t);
void timers_gave_up(struct wg_timers *t, uint64_t now_ns);
void timers_persistent_now(struct wg_timers *t, uint64_t now_ns); /* due at once, if it is on */
/* The keepalive timer went off: it runs again when data came after it was started. */
void timers_keepalive_again(struct wg_timers *t, uint64_t now_ns);

uint64_t timers_next(struct wg_timers *t);
/* The timers whose deadline has come; they are not pending any more. */
unsigned int timers_due(struct wg_timers *t, uint64_t now_ns);

#endif
