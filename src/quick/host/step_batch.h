/* Performs the steps that are netlink messages: many of them in one system call. */
#ifndef WG_QUICK_STEP_BATCH_H
#define WG_QUICK_STEP_BATCH_H

#include "quick/plan/step.h"
#include "report/trace.h"
#include "rtnetlink.h"

/* Called for each step that the kernel refused, and with a null step when the connection failed; why: the kernel's
 * text, or null. The steps are marked failed before; with a null step, all of the batch. */
typedef void step_failed(void *ctx, const struct step *s, int error, const char *why);

struct step_batch {
	struct rtnetlink *rtnetlink;
	struct command_trace *trace; /* written before a batch is sent */
	struct plan *plan;
	uint32_t ifindex;
	bool tolerant;          /* the removal of something that does not exist is no failure */
	size_t first, end;      /* steps of the plan in the batch: those in [first, end) that are messages */
	bool without_ipv6;      /* the kernel refused IPv6, which was reported */
	size_t existing_routes; /* that the batches so far did not have to add */
	step_failed *failed;
	void *ctx;
};

bool step_is_message(const struct step *s);
/* Traces the plan's step with this index and adds it; sends the batch if it is full. */
void step_batch_add(struct step_batch *b, size_t index);
/* Marks the steps done that were, or possibly were, performed. */
void step_batch_send(struct step_batch *b);
/* Discards what was not sent. */
void step_batch_finish(struct step_batch *b);

#endif
