/* The loop of one tunnel. */
#include "control.h"

#include <errno.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "daemon/process/log.h"
#include "routes.h"
#include "daemon/process/sandbox.h"

enum { SOURCES_ASKED_MAX = 200 };
#define CLOCK_LEAST_S 1767225600ull /* 2026: it is not earlier than this program */
#define RETRY_NS NS_PER_S /* between two tries to open the sockets */

/* ---- what the tunnel may know of the world ---- */

static void env_random(void *ctx, void *p, size_t n)
{
	uint8_t *at = p;

	(void)ctx;
	while (n > 0) {
		ssize_t k = getrandom(at, n, 0);
		if (k < 0 && errno != EINTR)
			unreachable(); /* no keys without chance */
		at += k > 0 ? k : 0;
		n -= k > 0 ? (size_t)k : 0;
	}
}

static void env_realtime(void *ctx, uint64_t *unix_s, uint32_t *ns)
{
	uint64_t now = clock_wall_ns();

	(void)ctx;
	*unix_s = now / NS_PER_S;
	*ns = (uint32_t)(now % NS_PER_S);
}

static void env_publish_begin(void *ctx)
{
	crew_publish_begin(&((struct control *)ctx)->crew);
}

static void env_publish_end(void *ctx)
{
	crew_publish_end(&((struct control *)ctx)->crew);
}

/* ---- sockets ---- */

/* Those for data, when there is a crew; while it pauses. 0 or -errno, and it has those it had. */
static int crew_sockets(struct control *c, int v4, int v6)
{
	int before = c->crew.sources[CREW_V4].fd, error;

	if (c->crew.n == 0)
		return 0;
	error = crew_serve(&c->crew, CREW_V4, v4);
	if (error)
		return error;
	error = crew_serve(&c->crew, CREW_V6, v6);
	if (error && crew_serve(&c->crew, CREW_V4, before) != 0)
		log_error("IPv4 cannot be received any more");
	return error;
}

/* A socket that the loop watches. */
static bool is_the_loops(const struct control *c, unsigned int which, const struct udp *u)
{
	return u->sockets[which].fd >= 0 && (c->crew.n == 0 || u->sockets[which].handshakes);
}

static void close_sockets(struct control *c)
{
	for (unsigned int i = 0; i < UDP_SOCKETS; i++)
		loop_remove(&c->loop, &c->udp_sources[i].source);
	crew_pause(&c->crew);
	if (crew_sockets(c, -1, -1) != 0)
		unreachable(); /* taking away needs nothing */
	udp_close(&c->udp);
	crew_resume(&c->crew);
}

static void udp_ready(struct loop_source *s, uint32_t events)
{
	struct control_socket *from = container_of(s, struct control_socket, source);
	struct control *c = from->control;

	(void)events;
	worker_from_udp(c->worker, &c->udp.sockets[from - c->udp_sources]);
}

int control_take_sockets(struct control *c, const struct udp *fresh)
{
	struct loop_source next[UDP_SOCKETS];
	int error = 0;

	/* The new ones must be in before the old ones go; they have places of their own until then. */
	for (unsigned int i = 0; i < UDP_SOCKETS; i++) {
		next[i] = (struct loop_source){ -1, udp_ready };
		if (!error && is_the_loops(c, i, fresh))
			error = loop_add(&c->loop, &next[i], fresh->sockets[i].fd, EPOLLIN);
	}
	crew_pause(&c->crew);
	if (!error)
		error = crew_sockets(c, fresh->sockets[UDP_V4].fd, fresh->sockets[UDP_V6].fd);
	for (unsigned int i = 0; i < UDP_SOCKETS; i++)
		loop_remove(&c->loop, error ? &next[i] : &c->udp_sources[i].source);
	if (!error) {
		udp_close(&c->udp);
		c->udp = *fresh;
	}
	crew_resume(&c->crew);
	if (error)
		return error;
	for (unsigned int i = 0; i < UDP_SOCKETS; i++) {
		c->udp_sources[i].source.fd = next[i].fd;
		if (next[i].fd >= 0) /* now with the place that stays */
			loop_change(&c->loop, &c->udp_sources[i].source, EPOLLIN);
	}
	return 0;
}

