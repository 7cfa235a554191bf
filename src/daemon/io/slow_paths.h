/* Paths whose datagrams wait long before they leave, as those through a slow uplink. What waits counts against the send
 * buffer of its socket, so each of these paths gets a separate socket with a small buffer: when that is full, the path
 * loses datagrams, and no other path does. The kernel tells how many bytes of a socket wait, but not whose; they are
 * attributed to the paths that were sent to when the number grew. A wrong guess costs little: that path has a separate
 * socket for a while, in which the least waits. Workers share the sockets, and each finds the slow paths itself. One for each
 * address family. Pure. */
#ifndef DAEMON_SLOW_PATHS_H
#define DAEMON_SLOW_PATHS_H

#include "proto/tunnel.h"

enum {
	SLOW_SOCKETS = 8,                /* for them; more slow paths share sockets */
	SLOW_PATHS = 64,
	SLOW_SUSPECTS = 16,              /* paths that are observed; the one with the least bytes is replaced */
	SLOW_MEASURE_BYTES = 64 << 10,   /* sent, after which the number of waiting bytes is read again */
	SLOW_STEP_BYTES = 1 << 20,       /* the number grew by so many: a path is slow */
	SLOW_MESSAGE_BYTES = 768,        /* the kernel's memory for a message, in addition to its bytes */
};
#define SLOW_PATH_NS (20 * NS_PER_S) /* how long it has a separate socket; if it still is slow, it is found again */

struct path_key { /* of a path, as the kernel sees it */
	struct ip_endpoint remote;
	struct ip_addr local;
};

struct slow_path {
	struct path_key key;
	uint8_t socket; /* number */
	uint64_t until_ns;
};

struct suspect {
	struct path_key key; /* remote IP_NONE: none */
	uint64_t sent;       /* bytes since the last measurement */
	uint64_t waiting;    /* bytes that wait, by our estimate */
};

struct slow_paths { /* zeroed: none; owned by one worker */
	struct slow_path all[SLOW_PATHS];
	unsigned int n;
	struct suspect suspects[SLOW_SUSPECTS];
	uint64_t sent;      /* since the last measurement, by all paths */
	uint32_t waiting;   /* at the last measurement */
	uint32_t least;     /* the least number that was measured since a path was found to be slow */
};

/* The number of the path's separate socket; negative: none. */
int slow_paths_find(const struct slow_paths *s, const struct wg_path *path, uint64_t now_ns);
/* A message was sent along a path without a separate socket. */
void slow_paths_sent(struct slow_paths *s, const struct wg_path *path, size_t bytes);
bool slow_paths_must_measure(const struct slow_paths *s);
/* So many bytes wait in the socket of the other paths. True: one of these is slow; then slow_paths_separate is due.
 * step: SLOW_STEP_BYTES, or less if the buffer is small. */
must_check bool slow_paths_measured(struct slow_paths *s, uint32_t waiting, uint32_t step);
/* Gives a separate socket to the path of which the most waits. waiting: the bytes that wait in each of these;
 * UINT32_MAX: it is not open. */
void slow_paths_separate(struct slow_paths *s, const uint32_t waiting[SLOW_SOCKETS], uint64_t now_ns);

#endif
