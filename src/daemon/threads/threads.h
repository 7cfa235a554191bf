/* The data threads of a daemon. They wait for the same sources: the TUN and the sockets
 * for data. Whoever gets an event is the only reader of that source until he arms it again: after a batch
 * that shows load at once, so that the next one is worked on beside it; otherwise when he has sent his
 * own. Batches leave in the order they were read. Control is the thread of the loop: it handshakes, keeps
 * timers and configuration, and makes all changes. */
#ifndef DAEMON_CREW_H
#define DAEMON_CREW_H

#include <semaphore.h>
#include "brlock.h"
#include "worker.h"

enum {
	CREW_MAX = 64,
	CREW_DEFAULT_MAX = 8,
	CREW_STACK = 256 << 10,
	CREW_SHARE = 64,           /* packets in a batch from which on others may read beside us */
	CREW_AHEAD = 6,            /* batches of a source at once: the replay window is 8,128 packets */
	CREW_FROM_UDP = 256 << 10, /* bytes of handshake messages that wait for control, */
	CREW_FROM_TUN = 2 << 20,   /* and of packets */
};

enum crew_which { CREW_TUN, CREW_V4, CREW_V6, CREW_SOURCES };

struct crew_source {
	int fd;              /* -1: not served; changed while the crew pauses */
	uint32_t generation; /* events of descriptors that were here before are not of this one */
	struct line line;
};

struct crew_member {
	struct place place;
	_Alignas(64) pthread_mutex_t at_work; /* held while it uses descriptors */
	struct crew *crew;
	struct worker *worker;
	pthread_t thread;
};

struct crew {
	unsigned int n, n_started;   /* n 0: no crew, control does everything; 1: nobody to take turns with */
	struct crew_member *members; /* owned */
	struct places places;
	struct gate pause;
	sem_t running;               /* posted by each thread when it does */
	struct crew_source sources[CREW_SOURCES];
	int epoll, stop, wake;       /* eventfd(2): they are to end; control has something to do */
	unsigned int published;      /* control's: how many publications are one in the other */
	_Atomic bool woken;          /* control was told, and has not looked yet */
	_Atomic bool tun_failed;     /* the TUN gave an error, and is not served any more */
	struct wg_tunnel *tunnel;    /* this and the rest: the daemon's */
	struct tun *tun;
	struct udp *udp;
	struct icmp *icmp;
};

/* How many threads there are when nobody says so. */
unsigned int crew_default(void);

/* n data threads, up to CREW_MAX, which do not run yet; 0: none. Zeroed before, but for what is the
 * daemon's. 0 or -errno; crew_free in any case. */
must_check int crew_init(struct crew *c, unsigned int n);
/* When it returns, all of them run: libc asks for more when a thread begins than when it goes on. */
must_check int crew_start(struct crew *c);
void crew_free(struct crew *c); /* ends the threads; a zeroed one may be freed */

/* What the tunnel calls around changes; one in the other is one. No section runs between. */
void crew_publish_begin(struct crew *c);
void crew_publish_end(struct crew *c);

/* Between these two no thread uses a descriptor or waits in a line. */
void crew_pause(struct crew *c);
void crew_resume(struct crew *c);
/* While it pauses: serves another descriptor (-1: none) as this source. 0, or -errno and nothing changes. */
must_check int crew_serve(struct crew *c, enum crew_which which, int fd);

/* Control, when `wake` is readable. */
void crew_awake(struct crew *c);
/* Control, in any turn: gives its worker what threads left, but packets only when those before them are gone.
 * False: there is more. */
bool crew_collect(struct crew *c, struct worker *control);
/* Is there nothing from TUN to be collected? */
bool crew_is_collected(struct crew *c);
/* Did the TUN give an error since this was asked last? It has to be served anew then. */
bool crew_tun_failed(struct crew *c);
/* Handshake messages and packets that found no room. */
uint64_t crew_lost(struct crew *c);

#endif
