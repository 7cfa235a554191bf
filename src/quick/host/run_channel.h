/* Messages and file descriptors between the two processes of `run`: the one outside, and the first one of its namespaces. */
#ifndef WG_QUICK_RUN_CHANNEL_H
#define WG_QUICK_RUN_CHANNEL_H

#include "base/base.h"

enum { RUN_FDS_MAX = 16 };

enum run_message_kind {
	RUN_READY,     /* from inside: the device exists; with its descriptors */
	RUN_CONNECT,   /* to the inside: the daemon is configured, set the link up */
	RUN_SIGNAL,    /* to the inside: send this signal to the command */
	RUN_PAUSED,   /* from inside: this signal stopped the command */
	RUN_ENDED,     /* from inside: the status of the command, as wait(2) has it */
};

struct run_message {
	int kind, value;
	int fds[RUN_FDS_MAX]; /* of the receiver, close-on-exec */
	size_t n_fds;
};

must_check int run_channel_open(int ends[2]); /* 0 or -errno */
/* 0 or -errno; -EPIPE: the other process has ended. */
int run_channel_send(int fd, const struct run_message *m);
/* Waits for a message. 0 or -errno; -EPIPE: the other process has ended. */
must_check int run_channel_receive(int fd, struct run_message *m);

/* Closes all descriptors of this process but the standard ones and these. */
void run_close_others(const int *keep, size_t n);

#endif
