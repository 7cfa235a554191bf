/* The five timers of a peer (whitepaper section 6; the fifteen-second timer and the jitter are those
 * of the Linux kernel). Packets change three of them, so these are stored as the time of the event
 * they count from instead of a deadline: an event then costs a load, and a store only if something
 * changes. The peer is in the timer heap of the tunnel under a key that is never later than its
 * earliest deadline; when the key is due, the control half reads the timers again. All times are
 * absolute nanoseconds; NEVER: the timer is not running. */
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

enum { MAX_TIMER_HANDSHAKES = 18 }; /* retries: REKEY_ATTEMPT_TIME 90 s / REKEY_TIMEOUT 5 s */

enum wg_timer { /* bits of timers_due */
	TIMER_RETRANSMIT = 1 << 0,    /* the initiation was not answered */
	TIMER_NEW_HANDSHAKE = 1 << 1, /* data was sent and nothing came back */
	TIMER_KEEPALIVE = 1 << 2,     /* data was received and nothing was sent since: passive keepalive */
	TIMER_PERSISTENT = 1 << 3,    /* persistent keepalive */
	TIMER_ZERO_KEYS = 1 << 4,     /* the keys are to be erased */
};

struct wg_timers { /* initialise with timers_init */
	/* atomic, both halves */
	_Atomic uint64_t tx_unanswered_ns; /* data was sent then, and nothing was received since */
	_Atomic uint64_t rx_unanswered_ns; /* data was received then, and nothing was sent since */
	_Atomic uint64_t last_traffic_ns;  /* the last packet of any kind in either direction */
	_Atomic uint16_t persistent_s;     /* interval of the persistent keepalive; 0: off */
	_Atomic bool need_another_keepalive; /* more data was received while the keepalive timer ran */
	/* owned by control */
	uint8_t attempts; /* retries since the last initiation that was not one */
	uint32_t jitter_seed;
	uint64_t retransmit_at_ns, zero_keys_at_ns;
	uint64_t first_keepalive_at_ns; /* persistent timer before there is any traffic to count from */
};

/* Time since `then_ns`; 0 if that is in the future, which happens because threads read the clock
 * separately. */
static inline uint64_t ns_since(uint64_t now_ns, uint64_t then_ns)
{
	return now_ns > then_ns ? now_ns - then_ns : 0;
}

void timers_init(struct wg_timers *t, uint32_t jitter_seed);
void timers_stop(struct wg_timers *t);

/* An authenticated packet was sent or received; data: it was not empty. Either half. If the call
 * starts a timer, returns a time not later than its deadline, otherwise NEVER. */
uint64_t timers_sent(struct wg_timers *t, uint64_t now_ns, bool data);
uint64_t timers_received(struct wg_timers *t, uint64_t now_ns, bool data);

/* The rest is for the control half. */
/* Starts TIMER_RETRANSMIT, due after REKEY_TIMEOUT and the jitter. */
void timers_initiation_sent(struct wg_timers *t, uint64_t now_ns, uint64_t jitter_ns);
/* A handshake has derived keys: starts TIMER_ZERO_KEYS afresh. */
void timers_session_derived(struct wg_timers *t, uint64_t now_ns);
/* The first response or data of a new session was authenticated: stops TIMER_RETRANSMIT, resets `attempts`. */
void timers_handshake_complete(struct wg_timers *t);
/* After the last retry: stops TIMER_KEEPALIVE, and starts TIMER_ZERO_KEYS unless it runs. */
void timers_gave_up(struct wg_timers *t, uint64_t now_ns);
/* If persistent keepalives are on, makes TIMER_PERSISTENT due now. */
void timers_persistent_now(struct wg_timers *t, uint64_t now_ns);
/* After TIMER_KEEPALIVE was due: starts the timer again if more data was received while it ran. */
void timers_keepalive_again(struct wg_timers *t, uint64_t now_ns);

/* The earliest deadline; NEVER if no timer runs. */
uint64_t timers_next(struct wg_timers *t);
/* The timers whose deadline has passed, which stops them: bits of enum wg_timer. */
unsigned int timers_due(struct wg_timers *t, uint64_t now_ns);

#endif
