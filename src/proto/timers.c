/* The timers of a peer. A store that starts a timer is sequentially consistent, and so are the
 * accesses to wg_tunnel_peer.armed_ns: either peer_rearm (tunnel_control.c) sees the timer when it
 * arms the heap, or wake_for_timer (tunnel_data.c) sees the new key and wakes the control half. */
#include "timers.h"

#define RELAXED memory_order_relaxed

static uint64_t ns_after(uint64_t then_ns, uint64_t ns)
{
	return then_ns > NEVER - ns ? NEVER : then_ns + ns;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void timers_init(struct wg_timers *t, uint32_t jitter_seed)
{
	t->jitter_seed = jitter_seed;
	timers_stop(t);
}

void timers_stop(struct wg_timers *t)
{
	atomic_store(&t->tx_unanswered_ns, NEVER);
	atomic_store(&t->rx_unanswered_ns, NEVER);
	atomic_store(&t->last_traffic_ns, NEVER);
	atomic_store(&t->need_another_keepalive, false);
	t->retransmit_at_ns = t->zero_keys_at_ns = t->first_keepalive_at_ns = NEVER;
	t->attempts = 0;
}

/* Starts the timer unless it runs, and returns its deadline then, without jitter; NEVER if it was
 * running. */
static uint64_t start(_Atomic uint64_t *since_ns, uint64_t now_ns, uint64_t timeout_ns)
{
	if (atomic_load_explicit(since_ns, RELAXED) != NEVER)
		return NEVER;
	atomic_store(since_ns, now_ns);
	return ns_after(now_ns, timeout_ns);
}

static void cancel(_Atomic uint64_t *since_ns)
{
	if (atomic_load_explicit(since_ns, RELAXED) != NEVER)
		atomic_store_explicit(since_ns, NEVER, RELAXED);
}

static uint64_t note_traffic(struct wg_timers *t, uint64_t now_ns)
{
	uint64_t persistent_s = atomic_load_explicit(&t->persistent_s, RELAXED);
	uint64_t old_ns;

	if (persistent_s == 0)
		return NEVER;
	old_ns = atomic_load_explicit(&t->last_traffic_ns, RELAXED);
	if (old_ns == NEVER)
		return start(&t->last_traffic_ns, now_ns, persistent_s * NS_PER_S);
	if (old_ns != now_ns)
		atomic_store_explicit(&t->last_traffic_ns, now_ns, RELAXED);
	return NEVER;
}

uint64_t timers_sent(struct wg_timers *t, uint64_t now_ns, bool data)
{
	uint64_t due_ns = note_traffic(t, now_ns);

	cancel(&t->rx_unanswered_ns);
	if (data)
		due_ns = least(due_ns, start(&t->tx_unanswered_ns, now_ns, NEW_HANDSHAKE_NS));
	return due_ns;
}

uint64_t timers_received(struct wg_timers *t, uint64_t now_ns, bool data)
{
	uint64_t due_ns = note_traffic(t, now_ns), keepalive_ns;

	cancel(&t->tx_unanswered_ns);
	if (!data)
		return due_ns;
	keepalive_ns = start(&t->rx_unanswered_ns, now_ns, KEEPALIVE_TIMEOUT_NS);
	if (keepalive_ns == NEVER && !atomic_load_explicit(&t->need_another_keepalive, RELAXED))
		atomic_store_explicit(&t->need_another_keepalive, true, RELAXED);
	return least(due_ns, keepalive_ns);
}

void timers_initiation_sent(struct wg_timers *t, uint64_t now_ns, uint64_t jitter_ns)
{
	t->retransmit_at_ns = now_ns + REKEY_TIMEOUT_NS + jitter_ns;
}

void timers_session_derived(struct wg_timers *t, uint64_t now_ns)
{
	t->zero_keys_at_ns = now_ns + ZERO_KEYS_NS;
}

void timers_handshake_complete(struct wg_timers *t)
{
	t->retransmit_at_ns = NEVER;
	t->attempts = 0;
}

void timers_gave_up(struct wg_timers *t, uint64_t now_ns)
{
	cancel(&t->rx_unanswered_ns);
	if (t->zero_keys_at_ns == NEVER)
		t->zero_keys_at_ns = now_ns + ZERO_KEYS_NS;
}

void timers_persistent_now(struct wg_timers *t, uint64_t now_ns)
{
	if (atomic_load_explicit(&t->persistent_s, RELAXED) != 0)
		t->first_keepalive_at_ns = now_ns;
}

void timers_keepalive_again(struct wg_timers *t, uint64_t now_ns)
{
	if (atomic_exchange_explicit(&t->need_another_keepalive, false, RELAXED))
		start(&t->rx_unanswered_ns, now_ns, KEEPALIVE_TIMEOUT_NS);
}

/* 0 to JITTER_MAX_NS, always the same for one event, so that it need not be stored (the finaliser of
 * MurmurHash3). */
static uint64_t jitter_ns(const struct wg_timers *t, uint64_t event_ns)
{
	uint64_t x = event_ns ^ (uint64_t)t->jitter_seed << 32 ^ t->jitter_seed;

	x = (x ^ x >> 33) * 0xff51afd7ed558ccdull;
	x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53ull;
	return (x >> 32) * JITTER_MAX_NS >> 32;
}

struct pending { /* the shared timers: one consistent reading, and the deadlines that follow from it */
	uint64_t tx_unanswered_ns, rx_unanswered_ns, last_traffic_ns;
	uint64_t new_handshake_at, keepalive_at, persistent_at;
};

static struct pending read_pending(struct wg_timers *t)
{
	uint64_t persistent_s = atomic_load_explicit(&t->persistent_s, RELAXED);
	struct pending p;

	p.tx_unanswered_ns = atomic_load(&t->tx_unanswered_ns);
	p.rx_unanswered_ns = atomic_load(&t->rx_unanswered_ns);
	p.last_traffic_ns = persistent_s ? atomic_load(&t->last_traffic_ns) : NEVER;
	p.new_handshake_at = ns_after(p.tx_unanswered_ns,
				      NEW_HANDSHAKE_NS + jitter_ns(t, p.tx_unanswered_ns));
	p.keepalive_at = ns_after(p.rx_unanswered_ns, KEEPALIVE_TIMEOUT_NS);
	p.persistent_at = ns_after(p.last_traffic_ns, persistent_s * NS_PER_S);
	return p;
}

uint64_t timers_next(struct wg_timers *t)
{
	struct pending p = read_pending(t);

	return least(least(least(p.new_handshake_at, p.keepalive_at), p.persistent_at),
		     least(least(t->retransmit_at_ns, t->zero_keys_at_ns),
			   t->first_keepalive_at_ns));
}

/* Stops the timer if it is due and no thread has changed it since it was read. */
static bool expire_shared(_Atomic uint64_t *since_ns, uint64_t read_ns, uint64_t at_ns, uint64_t now_ns)
{
	return at_ns != NEVER && at_ns <= now_ns &&
	       atomic_compare_exchange_strong(since_ns, &read_ns, NEVER);
}

static bool expire(uint64_t *at_ns, uint64_t now_ns)
{
	if (*at_ns == NEVER || *at_ns > now_ns)
		return false;
	*at_ns = NEVER;
	return true;
}

unsigned int timers_due(struct wg_timers *t, uint64_t now_ns)
{
	struct pending p = read_pending(t);
	unsigned int due = 0;

	if (expire(&t->retransmit_at_ns, now_ns))
		due |= TIMER_RETRANSMIT;
	if (expire_shared(&t->tx_unanswered_ns, p.tx_unanswered_ns, p.new_handshake_at, now_ns))
		due |= TIMER_NEW_HANDSHAKE;
	if (expire_shared(&t->rx_unanswered_ns, p.rx_unanswered_ns, p.keepalive_at, now_ns))
		due |= TIMER_KEEPALIVE;
	if (expire_shared(&t->last_traffic_ns, p.last_traffic_ns, p.persistent_at, now_ns) ||
	    expire(&t->first_keepalive_at_ns, now_ns))
		due |= TIMER_PERSISTENT;
	if (expire(&t->zero_keys_at_ns, now_ns))
		due |= TIMER_ZERO_KEYS;
	return due;
}
