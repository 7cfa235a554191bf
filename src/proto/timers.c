/* The timers. Stores to the shared words are sequentially consistent where something becomes pending,
 * so that either control sees it when it sorts the peer, or the data half sees the new place of the
 * peer and pokes (see data_wake in tunnel_data.c and peer_rearm in tunnel_control.c). */
#include "timers.h"

#define RELAXED memory_order_relaxed

static uint64_t plus(uint64_t then_ns, uint64_t ns)
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
	atomic_store(&t->unanswered_ns, NEVER);
	atomic_store(&t->unthanked_ns, NEVER);
	atomic_store(&t->traffic_ns, NEVER);
	atomic_store(&t->need_another, false);
	t->retransmit_at_ns = t->zero_keys_at_ns = t->first_keepalive_at_ns = NEVER;
	t->attempts = 0;
}

/* "If it is not pending, it is from now on." Says what its earliest deadline is, if so. */
static uint64_t start(_Atomic uint64_t *since_ns, uint64_t now_ns, uint64_t timeout_ns)
{
	if (atomic_load_explicit(since_ns, RELAXED) != NEVER)
		return NEVER;
	atomic_store(since_ns, now_ns);
	return plus(now_ns, timeout_ns);
}

static void cancel(_Atomic uint64_t *since_ns)
{
	if (atomic_load_explicit(since_ns, RELAXED) != NEVER)
		atomic_store_explicit(since_ns, NEVER, RELAXED);
}

static uint64_t traffic(struct wg_timers *t, uint64_t now_ns)
{
	uint64_t persistent_s = atomic_load_explicit(&t->persistent_s, RELAXED);
	uint64_t old_ns;

	if (persistent_s == 0)
		return NEVER;
	old_ns = atomic_load_explicit(&t->traffic_ns, RELAXED);
	if (old_ns == NEVER)
		return start(&t->traffic_ns, now_ns, persistent_s * NS_PER_S);
	if (old_ns != now_ns)
		atomic_store_explicit(&t->traffic_ns, now_ns, RELAXED);
	return NEVER;
}

uint64_t timers_sent(struct wg_timers *t, uint64_t now_ns, bool data)
{
	uint64_t wake_ns = traffic(t, now_ns);

	cancel(&t->unthanked_ns);
	if (data)
		wake_ns = least(wake_ns, start(&t->unanswered_ns, now_ns, NEW_HANDSHAKE_NS));
	return wake_ns;
}

uint64_t timers_received(struct wg_timers *t, uint64_t now_ns, bool data)
{
	uint64_t wake_ns = traffic(t, now_ns), mine_ns;

	cancel(&t->unanswered_ns);
	if (!data)
		return wake_ns;
	mine_ns = start(&t->unthanked_ns, now_ns, KEEPALIVE_TIMEOUT_NS);
	if (mine_ns == NEVER && !atomic_load_explicit(&t->need_another, RELAXED))
		atomic_store_explicit(&t->need_another, true, RELAXED);
	return least(wake_ns, mine_ns);
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
	cancel(&t->unthanked_ns);
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
	if (atomic_exchange_explicit(&t->need_another, false, RELAXED))
		start(&t->unthanked_ns, now_ns, KEEPALIVE_TIMEOUT_NS);
}

/* 0 to JITTER_MAX_NS, the same every time it is asked for one event (a mixer of the murmur family). */
static uint64_t jitter_ns(const struct wg_timers *t, uint64_t event_ns)
{
	uint64_t x = event_ns ^ (uint64_t)t->jitter_seed << 32 ^ t->jitter_seed;

	x = (x ^ x >> 33) * 0xff51afd7ed558ccdull;
	x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53ull;
	return (x >> 32) * JITTER_MAX_NS >> 32;
}

struct pending {
	uint64_t unanswered_ns, unthanked_ns, traffic_ns; /* as read */
	uint64_t new_handshake_at, keepalive_at, persistent_at;
};

static struct pending read_pending(struct wg_timers *t)
{
	uint64_t persistent_s = atomic_load_explicit(&t->persistent_s, RELAXED);
	struct pending p = {
		.unanswered_ns = atomic_load(&t->unanswered_ns),
		.unthanked_ns = atomic_load(&t->unthanked_ns),
		.traffic_ns = persistent_s ? atomic_load(&t->traffic_ns) : NEVER,
	};

	p.new_handshake_at = plus(p.unanswered_ns, NEW_HANDSHAKE_NS + jitter_ns(t, p.unanswered_ns));
	p.keepalive_at = plus(p.unthanked_ns, KEEPALIVE_TIMEOUT_NS);
	p.persistent_at = plus(p.traffic_ns, persistent_s * NS_PER_S);
	return p;
}

uint64_t timers_next(struct wg_timers *t)
{
	struct pending p = read_pending(t);

	return least(least(least(p.new_handshake_at, p.keepalive_at), p.persistent_at),
		     least(least(t->retransmit_at_ns, t->zero_keys_at_ns),
			   t->first_keepalive_at_ns));
}

/* Due, and nothing happened to it since it was read. */
static bool take_shared(_Atomic uint64_t *since_ns, uint64_t read_ns, uint64_t at_ns, uint64_t now_ns)
{
	return at_ns != NEVER && at_ns <= now_ns &&
	       atomic_compare_exchange_strong(since_ns, &read_ns, NEVER);
}

static bool take(uint64_t *at_ns, uint64_t now_ns)
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

	if (take(&t->retransmit_at_ns, now_ns))
		due |= TIMER_RETRANSMIT;
	if (take_shared(&t->unanswered_ns, p.unanswered_ns, p.new_handshake_at, now_ns))
		due |= TIMER_NEW_HANDSHAKE;
	if (take_shared(&t->unthanked_ns, p.unthanked_ns, p.keepalive_at, now_ns))
		due |= TIMER_KEEPALIVE;
	if (take_shared(&t->traffic_ns, p.traffic_ns, p.persistent_at, now_ns) ||
	    take(&t->first_keepalive_at_ns, now_ns))
		due |= TIMER_PERSISTENT;
	if (take(&t->zero_keys_at_ns, now_ns))
		due |= TIMER_ZERO_KEYS;
	return due;
}
