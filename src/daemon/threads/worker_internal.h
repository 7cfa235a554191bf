/* Shared by the parts of the packet path: worker.c, worker_outbound.c (TUN to UDP), worker_inbound.c (UDP to TUN) and
 * worker_control.c. */
#ifndef DAEMON_WORKER_INTERNAL_H
#define DAEMON_WORKER_INTERNAL_H

#include "worker.h"

enum {
	CACHE_LINE = 64,
	HEADER = 16,               /* of a data message, before the packet (whitepaper, 5.4.6) */
	PADDING_AND_TAG = 15 + 16, /* at most so many bytes after it */
};

/* Mail for control. why: under which it counts as dropped if the mailbox is full; WG_DROP_NONE: it is counted already. */
void worker_post(struct worker *w, struct mailbox *to, struct mail header, const uint8_t *bytes, enum wg_drop why);

/* Not inside a reader section, that would be a deadlock: the threads with earlier tickets may have to wait for a writer,
 * which waits for this section to end. */
void worker_wait_for_output(struct worker *w);

/* Sends the batch, and counts it. */
void worker_send_batch(struct worker *w, uint64_t now_ns);

static inline size_t align_up(size_t n)
{
	return (n + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
}

#endif