/* ---- up and down ---- */

static void link_stop(struct control *c, const char *why)
{
	c->ended = why;
	c->loop.stop = true;
}

/* While the tunnel is up, TUN is the crew's, if there is one. Otherwise the loop's, for which a packet is
 * news: the link must be up. */
static void move_tun(struct control *c)
{
	int error;

	if (c->crew.n == 0)
		return;
	if (c->up)
		loop_remove(&c->loop, &c->tun_source);
	crew_pause(&c->crew);
	error = crew_serve(&c->crew, CREW_TUN, c->up ? c->tun.fd : -1);
	crew_resume(&c->crew);
	if (!error && !c->up)
		error = loop_add(&c->loop, &c->tun_source, c->tun.fd, EPOLLIN);
	if (error)
		link_stop(c, "no memory to wait for packets");
}

static void bring_up(struct control *c, uint64_t now_ns)
{
	bool again = c->retry_ns != NEVER;
	const struct udp_socket *v4;
	struct udp fresh;
	int error;

	sandbox_raise(true);
	error = udp_open(&fresh, c->listen_port, c->fwmark, c->off);
	sandbox_raise(false);
	if (!error) {
		error = control_take_sockets(c, &fresh);
		if (error)
			udp_close(&fresh);
	}
	c->retry_ns = error ? now_ns + RETRY_NS : NEVER;
	if (error && !again)
		log_error("cannot open UDP port %u: %s", c->listen_port, strerror(-error));
	if (error)
		return;
	c->listen_port = fresh.port;
	c->up = true;
	v4 = &c->udp.sockets[UDP_V4];
	log_verbose("up, UDP port %u, %s%s%s", fresh.port, v4->ops ? v4->ops->name : "no IPv4",
		    v4->segment ? ", segment" : "", v4->gro ? ", gro" : "");
	tunnel_up(c->tunnel, now_ns);
	move_tun(c);
}

static void bring_down(struct control *c)
{
	c->retry_ns = NEVER;
	if (!c->up)
		return;
	c->up = false;
	tunnel_down(c->tunnel);
	close_sockets(c);
	move_tun(c);
	log_verbose("down");
}

static void link_ready(struct loop_source *s, uint32_t events)
{
	(void)events;
	control_look_at_link(container_of(s, struct control, link_source));
}

static void link_apply(struct control *c)
{
	uint64_t now_ns = clock_boot_ns();

	uint32_t mtu = c->link.now.mtu, route_mtu = c->link.now.route_mtu;

	/* Padding does not go beyond the MTU of the route a packet came by. We cannot see which one it
	 * was, so it stays below all of them. */
	if (mtu)
		tunnel_set_mtu(c->tunnel, route_mtu && route_mtu < mtu ? route_mtu : mtu);
	if (c->link.now.up && !c->up && c->retry_ns == NEVER)
		bring_up(c, now_ns);
	else if (!c->link.now.up)
		bring_down(c);
}

void control_look_at_link(struct control *c)
{
	char name[16];

	memcpy(name, c->link.now.name, sizeof name);
	if (link_read(&c->link) != 0) {
		link_stop(c, "the link was deleted");
		return;
	}
	if (strcmp(name, c->link.now.name) != 0) {
		log_verbose("renamed to %s", c->link.now.name);
		uapi_server_rename(&c->uapi, c->link.now.name);
	}
	link_apply(c);
	link_settle(&c->link);
}

/* ---- events ---- */

static void look_at_tun(struct control *c)
{
	char name[16];

	if (tun_name(&c->tun, name) != 0)
		link_stop(c, "the link was deleted");
}

static void tun_ready(struct loop_source *s, uint32_t events)
{
	struct control *c = container_of(s, struct control, tun_source);
	if (!c->up)
		control_look_at_link(c);
	if ((events & EPOLLIN) && s->fd >= 0) /* still ours */
		worker_from_tun(c->worker);
	if (c->worker->tun_gone || (events & (EPOLLERR | EPOLLHUP)))
		look_at_tun(c);
}

