/* Paths whose datagrams wait long before they leave, as those through a slow uplink. What waits counts against the send
 * buffer of its socket, so each of these paths gets a separate socket with a small buffer: when that is full, the path
 * loses datagrams, and no other path does. The kernel reports how many bytes wait in a socket, but not for which path; they are
 * attributed to the paths to which data was sent when the number grew. A wrong guess costs little while there are free sockets:
 * that path has a separate socket for a while, the one with the least waiting data. With more slow paths than sockets, it shares
 * one that may be full, so paths that do not make the number grow are recognised.
 *
 * More paths may lead through a slow uplink than can be observed. What waits is therefore attributed to the devices of their
 * routes as well, and if the paths that are observed do not explain it, all paths through that device get a separate socket,
 * and their handshake messages another one. Workers share the sockets, and each detects slow paths itself. One for each address
 * family. Pure. */
#ifndef DAEMON_SLOW_PATHS_H
#define DAEMON_SLOW_PATHS_H

#include "proto/tunnel.h"

enum {
	SLOW_SOCKETS = 7,                /* for their data; more slow paths share sockets */
	SLOW_PATHS = 64,                 /* and devices */
	SLOW_SUSPECTS = 64,              /* paths that are observed, in sets by a hash */
	SLOW_SET = 4,                    /* of each set, the one with the least bytes is replaced */
	SLOW_DEVICES = 16,               /* that are observed; likewise */
	SLOW_MEASURE_BYTES = 64 << 10,   /* sent, after which the number of waiting bytes is read again */
	SLOW_STEP_BYTES = 1 << 20,       /* the number grew by so many: a path is slow */
	SLOW_MESSAGE_BYTES = 768,        /* the kernel's memory for a message, in addition to its bytes */
};
#define SLOW_FILL_NS (100 * NS_PER_MS) /* after which something waits in the socket of a path that is slow */
#define SLOW_CROWDED_NS (60 * NS_PER_S) /* how long a device with too many slow paths is treated as one without looking again */
#define SLOW_PATH_NS (20 * NS_PER_S) /* how long it has a separate socket; if it still is slow, it is found again */

struct path_key { /* of a path, as the kernel sees it, or of all paths through a device */
	struct ip_endpoint remote; /* IP_NONE: of a device */
	struct ip_addr local;
	uint32_t device; /* its index; 0: unknown */
};

struct slow_path {
	struct path_key key;
	uint8_t socket; /* number */
	uint64_t since_ns, until_ns;
};

struct suspect {
	struct path_key key; /* zeroed: none */
	uint64_t sent;       /* bytes since the last measurement */
	uint64_t waiting;    /* bytes that wait, by our estimate. Of a device: only those since the last slow paths were found */
	uint64_t left;       /* of a device: the others */
	uint64_t crowded_until_ns; /* of a device: it has too many slow paths to observe each */
	int32_t stays;       /* the part of what is sent that waits, of 1,024 */
};

struct slow_paths { /* zeroed: none; owned by one worker */
	struct slow_path all[SLOW_PATHS];
	unsigned int n;
	struct suspect suspects[SLOW_SUSPECTS];
	struct suspect devices[SLOW_DEVICES];
	unsigned int n_devices;
	uint64_t sent;      /* since the last measurement, by all paths */
	uint32_t waiting;   /* at the last measurement */
	uint32_t step;      /* that was given then */
	uint32_t least;     /* the least number that was measured since a path was found to be slow */
};

/* The number of the path's separate socket; negative: none. */
int slow_paths_find(const struct slow_paths *s, const struct wg_path *path, uint64_t now_ns);
/* All paths through the device of this one have a separate socket: then there is one more, for their handshake messages. */
bool slow_paths_has_slow_device(const struct slow_paths *s, const struct wg_path *path, uint64_t now_ns);
/* More and more waits, or paths are slow: the devices of paths (route_ifindex) should be looked up. */
bool slow_paths_needs_devices(const struct slow_paths *s);
/* A message was sent along a path through the socket of the others. */
void slow_paths_sent(struct slow_paths *s, const struct wg_path *path, size_t bytes);
bool slow_paths_must_measure(const struct slow_paths *s);
/* So many bytes wait in the socket of the other paths. True: one of these is slow; then slow_paths_separate is due.
 * step: SLOW_STEP_BYTES, or less if the buffer is small. */
must_check bool slow_paths_measured(struct slow_paths *s, uint32_t waiting, uint32_t step);
/* After a measurement: devices keep their separate sockets while much of what was sent through the socket of the others is left
 * there. Removes paths that are no longer slow. */
void slow_paths_renew(struct slow_paths *s, uint64_t now_ns);
/* Gives separate sockets to the path of which the most waits, and to others that are nearly as slow: as more slow paths
 * share the sockets, one at a time would be too slow. Or to devices, if they have too many slow paths. waiting: the bytes
 * that wait in each of these; UINT32_MAX: it is not open. */
void slow_paths_separate(struct slow_paths *s, const uint32_t waiting[SLOW_SOCKETS], uint64_t now_ns);

#endif
