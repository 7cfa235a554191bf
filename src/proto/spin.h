/* A spin lock of one word, for short critical sections that never wait for anything else. */
#ifndef WG_SPIN_H
#define WG_SPIN_H

#include <stdatomic.h>

#include "base/base.h"

struct spin { /* zeroed: unlocked */
	_Atomic uint32_t held;
};

static inline void spin_wait(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

static inline void spin_lock(struct spin *s)
{
	while (atomic_exchange_explicit(&s->held, 1, memory_order_acquire))
		while (atomic_load_explicit(&s->held, memory_order_relaxed))
			spin_wait();
}

static inline void spin_unlock(struct spin *s)
{
	atomic_store_explicit(&s->held, 0, memory_order_release);
}

#endif
