/* Waiting for a spin lock. A holder that was preempted cannot run before this thread yields, if both have
 * the same CPU. */
#include "spin.h"

enum { SPINS = 100 }; /* a few microseconds, much longer than any critical section */

static void (*_Atomic yield)(void);

void spin_set_yield(void (*new_yield)(void))
{
	atomic_store_explicit(&yield, new_yield, memory_order_relaxed);
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

void spin_wait_and_lock(struct spin *s)
{
	do {
		for (unsigned int i = 1; atomic_load_explicit(&s->held, memory_order_relaxed); i++) {
			void (*call)(void) = i % SPINS == 0 ? atomic_load_explicit(&yield, memory_order_relaxed) : NULL;
			relax();
			if (call)
				call();
		}
	} while (atomic_exchange_explicit(&s->held, 1, memory_order_acquire));
}
