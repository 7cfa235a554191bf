/* Ticket order: a stage is a futex word, with a short spin before sleeping. */
#include "sequencer.h"

#include <assert.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- a stage ---- */

enum { SPINS = 100 }; /* a few microseconds: less than falling asleep and waking up takes */

static void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

/* Each sleeper waits for its own ticket's bit, so that passing a stage wakes only the next holder. */
static uint32_t futex_bit(uint32_t ticket)
{
	return 1u << ticket % 32;
}

void stage_wait(struct stage *s, uint32_t ticket)
{
	uint32_t current;

	for (int i = 0; i < SPINS; i++) {
		if (atomic_load_explicit(&s->current, memory_order_acquire) == ticket)
			return;
		cpu_relax();
	}
	/* Sequentially consistent on both sides: either the holder sees n_sleeping when it passes the stage, or
	 * this thread sees the new value of `current`. */
	atomic_fetch_add(&s->n_sleeping, 1);
	while ((current = atomic_load(&s->current)) != ticket)
		(void)syscall(SYS_futex, &s->current, FUTEX_WAIT_BITSET_PRIVATE, current, NULL, NULL,
			      futex_bit(ticket));
	atomic_fetch_sub_explicit(&s->n_sleeping, 1, memory_order_relaxed);
}

void stage_pass(struct stage *s, uint32_t ticket)
{
	assert(atomic_load_explicit(&s->current, memory_order_relaxed) == ticket);
	atomic_store(&s->current, ticket + 1);
	if (atomic_load(&s->n_sleeping) > 0)
		(void)syscall(SYS_futex, &s->current, FUTEX_WAKE_BITSET_PRIVATE, INT_MAX, NULL, NULL,
			      futex_bit(ticket + 1));
}

/* ---- a source ---- */

bool sequencer_has_passed(const struct sequencer *s, uint32_t ticket)
{
	return (int32_t)(atomic_load_explicit(&s->output.current, memory_order_acquire) - ticket) > 0;
}

uint32_t sequencer_in_flight(const struct sequencer *s)
{
	return atomic_load_explicit(&s->next_ticket, memory_order_relaxed) -
	       atomic_load_explicit(&s->output.current, memory_order_relaxed);
}

/* ---- a thread's ticket ---- */

void ticket_take(struct ticket *t)
{
	struct sequencer *s = t->sequencer;

	if (t->is_held)
		return;
	t->number = atomic_fetch_add_explicit(&s->next_ticket, 1, memory_order_relaxed);
	t->is_held = true;
}

void ticket_wait_counters(struct ticket *t)
{
	assert(t->is_held);
	stage_wait(&t->sequencer->counters, t->number);
}

void ticket_wait_output(struct ticket *t)
{
	assert(t->is_held);
	stage_wait(&t->sequencer->output, t->number);
}

void ticket_pass_counters(struct ticket *t)
{
	assert(t->is_held);
	if (t->is_last_batch)
		stage_pass(&t->sequencer->counters, t->number);
}

void ticket_pass_output(struct ticket *t)
{
	assert(t->is_held);
	if (!t->is_last_batch)
		return;
	stage_pass(&t->sequencer->output, t->number);
	t->is_held = false;
}
