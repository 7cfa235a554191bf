/* The interface as a whole: the sockets are open and the tunnel runs while the link is up. Control thread only. */
#ifndef DAEMON_INTERFACE_H
#define DAEMON_INTERFACE_H

#include "state.h"

/* Reads the events of the link and acts on them. Also called before each configuration request, so that the
 * reply is never older than the commands before it. */
void interface_refresh(struct control *c);
/* Acts on the state of the link as it was read last: MTU, up, down. */
void interface_follow_link(struct control *c);

/* Opens the sockets and starts the tunnel. If the port is in use, tries again every second (c->retry_ns). */
void interface_bring_up(struct control *c, uint64_t now_ns);

/* Replaces the sockets by fresh ones, and takes them. 0, or -errno and nothing changes. */
must_check int interface_replace_sockets(struct control *c, const struct udp *fresh);
void interface_close_sockets(struct control *c);
/* Counts what the kernel has dropped since the last call at the sockets and in the queue of the TUN. */
void interface_count_kernel_drops(struct control *c);

/* Another process has the TUN, the sockets and the configuration socket. While threads are paused: closes ours, and resumes
 * the threads, which have nothing to read then. */
void interface_give(struct control *c);
/* The files of the configuration socket and of the statistics stay when these are closed. */
void interface_leave_files(struct control *c);
/* Takes the sockets that another process gave, while there are no others, and reads the TUN, as after interface_bring_up. 0, or -errno and
 * nothing changes. */
must_check int interface_take(struct control *c, const struct udp *udp);

/* Passes the TUN to the data threads if the tunnel is up, otherwise to the loop. */
void interface_move_tun(struct control *c);

/* loop_source.ready of a control_socket. */
void interface_udp_ready(struct loop_source *s, uint32_t events);

/* The index that sockets are to be bound to: as in struct udp_options. */
uint32_t interface_bound_index(const struct wg_binding *b);
/* For sockets with this binding. Its addresses may be missing: they were there when it was set. */
void interface_socket_options(const struct control *c, struct udp_options *o, const struct wg_binding *b, uint32_t mark);
/* Opens the sockets of the tunnel. 0 or -errno. */
must_check int interface_open_sockets(const struct control *c, struct udp *fresh, uint16_t port, uint32_t mark);

#endif
