/* The text of the statistics, from counters that threads write and the control thread reads. Control thread only. */
#ifndef DAEMON_STATISTICS_H
#define DAEMON_STATISTICS_H

#include "state.h"

/* Opens what is read later, before the sandbox forbids it. */
void stats_prepare(struct control *c);
/* Appends everything to the text. No work depends on the number of peers, and no thread is stopped or waited for. ctx: the
 * struct control. */
void stats_print(void *ctx, struct text *out);

#endif
