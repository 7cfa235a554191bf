/* One tunnel as a whole: the loop, the link's ups and downs, the sockets' lives, timers, and the
 * configuration that comes through the UAPI socket. */
#ifndef DAEMON_CONTROL_H
#define DAEMON_CONTROL_H

#include "daemon/process/clock.h"
#include "daemon/threads/threads.h"
#include "link.h"
#include "daemon/process/loop.h"
#include "uapi_server.h"
#include "daemon/threads/worker.h"

struct control;

struct control_socket { /* a UDP socket in the loop */
	struct loop_source source;
	struct control *control;
};

struct control {
	struct loop loop;
	struct loop_source tun_source, link_source, routes_source, signal_source, crew_source;
	struct control_socket udp_sources[UDP_SOCKETS]; /* by enum udp_which */
	struct wg_tunnel *tunnel;
	struct worker *worker; /* control's own */
	struct crew crew;      /* reads TUN and the sockets for data while the tunnel is up */
	struct tun tun;
	struct link link;
	struct icmp icmp;
	struct udp udp;
	struct uapi_server uapi;
	uint16_t listen_port; /* stays when the link goes down */
	uint32_t fwmark;
	unsigned int off;     /* enum offload_off */
	bool up;              /* the sockets are open, the tunnel runs */
	unsigned int changes; /* of the tunnel, counted to publish many at once */
	bool collected;       /* the crew has nothing more for us */
	uint64_t retry_ns;    /* when to try again to open the sockets; NEVER */
	const char *ended;    /* why the loop was left */
};

/* The tunnel, down and empty, with its loop; nothing else is open. threads: for data, beside the
 * loop's; 0: that does everything. 0 or -errno; control_free in any case. */
must_check int control_init(struct control *c, unsigned int off, unsigned int threads);
/* Watches the link and serves the socket; both must be open. 0 or -errno. */
must_check int control_start(struct control *c, int signal_fd);
/* Until the link is deleted, the socket file removed or a signal comes. */
void control_run(struct control *c);
void control_free(struct control *c);

/* For config.c: brings the picture of the link up to date, so that an answer is never behind the
 * commands that were run before; and changes to other sockets, all or nothing. */
void control_look_at_link(struct control *c);
must_check int control_take_sockets(struct control *c, const struct udp *fresh);

/* What the UAPI socket asks for. */
must_check int control_set(void *control, const struct wg_device *patch);
must_check int control_get(void *control, struct wg_device *state);
extern const struct ip_scopes control_scopes;

#endif
