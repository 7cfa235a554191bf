/* The state of the control thread. */
#ifndef DAEMON_STATE_H
#define DAEMON_STATE_H

#include "daemon/process/loop.h"
#include "daemon/threads/threads.h"
#include "daemon/threads/worker.h"
#include "fd_store.h"
#include "link.h"
#include "routes.h"
#include "stats_server.h"
#include "uapi_server.h"
#include "vm_clone.h"

struct control;

struct control_socket { /* a UDP socket in the loop */
	struct loop_source source;
	struct control *control;
};

struct control_queue { /* a queue of the TUN but the first, in the loop while there are no data threads */
	struct loop_source source;
	struct control *control;
};

struct control { /* owned by the control thread, but for what the threads use of tunnel, tun, udp and icmp */
	struct loop loop;
	struct loop_source tun_source, link_source, routes_source, signal_source, wake_source, clone_source, clock_source;
	struct fd_store store;
	struct loop_source takeover_source; /* the process that asked for the tunnel, or may do so */
	bool is_interim; /* this process serves the tunnel between two processes of a service */
	struct control_queue queue_sources[TUN_QUEUES_MAX - 1];
	struct control_socket udp_sources[UDP_SOCKETS]; /* by enum udp_socket_index */
	struct wg_tunnel *tunnel;
	struct worker *worker;      /* control's own */
	struct thread_pool threads; /* read the TUN and the data sockets while the tunnel is up */
	struct tun tun;
	struct link link;
	struct icmp icmp;
	struct udp udp;
	uint64_t tun_dropped;       /* by the queue of the TUN, when it was asked last */
	struct route_changes route_changes;
	int64_t clock_offset_ns;    /* vm_clone_clock_jumped */
	struct vm_clone_losses clone_losses;
	struct uapi_server uapi;
	struct stats_server stats;
	int statm_fd;               /* /proc/self/statm; -1: none */
	struct tun_queue *queue;    /* owned; used by the data threads, or without these by the worker */
	uint16_t listen_port;       /* kept while the link is down */
	uint32_t fwmark;
	struct wg_binding binding;  /* kept while the link is down */
	int binding_error;          /* why the sockets could not be bound to its device; reported once; 0: they are */
	uint64_t rebind_ns;         /* when that is tried again; NEVER */
	unsigned int disabled_offloads; /* enum offload_disable */
	bool up;                    /* the sockets are open and the tunnel runs */
	unsigned int n_changes;     /* of the tunnel by requests; limits the length of publications */
	bool mail_collected;        /* the data threads have left nothing more to process */
	uint64_t retry_ns;          /* when to try again to open the sockets; NEVER */
};

#endif
