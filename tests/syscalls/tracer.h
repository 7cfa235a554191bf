/* Runs a program under ptrace(2), and lets one of its system calls fail, or kills it after one. The processes that it
 * starts are not traced. */
#ifndef TEST_TRACER_H
#define TEST_TRACER_H

#include "base/base.h"

enum trace_action { TRACE_COUNT, TRACE_FAIL, TRACE_KILL };

struct trace_fault {
	enum trace_action action;
	unsigned int at;      /* the call, counted from 1 after execve(2) */
	unsigned int variant; /* of the error */
};

struct trace_result {
	unsigned int calls; /* counted: all of them, or up to the fault */
	long number;        /* of the call at the fault; -1: the program ended before */
	int error;          /* injected; 0: this call has no such error, or none was injected */
	int status;         /* exit status, or 128 + signal */
	bool timed_out;
	uint64_t ns;        /* duration */
	/* Of TRACE_COUNT: the numbers of all calls; owned by the caller. */
	long *numbers;
	size_t cap;
};

/* Standard output and error become output_fd, standard input /dev/null. After limit_s seconds the program is killed.
 * 0 or -errno. */
must_check int trace_run(struct trace_result *out, const char *const argv[], int output_fd, const struct trace_fault *f,
			 unsigned int limit_s);

#endif
