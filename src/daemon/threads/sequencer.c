/* Ticket order: a stage is a futex word, with a short spin before sleeping. */
#include "sequencer.h"

#include <assert.h>
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
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

/* ---- tickets that leave in the order of their peers ---- */

static struct departure *departure_of(const struct sequencer *s, uint32_t ticket)
{
	return &s->departures[ticket % SEQUENCER_TICKETS];
}

/* A later ticket of the same number has passed only after this one. */
static bool is_past(uint32_t next, uint32_t ticket)
{
	return (int32_t)(next - ticket) > 0;
}

static bool has_departed(const struct sequencer *s, uint32_t ticket)
{
	return is_past(atomic_load_explicit(&departure_of(s, ticket)->next, memory_order_acquire), ticket);
}

/* As stage_wait. Any number of threads may wait for one ticket. */
static void departure_wait(const struct sequencer *s, uint32_t ticket)
{
	struct departure *d = departure_of(s, ticket);
	uint32_t next;

	for (int i = 0; i < SPINS; i++) {
		if (has_departed(s, ticket))
			return;
		cpu_relax();
	}
	atomic_fetch_add(&d->n_sleeping, 1);
	while (!is_past(next = atomic_load(&d->next), ticket))
		(void)syscall(SYS_futex, &d->next, FUTEX_WAIT_PRIVATE, next, NULL, NULL, 0);
	atomic_fetch_sub_explicit(&d->n_sleeping, 1, memory_order_relaxed);
}

static void depart(const struct sequencer *s, uint32_t ticket)
{
	struct departure *d = departure_of(s, ticket);

	atomic_store(&d->next, ticket + 1);
	if (atomic_load(&d->n_sleeping) > 0)
		(void)syscall(SYS_futex, &d->next, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* ---- a source ---- */

bool sequencer_has_passed(struct sequencer *s, uint32_t ticket)
{
	uint32_t next = atomic_load(&s->next_ticket);

	if (!s->departures)
		return is_past(atomic_load_explicit(&s->output.current, memory_order_acquire), ticket);
	/* Each ticket reserves counters only when the one SEQUENCER_TICKETS before it has passed, and of those that have not come
	 * to that, each thread has one. */
	if (next - s->n_passed > 2 * SEQUENCER_TICKETS)
		s->n_passed = next - 2 * SEQUENCER_TICKETS;
	while (s->n_passed != next && has_departed(s, s->n_passed))
		s->n_passed++;
	return is_past(s->n_passed, ticket);
}

uint32_t sequencer_in_flight(const struct sequencer *s)
{
	return atomic_load_explicit(&s->next_ticket, memory_order_relaxed) -
	       atomic_load_explicit(&s->output.current, memory_order_relaxed);
}

bool sequencer_is_idle(const struct sequencer *s)
{
	uint32_t next = atomic_load_explicit(&s->next_ticket, memory_order_relaxed);

	for (uint32_t back = 1; s->departures && back <= SEQUENCER_TICKETS; back++)
		if (!has_departed(s, next - back))
			return false;
	return s->departures || sequencer_in_flight(s) == 0;
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
	if (t->sequencer->departures) /* it is stored in the same place */
		departure_wait(t->sequencer, t->number - SEQUENCER_TICKETS);
}

void ticket_follow(struct ticket *t, uint32_t *latest)
{
	uint32_t before = *latest, i = before % SEQUENCER_TICKETS;

	assert(t->is_held);
	*latest = t->number;
	if (!t->sequencer->departures || before == t->number || t->number - before >= SEQUENCER_TICKETS)
		return;
	t->after[i / 64] |= 1ull << i % 64;
}

void ticket_follow_all(struct ticket *t)
{
	assert(t->is_held);
	if (t->sequencer->departures)
		memset(t->after, 0xff, sizeof t->after);
}

/* In ticket order, those that this one follows. */
static void wait_for_peers(struct ticket *t)
{
	for (uint32_t back = SEQUENCER_TICKETS - 1; back > 0; back--) {
		uint32_t before = t->number - back, i = before % SEQUENCER_TICKETS;
		if (t->after[i / 64] >> i % 64 & 1)
			departure_wait(t->sequencer, before);
	}
	memset(t->after, 0, sizeof t->after);
}

void ticket_wait_output(struct ticket *t)
{
	assert(t->is_held);
	if (!t->sequencer->departures)
		stage_wait(&t->sequencer->output, t->number);
	else if (t->after[0] | t->after[1])
		wait_for_peers(t);
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
	if (t->sequencer->departures)
		depart(t->sequencer, t->number);
	else
		stage_pass(&t->sequencer->output, t->number);
	t->is_held = false;
}
