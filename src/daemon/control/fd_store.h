/* The entries of a tunnel in the file descriptor store of a service manager (process/service.h), by name: see restart.h. */
#ifndef DAEMON_FD_STORE_H
#define DAEMON_FD_STORE_H

#include "daemon/io/tun.h"
#include "daemon/io/udp.h"
#include "daemon/process/service.h"
#include "model/binding.h"

enum { FD_STORE_SOCKETS = 1 + UDP_SOCKETS + 2 * UDP_SLOW_SOCKETS + 2 }; /* numbers from 1, as in takeover_transfer.h */

struct fd_store { /* owned by control */
	struct service service; /* not open: the store is not in use */
	bool keep;              /* the next process is to go on */
	bool is_lent;           /* an interim process has the tunnel, and the next process takes it from there */
	void *memory;           /* with the configuration; null: none */
	size_t memory_bytes;
	unsigned int memory_name;  /* of the two names that it may have in the store */
	uint32_t number;        /* of the latest text */
	bool is_changed;        /* the configuration, since it was saved */
	uint16_t saved_port;
	uint64_t handshakes;    /* that were complete when it was saved */
	uint64_t saved_ns, cost_ns; /* when, and the CPU time that it took */
};

struct fd_store_taken { /* what the store has; fds -1: none */
	int tun, uapi, stats, state, config[2];
	int interim;                    /* a connection to a process that serves the tunnel (takeover.h) */
	int queues[TUN_QUEUES_MAX - 1]; /* of the TUN, but the first */
	int sockets[FD_STORE_SOCKETS];
	unsigned int n_sockets;
};

/* The descriptors of the process before. If the link was deleted, none. Before other descriptors are opened. */
void fd_store_take(struct fd_store_taken *t, const struct service *s);
/* Closes its state and its sockets, whose port can be opened again only when the store has closed them as well. */
void fd_store_drop_state(struct fd_store_taken *t, const struct service *s);

/* Of a queue of the TUN: "tun" is the first, "tun-1" the next one. */
void fd_store_queue_name(char name[SERVICE_NAME_BYTES], unsigned int i);
void fd_store_socket_name(char name[SERVICE_NAME_BYTES], unsigned int i);
/* Removes the state from the store, and the sockets before number n. */
void fd_store_forget_state(const struct service *s, unsigned int n);

/* An interim process is about to get the tunnel: the store keeps everything, and gets the connection to it. 0 or -errno. */
must_check int fd_store_lend(struct fd_store *s, int connection);
void fd_store_drop_interim(struct fd_store *s); /* it does not have the tunnel, or not any more */

/* The latest memory of the process before becomes that of s. */
void fd_store_take_config(struct fd_store *s, struct fd_store_taken *t);
/* Writes the configuration into the memory, or into a larger one, which replaces it. 0 or -errno. */
must_check int fd_store_save_config(struct fd_store *s, const struct wg_device *d, const struct wg_binding *b,
				    const struct ip_scopes *scopes);
void fd_store_forget_config(struct fd_store *s);

#endif
