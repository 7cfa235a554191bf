/* A data thread's place beside others: the section in which it reads the tunnel, its ticket in the line of
 * the source it serves, and what it leaves for control. A worker without a place is alone. */
#ifndef DAEMON_PLACE_H
#define DAEMON_PLACE_H

#include "mailbox.h"
#include "sequencer.h"

/* A lock of each thread's own that one other takes all of, and is fair between the two: he does not wait for
 * threads that come again and again, and whoever waits for him gets in before he closes the next time. */
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t opened, passed;
	unsigned int waiting; /* under lock */
	_Atomic bool closed;  /* written under lock */
};

must_check bool gate_init(struct gate *g);
/* Takes one's own lock. Touches nothing shared but to read one word while it is open. */
void gate_enter(struct gate *g, pthread_mutex_t *own);
/* Between these two, all locks may be taken. */
void gate_close(struct gate *g);
void gate_open(struct gate *g);

struct places { /* what all threads share; owned by the crew */
	bool many;         /* threads, so that one leaves something for the next */
	struct gate sections;
	struct handover from_udp, from_tun;
};

struct place { /* owned by its thread, but for `section` */
	_Alignas(64) pthread_mutex_t section; /* on a line of its own */
	struct places *all;
	struct line *line; /* of the source it serves */
	uint32_t ticket;
	bool in_line;      /* it has one */
	bool is_last;      /* the batch at hand is the last with this ticket */
	bool handed;       /* something was left for control */
};

must_check bool place_init(struct place *p, struct places *all);

void place_enter(struct place *p); /* the section; never wait for a turn inside */
void place_leave(struct place *p);

/* Takes a ticket unless it has one; only while it is the one who reads. */
void place_queue(struct place *p);
void place_wait_for_counters(struct place *p);
void place_wait_to_send(struct place *p);
/* Both pass the turn on when the batch is the last with this ticket. */
void place_numbered(struct place *p);
void place_sent(struct place *p);

#endif
