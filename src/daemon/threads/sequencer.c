/* A futex and a few looks before. */
#include "sequencer.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOOKS = 100 }; /* before it sleeps: some microseconds, less than falling asleep and waking up takes */

static void pause_a_little(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

/* Sleepers wait for their own ticket's bit, so that passing on wakes the one whose turn it is. */
static uint32_t bit_of(uint32_t ticket)
{
	return 1u << ticket % 32;
}

void turn_wait(struct turn *t, uint32_t ticket)
{
	uint32_t now;

	for (int i = 0; i < LOOKS; i++) {
		if (atomic_load_explicit(&t->now, memory_order_acquire) == ticket)
			return;
		pause_a_little();
	}
	/* Either the one before sees us here when he passes it on, or we see that he did. */
	atomic_fetch_add(&t->sleepers, 1);
	while ((now = atomic_load(&t->now)) != ticket)
		(void)syscall(SYS_futex, &t->now, FUTEX_WAIT_BITSET_PRIVATE, now, NULL, NULL,
			      bit_of(ticket));
	atomic_fetch_sub_explicit(&t->sleepers, 1, memory_order_relaxed);
}

void turn_pass(struct turn *t, uint32_t ticket)
{
	atomic_store(&t->now, ticket + 1);
	if (atomic_load(&t->sleepers) > 0)
		(void)syscall(SYS_futex, &t->now, FUTEX_WAKE_BITSET_PRIVATE, INT_MAX, NULL, NULL,
			      bit_of(ticket + 1));
}

uint32_t line_ticket(struct line *l)
{
	uint32_t ticket = atomic_load_explicit(&l->tickets, memory_order_relaxed);

	atomic_store_explicit(&l->tickets, ticket + 1, memory_order_relaxed);
	return ticket;
}

bool line_has_left(const struct line *l, uint32_t ticket)
{
	return (int32_t)(atomic_load_explicit(&l->out.now, memory_order_acquire) - ticket) > 0;
}

uint32_t line_length(const struct line *l)
{
	return atomic_load_explicit(&l->tickets, memory_order_relaxed) -
	       atomic_load_explicit(&l->out.now, memory_order_relaxed);
}
