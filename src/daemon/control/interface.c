/* Bringing the interface up and down, and the sockets and the TUN between the loop and the data threads. */
#include "interface.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include "daemon/process/clock.h"
#include "daemon/process/log.h"
#include "daemon/process/sandbox.h"

#define RETRY_NS NS_PER_S /* between two attempts to open the sockets */
/* After a change of the port, what peers sent before they learned the new one is received for so long. It takes them a round trip; but
 * configuration waits for this, as afterwards other programs can have the old port. */
#define OLD_PORT_NS (10 * NS_PER_MS)

/* ---- sockets ---- */

/* Passes the sockets for data to the threads, if there are any; null: none. While these are paused. 0, or -errno and the
 * threads keep the sockets they had. */
static int set_thread_sockets(struct control *c, const struct udp *u)
{
	int before[THREADS_TUN], error = 0;
	unsigned int i;

	for (i = 0; c->threads.n > 0 && i < THREADS_TUN && !error; i++) {
		before[i] = c->threads.sources[i].fd;
		error = threads_set_source(&c->threads, i, u ? u->sockets[udp_data_index(i % 2, i / 2)].fd : -1);
	}
	if (!error)
		return 0;
	for (i--; i-- > 0;)
		if (threads_set_source(&c->threads, i, before[i]) != 0)
			log_error("cannot receive on %s any more", i % 2 == UDP_V6 ? "IPv6" : "IPv4");
	return error;
}

/* All queues of the TUN to the threads, or none, while these are paused. 0 or -errno. */
static int set_thread_tun(struct control *c, bool is_read)
{
	int error = 0;

	for (unsigned int i = 0; c->threads.n > 0 && i < tun_queues(&c->tun) && !error; i++)
		error = threads_set_source(&c->threads, THREADS_TUN + i, is_read ? tun_queue_fd(&c->tun, i) : -1);
	return error;
}

/* The loop watches the sockets for handshake messages, and without data threads all of them. */
static bool is_for_loop(const struct control *c, unsigned int which, const struct udp *u)
{
	return u->sockets[which].fd >= 0 && (c->threads.n == 0 || u->sockets[which].kind != UDP_DATA);
}

void interface_count_kernel_drops(struct control *c)
{
	uint64_t tun_dropped;

	if (!c->tunnel)
		return;
	tunnel_count_drops(c->tunnel, WG_DROP_SOCKET, udp_take_dropped(&c->udp));
	if (!link_queue_dropped(&c->link, &tun_dropped))
		return;
	if (tun_dropped > c->tun_dropped)
		tunnel_count_drops(c->tunnel, WG_DROP_TUN_QUEUE, tun_dropped - c->tun_dropped);
	c->tun_dropped = tun_dropped;
}

static void empty_sockets(struct control *c, struct udp *u, uint64_t until_ns)
{
	for (unsigned int i = 0; i < UDP_SOCKETS; i++)
		if (u->sockets[i].fd >= 0)
			worker_empty_udp(c->worker, &u->sockets[i], until_ns);
}

/* What waits in them is received, and all that the kernel has dropped is counted. */
static void close_all(struct control *c, struct udp *u)
{
	sandbox_raise(true);
	udp_stop_receiving(u);
	sandbox_raise(false);
	empty_sockets(c, u, NEVER);
	if (c->tunnel) /* else they were never open */
		tunnel_count_drops(c->tunnel, WG_DROP_SOCKET, udp_take_dropped(u));
	udp_close(u);
}

void interface_close_sockets(struct control *c)
{
	for (unsigned int i = 0; i < UDP_SOCKETS; i++)
		loop_remove(&c->loop, &c->udp_sources[i].source);
	threads_pause(&c->threads);
	if (set_thread_sockets(c, NULL) != 0)
		unreachable(); /* removing a source cannot fail */
	close_all(c, &c->udp); /* what waits is counted as dropped: the tunnel is down */
	threads_resume(&c->threads);
}

void interface_leave_files(struct control *c)
{
	uapi_server_leave(&c->uapi);
	stats_server_leave(&c->stats);
}

void interface_give(struct control *c)
{
	for (unsigned int i = 0; i < UDP_SOCKETS; i++)
		loop_remove(&c->loop, &c->udp_sources[i].source);
	loop_remove(&c->loop, &c->tun_source);
	for (size_t i = 0; i < ARRAY_LEN(c->queue_sources); i++)
		loop_remove(&c->loop, &c->queue_sources[i].source);
	if (set_thread_sockets(c, NULL) != 0 || set_thread_tun(c, false) != 0)
		unreachable(); /* removing a source cannot fail */
	udp_close(&c->udp);
	tun_close(&c->tun);
	interface_leave_files(c);
	threads_resume(&c->threads);
}

void interface_udp_ready(struct loop_source *s, uint32_t events)
{
	struct control_socket *from = container_of(s, struct control_socket, source);
	struct control *c = from->control;

	(void)events;
	worker_serve_udp(c->worker, &c->udp.sockets[from - c->udp_sources]);
}

