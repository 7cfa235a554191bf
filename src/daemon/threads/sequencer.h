/* Turns: threads that took tickets in some order go on in that order. */
#ifndef DAEMON_TURN_H
#define DAEMON_TURN_H

#include <stdatomic.h>
#include "base/base.h"

struct turn { /* zeroed: ticket 0 is next */
	_Alignas(64) _Atomic uint32_t now; /* whose turn it is; what sleepers wait on */
	_Atomic uint32_t sleepers;
};

/* Returns when it is the turn of this ticket, which it then stays until passed on. At once if it is. */
void turn_wait(struct turn *t, uint32_t ticket);
/* By the thread whose turn it is: the next one's. */
void turn_pass(struct turn *t, uint32_t ticket);

/* A source of packets, of which each batch is read alone, worked on beside others, and goes on in the order
 * of reading: its tickets, and the places where batches wait for those before them. */
struct line { /* zeroed: nobody there */
	_Atomic uint32_t tickets; /* handed out; only by the one who reads */
	struct turn counters;     /* to be numbered */
	struct turn out;          /* to leave */
};

uint32_t line_ticket(struct line *l);
/* Any thread: has the batch with this ticket left? */
bool line_has_left(const struct line *l, uint32_t ticket);
/* Any thread: how many have a ticket and have not left, about. */
uint32_t line_length(const struct line *l);

#endif
