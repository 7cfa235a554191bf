/* Getting a daemon on its feet: what the caller's environment says, the child that goes on while the
 * parent waits for its word, and the service manager's notice. */
#ifndef DAEMON_START_H
#define DAEMON_START_H

#include "base/text.h"

struct start {
	const char *name;
	bool foreground;
	int tun_fd, uapi_fd; /* WG_TUN_FD, WG_UAPI_FD; -1: not given */
	unsigned int off;    /* WG_NO_OFFLOAD: enum offload_off */
	unsigned int threads; /* WG_THREADS */
	const char *log_level;
};

/* Standard streams that are closed become /dev/null, before something else gets their numbers. */
void start_fill_streams(void);

/* Reads the environment. False: a variable makes no sense, which `why` says. */
must_check bool start_environment(struct start *s, struct text *why);

/* Forks. In the parent: waits for the child's word, prints an error if that is what it is, and never
 * returns (exit status 0 or 1). In the child: a session of its own, no inherited descriptors but the
 * wanted ones; returns the descriptor to give the word on, or -1 (reported). */
must_check int start_fork(const struct start *s);
/* The child's word: "" is success. Closes the descriptor. */
void start_report(int word_fd, const char *error);
/* Standard streams of a daemon: /dev/null, but output stays when LOG_LEVEL asks for any. */
void start_detach_streams(const struct start *s);
/* "READY=1" for systemd, when it wants it. */
void start_notify(void);

#endif
