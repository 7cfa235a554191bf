/* A spin lock of one word, for short critical sections that never wait for anything else. */
#ifndef WG_SPIN_H
#define WG_SPIN_H

#include <stdatomic.h>

#include "base/base.h"

struct spin { /* zeroed: unlocked */
	_Atomic uint32_t held;
};

void spin_wait_and_lock(struct spin *s);
/* What a thread calls now and then while it waits, as the holder may not be running; null: it only spins. */
void spin_set_yield(void (*yield)(void));

static inline void spin_lock(struct spin *s)
{
	if (atomic_exchange_explicit(&s->held, 1, memory_order_acquire))
		spin_wait_and_lock(s);
}

static inline void spin_unlock(struct spin *s)
{
	atomic_store_explicit(&s->held, 0, memory_order_release);
}

#endif