static void crew_ready(struct loop_source *s, uint32_t events)
{
	struct control *c = container_of(s, struct control, crew_source);

	(void)events;
	crew_awake(&c->crew);
	if (!crew_tun_failed(&c->crew))
		return;
	look_at_tun(c);
	if (!c->loop.stop && c->up)
		move_tun(c); /* again */
}

/* Remembered sources that the routes no longer agree with are forgotten; all of them where there are too
 * many to ask about. */
static void check_sources(struct control *c)
{
	struct wg_path path;
	unsigned int asked = 0;

	for (struct wg_tunnel_peer *p = NULL; (p = tunnel_peer_next(c->tunnel, p));) {
		if (!tunnel_peer_path(p, &path) || path.remote.addr.family != IP_V4)
			continue;
		if (++asked > SOURCES_ASKED_MAX) {
			tunnel_clear_sources(c->tunnel);
			return;
		}
		if (!routes_allow(&path, c->fwmark))
			tunnel_clear_source(c->tunnel, &path);
	}
}

static void routes_ready(struct loop_source *s, uint32_t events)
{
	struct control *c = container_of(s, struct control, routes_source);

	(void)events;
	if (!routes_read(s->fd, c->link.elsewhere ? 0 : c->link.now.ifindex))
		return;
	udp_forget_limits(&c->udp);
	check_sources(c);
}

static void signal_ready(struct loop_source *s, uint32_t events)
{
	struct control *c = container_of(s, struct control, signal_source);
	struct signalfd_siginfo info;

	(void)events;
	if (read(s->fd, &info, sizeof info) != (ssize_t)sizeof info)
		return;
	if (info.ssi_signo == SIGIO)
		uapi_server_look(&c->uapi);
	else
		link_stop(c, "a signal came");
}

static void socket_removed(void *ctx)
{
	link_stop(ctx, "the socket file was removed");
}

/* ---- life ---- */

int control_init(struct control *c, unsigned int off, unsigned int threads)
{
	struct wg_env env = { .ctx = c, .random = env_random, .realtime = env_realtime };
	int error;

	if (threads > 0) {
		env.publish_begin = env_publish_begin;
		env.publish_end = env_publish_end;
	}

	memset(c, 0, sizeof *c);
	c->off = off;
	c->collected = true;
	c->retry_ns = NEVER;
	c->tun.fd = -1;
	udp_init(&c->udp);
	c->link.netlink = c->link.birth = c->icmp.v4 = c->icmp.v6 = -1;
	c->link.icmp = &c->icmp; /* closed with the link, which may never be opened */
	c->tun_source = (struct loop_source){ -1, tun_ready };
	for (size_t i = 0; i < UDP_SOCKETS; i++)
		c->udp_sources[i] = (struct control_socket){ { -1, udp_ready }, c };
	c->link_source = (struct loop_source){ -1, link_ready };
	c->routes_source = (struct loop_source){ -1, routes_ready };
	c->signal_source = (struct loop_source){ -1, signal_ready };
	c->crew_source = (struct loop_source){ -1, crew_ready };
	c->uapi.listener.fd = c->uapi.watcher.fd = c->uapi.folder = -1;
	for (size_t i = 0; i < UAPI_CLIENTS_MAX; i++)
		c->uapi.clients[i].source.fd = -1;
	error = loop_init(&c->loop);
	if (error)
		return error;
	c->tunnel = tunnel_new(&env);
	c->worker = c->tunnel ? worker_new(c->tunnel, &c->tun, &c->udp, &c->icmp) : NULL;
	if (!c->worker)
		return -ENOMEM;
	if (threads > 0)
		tunnel_hold(c->tunnel);
	c->crew.tunnel = c->tunnel;
	c->crew.tun = &c->tun;
	c->crew.udp = &c->udp;
	c->crew.icmp = &c->icmp;
	error = crew_init(&c->crew, threads);
	return error || threads == 0 ? error :
				       loop_add(&c->loop, &c->crew_source, c->crew.wake, EPOLLIN);
}

