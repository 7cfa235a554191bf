/* Ticket order for a source of packets. One thread at a time reads a batch from the source and takes a ticket
 * for it; several threads process their batches at once; each batch passes two stages, and passes them in the
 * order in which the batches were read. Sources that share a sequencer, as the queues of the TUN, have one order. Their batches
 * are sent in that order only if they have a peer in common: those of different peers are sent at the same time. */
#ifndef DAEMON_SEQUENCER_H
#define DAEMON_SEQUENCER_H

#include <stdatomic.h>
#include "base/base.h"

/* A point that ticket holders pass one after the other, in ticket order. Ticket numbers wrap around. */
struct stage { /* zeroed: waits for ticket 0 */
	_Alignas(64) _Atomic uint32_t current; /* the ticket that holds the stage; the futex word */
	_Atomic uint32_t n_sleeping;           /* threads in futex(2) */
};

/* Blocks until this ticket holds the stage. */
void stage_wait(struct stage *s, uint32_t ticket);
/* Only the holder: the next ticket holds the stage afterwards. */
void stage_pass(struct stage *s, uint32_t ticket);

enum { SEQUENCER_TICKETS = 128 }; /* of which the output stage stores whether they have passed; at least twice the threads */

/* The tickets with this number modulo SEQUENCER_TICKETS, of an output stage that is passed by batches with a peer in common in
 * ticket order, and by others in any. */
struct departure { /* zeroed: those before ticket 0 have passed */
	_Alignas(64) _Atomic uint32_t next; /* of the latest that has passed, its successor; the futex word */
	_Atomic uint32_t n_sleeping;        /* threads in futex(2) */
};

struct sequencer { /* zeroed: no batch in flight */
	_Atomic uint32_t next_ticket;
	uint32_t n_passed;            /* owned by control: the tickets before this one have passed the output stage */
	struct departure *departures; /* SEQUENCER_TICKETS, borrowed; null: `output` is passed in ticket order */
	struct stage counters;        /* each packet to UDP gets its session's next counter */
	struct stage output;          /* the batch is sent, or written to the TUN */
};

/* Control: has the batch with this ticket passed the output stage, and all before? */
bool sequencer_has_passed(struct sequencer *s, uint32_t ticket);
/* Any thread: the number of tickets that were taken and have not passed the output stage, if that is passed in ticket
 * order. An upper bound for the thread that may read the source: others may pass the stage meanwhile. */
uint32_t sequencer_in_flight(const struct sequencer *s);
bool sequencer_is_idle(const struct sequencer *s); /* while no thread takes tickets: none is in flight */

/* A thread's ticket. It may cover consecutive batches: the thread holds the stages until the last. */
struct ticket { /* zeroed: not held; owned by its thread */
	struct sequencer *sequencer; /* of the source that the thread serves; set while the ticket is not held */
	uint32_t number;             /* stays valid after the ticket passed the output stage */
	bool is_held;
	bool is_last_batch;          /* the batch at hand is the last one of this ticket */
	uint64_t after[SEQUENCER_TICKETS / 64]; /* bit for each ticket, modulo SEQUENCER_TICKETS, that leaves before */
};

/* Takes a ticket unless it is held already. Only a thread that may read the source. */
void ticket_take(struct ticket *t);
void ticket_wait_counters(struct ticket *t);
/* While the ticket holds the counters stage: the batch has packets of a peer whose latest packets had the ticket *latest,
 * which becomes this one. They leave before, if the output stage is not passed in ticket order anyway. */
void ticket_follow(struct ticket *t, uint32_t *latest);
/* The same for all earlier tickets. */
void ticket_follow_all(struct ticket *t);
void ticket_wait_output(struct ticket *t);
/* After the last batch, these let the next ticket pass; the output stage also ends this ticket. */
void ticket_pass_counters(struct ticket *t);
void ticket_pass_output(struct ticket *t);

#endif
