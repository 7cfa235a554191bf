/* System calls by name, and the errors that they can return on a host that is short of something. */
#ifndef TEST_CALL_ERRORS_H
#define TEST_CALL_ERRORS_H

#include "base/base.h"

enum { CALL_VARIANTS = 4 };

/* The name, or null for a call that is not in the table. */
const char *call_name(long number);

/* A way for a call to fail. */
struct call_error {
	int error;      /* errno; 0: the call cannot fail in this way */
	bool performed; /* the kernel performs the call, whose result is lost: what was received, or the end of a file */
};
/* Variant 0 is the most probable error; calls that are not in the table fail with EIO. */
struct call_error call_error(long number, unsigned int variant);

#endif
