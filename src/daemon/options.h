/* Options of wireguardd, from the command line and the environment. */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include "base/text.h"
#include "daemon/control/link_fds.h"
#include "daemon/io/tun.h"

struct options {
	const char *interface;  /* from the command line */
	bool takeover;          /* --takeover or --interim */
	bool interim;           /* --interim */
	bool fd_store;          /* --fd-store */
	bool foreground;        /* --foreground, or WG_PROCESS_FOREGROUND=1 */
	const char *log_file;   /* WG_LOG_FILE; may be null or "" */
	int tun_fd, uapi_fd;    /* WG_TUN_FD, WG_UAPI_FD; -1: not set */
	int queue_fds[TUN_QUEUES_MAX - 1];       /* of WG_TUN_FD: the descriptors of more queues of the device; -1: none */
	int link_fds[LINK_FDS]; /* WG_LINK_FDS; -1: not set */
	unsigned int threads;   /* WG_THREADS: data threads */
	bool is_pinned;         /* WG_AFFINITY=cpu: each data thread stays on one CPU */
	unsigned int disabled_offloads; /* WG_NO_OFFLOAD: enum offload_disable */
};

/* Reads the environment, and applies WG_CPU. False: a variable has an invalid value, which `why` describes. */
must_check bool options_from_environment(struct options *o, struct text *why);

#endif