static bool is_open(const struct udp *u)
{
	return u->sockets[UDP_V4].fd >= 0 || u->sockets[UDP_V6].fd >= 0;
}

/* Waits for datagrams at the old port, and without data threads serves everything that carries packets. */
static void serve_old_port(struct control *c, struct udp *old, uint64_t until_ns)
{
	struct udp *const all[] = { old, &c->udp };
	struct pollfd p[2 * UDP_SOCKETS + TUN_QUEUES_MAX];
	nfds_t n = 0;
	uint64_t now_ns;

	for (unsigned int i = 0; i < UDP_SOCKETS; i++)
		p[n++] = (struct pollfd){ old->sockets[i].fd, POLLIN, 0 };
	for (unsigned int i = 0; i < UDP_SOCKETS && c->threads.n == 0; i++)
		p[n++] = (struct pollfd){ c->udp.sockets[i].fd, POLLIN, 0 };
	if (c->threads.n == 0)
		p[n++] = (struct pollfd){ c->tun.fd, POLLIN, 0 };
	while ((now_ns = clock_boot_ns()) < until_ns) {
		(void)poll(p, n, (int)((until_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS));
		for (nfds_t i = 0; i < n; i++) {
			if (!(p[i].revents & POLLIN))
				continue;
			if (i < 2 * UDP_SOCKETS)
				worker_serve_udp(c->worker, &all[i / UDP_SOCKETS]->sockets[i % UDP_SOCKETS]);
			else
				worker_serve_tun(c->worker);
		}
	}
}

/* The loop reads the new sockets from now on, and the threads, if there are any, as soon as they are resumed. */
static void use_sockets(struct control *c, const struct udp *fresh)
{
	uint32_t version = atomic_load(&c->udp.routes_version);

	c->udp = *fresh;
	tunnel_set_shards(c->tunnel, udp_shards(fresh));
	if (udp_shards(fresh) < 2)
		atomic_store(&c->threads.shared.by_shard, false); /* it would put all packets into one queue, and is not judged */
	atomic_store(&c->udp.routes_version, version + 1); /* what earlier sockets found is looked up again */
}

int interface_replace_sockets(struct control *c, const struct udp *fresh)
{
	struct loop_source next[UDP_SOCKETS];
	struct udp old = c->udp;
	bool moves = is_open(&old) && is_open(fresh) && old.port != fresh->port;
	int error = 0;

	/* The new sockets are added before the old ones are removed, so that failing changes nothing. Until
	 * then they have temporary sources. */
	for (unsigned int i = 0; i < UDP_SOCKETS; i++) {
		next[i] = (struct loop_source){ -1, interface_udp_ready };
		if (!error && is_for_loop(c, i, fresh))
			error = loop_add(&c->loop, &next[i], fresh->sockets[i].fd, EPOLLIN);
	}
	threads_pause(&c->threads);
	if (!error)
		error = set_thread_sockets(c, fresh);
	for (unsigned int i = 0; i < UDP_SOCKETS; i++)
		loop_remove(&c->loop, error ? &next[i] : &c->udp_sources[i].source);
	if (!error && moves)
		empty_sockets(c, &old, clock_boot_ns() + OLD_PORT_NS); /* while no thread opens later datagrams; a flood cannot extend this */
	else if (!error)
		close_all(c, &old);
	if (!error)
		use_sockets(c, fresh);
	threads_resume(&c->threads);
	if (error)
		return error;
	for (unsigned int i = 0; i < UDP_SOCKETS; i++) {
		c->udp_sources[i].source.fd = next[i].fd;
		if (next[i].fd >= 0) /* replaces the address of the temporary source in the epoll set */
			loop_change(&c->loop, &c->udp_sources[i].source, EPOLLIN);
	}
	if (moves) {
		serve_old_port(c, &old, clock_boot_ns() + OLD_PORT_NS);
		close_all(c, &old);
	}
	return 0;
}

/* The threads get everything at once: a second pause would wait until they have processed what has arrived, while nobody reads the
 * TUN. */
int interface_take(struct control *c, const struct udp *udp)
{
	int error = 0;

	for (unsigned int i = 0; i < UDP_SOCKETS && !error; i++)
		if (is_for_loop(c, i, udp))
			error = loop_add(&c->loop, &c->udp_sources[i].source, udp->sockets[i].fd, EPOLLIN);
	threads_pause(&c->threads);
	if (!error)
		error = set_thread_sockets(c, udp);
	if (!error)
		error = set_thread_tun(c, true);
	if (!error)
		use_sockets(c, udp);
	else if (set_thread_sockets(c, NULL) != 0 || set_thread_tun(c, false) != 0)
		unreachable(); /* removing a source cannot fail */
	c->up = !error;
	threads_resume(&c->threads);
	if (!error && c->threads.n > 0)
		loop_remove(&c->loop, &c->tun_source);
	for (unsigned int i = 0; i < UDP_SOCKETS && error; i++)
		loop_remove(&c->loop, &c->udp_sources[i].source);
	return error;
}

/* ---- up and down ---- */

/* Packets in the flow queue have been read, but are not counted as read until they are taken. */
static void discard_queued(struct control *c)
{
	uint32_t n = tun_queue_discard(c->queue, clock_boot_ns(), c->tunnel, WG_DROP_DOWN);

	counter_add(&c->worker->counters.tun_packets, n);
}

/* While the tunnel is down, the loop watches the TUN: a packet shows that the link was brought up. */
void interface_move_tun(struct control *c)
{
	int error;

	if (c->threads.n == 0 && !c->up)
		discard_queued(c);
	if (c->threads.n == 0)
		return;
	if (c->up)
		loop_remove(&c->loop, &c->tun_source);
	threads_pause(&c->threads);
	error = set_thread_tun(c, c->up);
	if (!c->up)
		discard_queued(c);
	threads_resume(&c->threads);
	if (!error && !c->up)
		error = loop_add(&c->loop, &c->tun_source, c->tun.fd, EPOLLIN);
	if (error)
		loop_stop(&c->loop, "out of memory");
}

uint32_t interface_bound_index(const struct wg_binding *b)
{
	uint32_t index = b->device[0] ? if_nametoindex(b->device) : 0;

	return b->device[0] && index == 0 ? UDP_NO_DEVICE : index;
}

void interface_socket_options(const struct control *c, struct udp_options *o, const struct wg_binding *b, uint32_t mark)
{
	*o = (struct udp_options){ .mark = mark, .disabled = c->disabled_offloads, .n_data = c->threads.n, .binding = *b,
				   .ifindex = interface_bound_index(b), .address_may_be_missing = true };
}

int interface_open_sockets(const struct control *c, struct udp *fresh, uint16_t port, uint32_t mark)
{
	struct udp_options o;
	int error;

	interface_socket_options(c, &o, &c->binding, mark);
	sandbox_raise(true);
	error = udp_open_bound(fresh, port, &o);
	sandbox_raise(false);
	return error;
}

void interface_bring_up(struct control *c, uint64_t now_ns)
{
	bool is_retry = c->retry_ns != NEVER;
	const struct udp_socket *v4;
	struct udp fresh;
	int error;

	error = interface_open_sockets(c, &fresh, c->listen_port, c->fwmark);
	if (!error) {
		error = interface_replace_sockets(c, &fresh);
		if (error)
			udp_close(&fresh);
	}
	c->retry_ns = error ? now_ns + RETRY_NS : NEVER;
	if (error && !is_retry)
		log_error("cannot open UDP port %u: %s", c->listen_port, strerror(-error));
	if (error)
		return;
	c->listen_port = fresh.port;
	c->up = true;
	v4 = &c->udp.sockets[UDP_V4];
	if (fresh.ifindex == UDP_NO_DEVICE)
		log_error("warning: device %s does not exist: nothing is sent or received until it does", c->binding.device);
	log_verbose("up, UDP port %u, %s%s%s", fresh.port, v4->ops ? v4->ops->name : "no IPv4",
		    v4->gso ? ", segment" : "", v4->gro ? ", gro" : "");
	tunnel_up(c->tunnel, now_ns);
	interface_move_tun(c);
}

static void bring_down(struct control *c)
{
	c->retry_ns = NEVER;
	if (!c->up)
		return;
	c->up = false;
	tunnel_down(c->tunnel);
	interface_close_sockets(c);
	interface_move_tun(c);
	log_verbose("down");
}

/* ---- the link ---- */

void interface_follow_link(struct control *c)
{
	uint32_t mtu = c->link.now.mtu, route_mtu = c->link.now.route_mtu;
	uint64_t now_ns = clock_boot_ns();

	/* Padding must not exceed the MTU of the route that a packet took. The TUN does not tell which route
	 * that was, so the least MTU of all routes is the limit. */
	if (mtu)
		tunnel_set_mtu(c->tunnel, route_mtu && route_mtu < mtu ? route_mtu : mtu);
	if (c->link.now.up && !c->up && c->retry_ns == NEVER)
		interface_bring_up(c, now_ns);
	else if (!c->link.now.up)
		bring_down(c);
}

void interface_refresh(struct control *c)
{
	char name[16];

	memcpy(name, c->link.now.name, sizeof name);
	if (link_update(&c->link) != 0) {
		loop_stop(&c->loop, "the link was deleted");
		return;
	}
	if (strcmp(name, c->link.now.name) != 0) {
		log_verbose("renamed to %s", c->link.now.name);
		uapi_server_rename(&c->uapi, c->link.now.name);
		socket_file_rename(&c->stats.file, c->link.now.name);
	}
	interface_follow_link(c);
	link_apply_defaults(&c->link);
}
