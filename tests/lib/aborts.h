/* Provoking a failed assertion in a child process. */
#ifndef TEST_ABORTS_H
#define TEST_ABORTS_H

#include <stdbool.h>

/* Calls f(ctx) in a child, with standard error closed and without a core dump. True: it ended by abort(3). */
bool aborts(void (*f)(void *ctx), void *ctx);

#endif