int control_start(struct control *c, int signal_fd)
{
	const struct uapi_calls calls = { c, control_set, control_get, &control_scopes };
	int routes = routes_open();
	int error;

	log_verbose("cryptography: %s", tunnel_crypto_impl());
	if (clock_wall_ns() < CLOCK_LEAST_S * NS_PER_S)
		log_error("the clock is wrong: peers may refuse our handshakes");
	if (routes < 0 || loop_add(&c->loop, &c->routes_source, routes, EPOLLIN) != 0)
		log_error("routes cannot be watched");
	error = uapi_server_start(&c->uapi, &c->loop, &calls, socket_removed);
	if (!error)
		error = loop_add(&c->loop, &c->tun_source, c->tun.fd, EPOLLIN);
	if (!error)
		error = loop_add(&c->loop, &c->signal_source, signal_fd, EPOLLIN);
	if (error)
		return error;
	error = loop_add(&c->loop, &c->link_source, c->link.netlink, EPOLLIN);
	if (error)
		return error;
	c->link.privileged = sandbox_raise;
	link_apply(c); /* it may be up already when it was handed over */
	return 0;
}

/* Peers whose packets went through control, because they had no session: from now on their packets go without
 * it again, but not before those that are on their way to us. */
static void release_held(struct control *c)
{
	bool none_come;

	crew_publish_begin(&c->crew);
	none_come = crew_is_collected(&c->crew);
	if (none_come)
		tunnel_release(c->tunnel);
	crew_publish_end(&c->crew);
	if (none_come)
		return;
	crew_pause(&c->crew); /* under load, there would always be some on the way */
	do {
		c->collected = crew_collect(&c->crew, c->worker);
		worker_drain(c->worker);
	} while (!c->collected);
	tunnel_release(c->tunnel);
	crew_resume(&c->crew);
}

/* Timers that are due, and what is to be sent because of them and of everything else. */
static void catch_up(struct control *c)
{
	uint64_t now_ns = clock_boot_ns(), deadline;

	if (now_ns >= tunnel_deadline(c->tunnel))
		tunnel_tick(c->tunnel, now_ns);
	if (c->link.now.up && now_ns >= c->retry_ns)
		bring_up(c, now_ns);
	uapi_server_tick(&c->uapi, now_ns);
	c->collected = crew_collect(&c->crew, c->worker);
	worker_control(c->worker);
	if (tunnel_is_holding(c->tunnel))
		release_held(c);
	deadline = tunnel_deadline(c->tunnel);
	if (c->retry_ns < deadline)
		deadline = c->retry_ns;
	if (uapi_server_deadline(&c->uapi) < deadline)
		deadline = uapi_server_deadline(&c->uapi);
	loop_wake_at(&c->loop, deadline);
}

static void tell_drops(struct control *c)
{
	uint64_t drops[WG_DROP_COUNT];

	tunnel_drops(c->tunnel, drops);
	for (unsigned int i = 0; i < WG_DROP_COUNT; i++)
		if (drops[i] > 0)
			log_verbose("dropped %llu: %s", (unsigned long long)drops[i],
				    wg_drop_text((enum wg_drop)i));
	if (c->worker->ring_lost > 0)
		log_verbose("dropped %llu: too many handshakes waited",
			    (unsigned long long)c->worker->ring_lost);
	if (crew_lost(&c->crew) > 0)
		log_verbose("dropped %llu: too much waited for control",
			    (unsigned long long)crew_lost(&c->crew));
}

void control_run(struct control *c)
{
	int error = 0;

	while (!c->loop.stop && !error) {
		error = loop_turn(&c->loop, worker_is_busy(c->worker) || !c->collected);
		if (!c->loop.stop && !error)
			catch_up(c);
	}
	if (error)
		log_error("waiting for events: %s", strerror(-error));
	tell_drops(c);
	log_verbose("ending: %s", c->ended ? c->ended : "an error");
}

/* The socket's file goes last: once it is gone, port and name are free for the next of this name. */
void control_free(struct control *c)
{
	crew_free(&c->crew);
	if (c->up)
		tunnel_down(c->tunnel);
	close_sockets(c);
	link_close(&c->link);
	tun_close(&c->tun);
	uapi_server_close(&c->uapi);
	if (c->routes_source.fd >= 0)
		close(c->routes_source.fd);
	if (c->signal_source.fd >= 0)
		close(c->signal_source.fd);
	worker_free(c->worker);
	if (c->tunnel)
		tunnel_free(c->tunnel);
	loop_free(&c->loop);
}
