/* Sessions: age, counters, and rotation through the slots of a peer. */
#include "session.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

_Static_assert(sizeof(void *) != 8 || offsetof(struct wg_session, tx_counter) % 64 == 0,
	       "tx_counter begins a cache line if the session does");

struct wg_session *session_new(struct wg_tunnel_peer *peer, const struct wg_keypair *keys,
			       uint64_t now_ns)
{
	struct wg_session *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->tx_key = keys->tx;
	s->rx_key = keys->rx;
	s->peer = peer;
	s->created_ns = now_ns;
	s->local = keys->local;
	s->remote = keys->remote;
	s->initiator = keys->initiator;
	return s;
}

void session_free(struct wg_session *s)
{
	if (!s)
		return;
	mem_wipe(s, sizeof *s);
	free(s);
}

bool session_is_expired(const struct wg_session *s, uint64_t now_ns)
{
	return ns_since(now_ns, s->created_ns) >= REJECT_AFTER_TIME_NS;
}

bool session_can_send(const struct wg_session *s, uint64_t now_ns)
{
	return s && !session_is_expired(s, now_ns) &&
	       atomic_load_explicit(&s->tx_counter, memory_order_relaxed) < REJECT_AFTER_MESSAGES;
}

bool session_needs_rekey(const struct wg_session *s, uint64_t now_ns)
{
	return (s->initiator && ns_since(now_ns, s->created_ns) >= REKEY_AFTER_TIME_NS) ||
	       atomic_load_explicit(&s->tx_counter, memory_order_relaxed) > REKEY_AFTER_MESSAGES;
}

size_t session_reserve_counters(struct wg_session *s, size_t n, uint64_t *first)
{
	uint64_t counter = atomic_load_explicit(&s->tx_counter, memory_order_relaxed), left;

	do {
		if (counter >= REJECT_AFTER_MESSAGES)
			return 0;
		left = REJECT_AFTER_MESSAGES - counter;
		if (n > left)
			n = (size_t)left;
	} while (!atomic_compare_exchange_weak_explicit(&s->tx_counter, &counter, counter + n,
							memory_order_relaxed,
							memory_order_relaxed));
	assert(counter + n > counter && counter + n <= REJECT_AFTER_MESSAGES);
	*first = counter;
	return n;
}

void session_stop_sending(struct wg_session *s)
{
	if (s)
		atomic_store(&s->tx_counter, REJECT_AFTER_MESSAGES);
}

static void drop(struct wg_session *dropped[3], struct wg_session **slot)
{
	for (int i = 0; *slot && i < 3; i++) {
		if (!dropped[i]) {
			dropped[i] = *slot;
			*slot = NULL;
		}
	}
}

static void shift(struct wg_session **to, struct wg_session **from)
{
	*to = *from;
	*from = NULL;
}

static void rotate(struct session_slots *s, enum session_rotation rotation, struct wg_session *fresh,
		   struct wg_session *dropped[3])
{
	dropped[0] = dropped[1] = dropped[2] = NULL;
	switch (rotation) {
	case SESSION_INITIATED:
		drop(dropped, &s->previous);
		if (s->next) { /* the peer initiated, too, and may already send with it */
			drop(dropped, &s->current);
			shift(&s->previous, &s->next);
			atomic_store(&s->previous->is_next, false);
		} else {
			shift(&s->previous, &s->current);
		}
		s->current = fresh;
		return;
	case SESSION_RESPONDED:
		drop(dropped, &s->previous);
		drop(dropped, &s->next);
		s->next = fresh;
		atomic_store(&s->next->is_next, true);
		return;
	case SESSION_CONFIRMED:
		assert(s->next);
		drop(dropped, &s->previous);
		shift(&s->previous, &s->current);
		shift(&s->current, &s->next);
		atomic_store(&s->current->is_next, false);
		return;
	case SESSION_FORGET:
		drop(dropped, &s->previous);
		return;
	case SESSION_CLEAR:
		drop(dropped, &s->previous);
		drop(dropped, &s->current);
		drop(dropped, &s->next);
		return;
	}
	unreachable();
}

static bool is_next(const struct wg_session *s)
{
	return atomic_load_explicit(&s->is_next, memory_order_relaxed);
}

void slots_rotate(struct session_slots *s, enum session_rotation rotation, struct wg_session *fresh,
		  struct wg_session *dropped[3])
{
	rotate(s, rotation, fresh, dropped);
	assert(!s->next || (is_next(s->next) && s->next != s->current && s->next != s->previous));
	assert(!s->current || (!is_next(s->current) && s->current != s->previous));
	assert(!s->previous || !is_next(s->previous));
}
