/* The control thread: its events, and the work that they make due. */
#include "control.h"

#include <errno.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "binding.h"
#include "config.h"
#include "daemon/process/clock.h"
#include "daemon/process/log.h"
#include "daemon/process/sandbox.h"
#include "interface.h"
#include "restart.h"
#include "routes.h"
#include "statistics.h"
#include "takeover.h"

#define CLOCK_MIN_S 1767225600ull /* 2026-01-01: an earlier system time is wrong */

/* ---- the environment of the tunnel ---- */

static void env_random(void *ctx, void *p, size_t n)
{
	uint8_t *at = p;

	(void)ctx;
	while (n > 0) {
		ssize_t k = getrandom(at, n, 0);
		if (k < 0 && errno != EINTR)
			unreachable(); /* without randomness there are no keys */
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
	threads_publish_begin(&((struct control *)ctx)->threads);
}

static void env_publish_end(void *ctx)
{
	threads_publish_end(&((struct control *)ctx)->threads);
}

static void env_parallel(void *ctx, wg_compute_fn *compute, void *jobs, size_t n)
{
	struct thread_pool *p = &((struct control *)ctx)->threads;

	parallel_run(&p->parallel, compute, jobs, n, &p->n_waiting);
}

/* ---- events ---- */

static void check_tun(struct control *c)
{
	char name[16];

	if (tun_name(&c->tun, name) != 0)
		loop_stop(&c->loop, "the link was deleted");
}

static void link_ready(struct loop_source *s, uint32_t events)
{
	(void)events;
	interface_refresh(container_of(s, struct control, link_source));
}

static void tun_ready(struct loop_source *s, uint32_t events)
{
	struct control *c = container_of(s, struct control, tun_source);

	if (!c->up)
		interface_refresh(c);
	if ((events & EPOLLIN) && s->fd >= 0) /* not passed to the data threads */
		worker_serve_tun(c->worker);
	if (c->worker->tun_deleted || (events & (EPOLLERR | EPOLLHUP)))
		check_tun(c);
}

static void queue_ready(struct loop_source *s, uint32_t events)
{
	struct control_queue *q = container_of(s, struct control_queue, source);
	struct control *c = q->control;

	c->worker->tun_queue = 1 + (unsigned int)(q - c->queue_sources);
	tun_ready(&c->tun_source, events);
	c->worker->tun_queue = 0;
}

static void wake_ready(struct loop_source *s, uint32_t events)
{
	struct control *c = container_of(s, struct control, wake_source);

	(void)events;
	threads_clear_wake(&c->threads);
	if (!threads_test_clear_tun_failed(&c->threads))
		return;
	check_tun(c);
	if (!c->loop.stop && c->up)
		interface_move_tun(c); /* the threads stopped reading it */
}

/* Everything that depends on routes is looked up again when it is used next. */
static void publish_route_changes(struct control *c, uint64_t now_ns)
{
	bool changed = route_changes_take(&c->route_changes, now_ns);

	if (changed || now_ns >= c->rebind_ns)
		control_follow_device(c, now_ns);
	if (changed)
		udp_routes_changed(&c->udp);
}

static void routes_ready(struct loop_source *s, uint32_t events)
{
	struct control *c = container_of(s, struct control, routes_source);

	(void)events;
	if (routes_read_events(s->fd, c->link.in_other_ns ? 0 : c->link.now.ifindex))
		c->route_changes.is_pending = true;
	publish_route_changes(c, clock_boot_ns());
}

/* Another copy of this machine may have the same keys: nothing more may be encrypted with them. */
static void expire_sessions(struct control *c, const char *reason)
{
	log_verbose("new handshakes: %s", reason);
	threads_publish_begin(&c->threads);
	tunnel_expire_sessions(c->tunnel);
	threads_publish_end(&c->threads);
}

static void clone_ready(struct loop_source *s, uint32_t events)
{
	struct control *c = container_of(s, struct control, clone_source);

	(void)events;
	if (vm_clone_read_events(s->fd, &c->clone_losses))
		expire_sessions(c, "the virtual machine was cloned or restored");
}

static void check_losses(struct control *c, uint64_t now_ns)
{
	if (vm_clone_losses_take(&c->clone_losses, now_ns))
		expire_sessions(c, "messages were lost, the virtual machine may have been cloned or restored");
}

/* Reads the clocks itself: what a turn of the loop takes is no jump. */
static void check_clock(struct control *c)
{
	uint64_t before_ns = clock_boot_ns(), wall_ns = clock_wall_ns(), boot_ns = clock_boot_ns();

	if (vm_clone_clock_jumped(&c->clock_offset_ns, before_ns, wall_ns, boot_ns))
		expire_sessions(c, "the system time was set forward, the virtual machine may have been restored");
}

static void clock_ready(struct loop_source *s, uint32_t events)
{
	struct control *c = container_of(s, struct control, clock_source);

	(void)events;
	vm_clone_clear_clock(s->fd);
	check_clock(c);
}

static void signal_ready(struct loop_source *s, uint32_t events)
{
	struct control *c = container_of(s, struct control, signal_source);
	struct signalfd_siginfo info;

	(void)events;
	if (read(s->fd, &info, sizeof info) != (ssize_t)sizeof info)
		return;
	/* A service is stopped, and not restarted, by removing the file before the signal. */
	if (info.ssi_signo == SIGIO || info.ssi_signo == SIGTERM)
		uapi_server_check_file(&c->uapi);
	c->store.keep = !c->loop.stop && info.ssi_signo == SIGTERM && c->store.service.is_open;
	if (info.ssi_signo != SIGIO && !c->loop.stop)
		loop_stop(&c->loop, "terminated by a signal");
}

/* A handler of the UAPI server; ctx: struct control. */
static int set_and_save(void *ctx, const struct wg_device *patch)
{
	int error = config_set(ctx, patch);

	restart_changed(ctx);
	return error;
}

static void socket_removed(void *ctx)
{
	struct control *c = ctx;

	loop_stop(&c->loop, "the socket file was removed");
}

/* ---- lifetime ---- */

/* Everything closed. */
static void control_clear(struct control *c)
{
	memset(c, 0, sizeof *c);
	c->mail_collected = true;
	c->retry_ns = c->rebind_ns = NEVER;
	c->tun.fd = -1;
	udp_init(&c->udp);
	c->link.netlink = c->link.daemon_ns = c->link.requests = c->icmp.v4 = c->icmp.v6 = -1;
	c->link.icmp = &c->icmp; /* link_close closes it, even if the link was never opened */
	c->tun_source = (struct loop_source){ -1, tun_ready };
	for (size_t i = 0; i < ARRAY_LEN(c->queue_sources); i++)
		c->queue_sources[i] = (struct control_queue){ { -1, queue_ready }, c };
	for (size_t i = 0; i < UDP_SOCKETS; i++)
		c->udp_sources[i] = (struct control_socket){ { -1, interface_udp_ready }, c };
	c->link_source = (struct loop_source){ -1, link_ready };
	c->routes_source = (struct loop_source){ -1, routes_ready };
	c->clone_source = (struct loop_source){ -1, clone_ready };
	c->clock_source = (struct loop_source){ -1, clock_ready };
	c->signal_source = (struct loop_source){ -1, signal_ready };
	c->wake_source = (struct loop_source){ -1, wake_ready };
	stats_server_init(&c->stats);
	c->statm_fd = -1;
	takeover_init(c);
	c->uapi.listener.fd = c->uapi.watcher.fd = c->uapi.dir_fd = -1;
	for (size_t i = 0; i < UAPI_CLIENTS_MAX; i++)
		c->uapi.clients[i].source.fd = -1;
}

int control_init(struct control *c, unsigned int disabled_offloads, unsigned int threads)
{
	struct wg_env env = { .ctx = c, .random = env_random, .realtime = env_realtime };
	struct flow_seed seed;
	int error;

	if (threads > 0) {
		env.publish_begin = env_publish_begin;
		env.publish_end = env_publish_end;
		env.parallel = env_parallel;
	}
	control_clear(c);
	c->disabled_offloads = disabled_offloads;
	error = loop_init(&c->loop);
	if (error)
		return error;
	c->tunnel = tunnel_new(&env);
	c->worker = c->tunnel ? worker_new(c->tunnel, &c->tun, &c->udp, &c->icmp) : NULL;
	env_random(c, &seed, sizeof seed);
	c->queue = tun_queue_new(&seed, clock_boot_ns());
	if (!c->worker || !c->queue)
		return -ENOMEM;
	if (threads > 0)
		tunnel_hold(c->tunnel);
	c->threads.tunnel = c->tunnel;
	c->threads.tun = &c->tun;
	c->threads.udp = &c->udp;
	c->threads.icmp = &c->icmp;
	c->threads.shared.queue = c->queue;
	if (threads == 0)
		c->worker->queue = c->queue;
	error = threads_init(&c->threads, threads);
	return error || threads == 0 ? error :
				       loop_add(&c->loop, &c->wake_source, c->threads.wake, EPOLLIN);
}

int control_start(struct control *c, int signal_fd)
{
	const struct uapi_handlers handlers = { c, set_and_save, config_get, &config_scopes,
						control_set_binding, control_get_binding, takeover_requested };
	int routes = routes_subscribe(), clone = vm_clone_subscribe(), clock = vm_clone_watch_clock();
	int error;

	log_verbose("cryptography: %s", tunnel_crypto_impl("aead"));
	if (clock_wall_ns() < CLOCK_MIN_S * NS_PER_S)
		log_error("warning: the system time is before 2026: peers may refuse handshakes");
	if (routes < 0 || loop_add(&c->loop, &c->routes_source, routes, EPOLLIN) != 0)
		log_error("warning: cannot watch routes");
	if (clone < 0 || loop_add(&c->loop, &c->clone_source, clone, EPOLLIN) != 0)
		log_verbose("cannot detect clones of this virtual machine");
	if (clock < 0 || loop_add(&c->loop, &c->clock_source, clock, EPOLLIN) != 0)
		log_verbose("cannot watch the system time");
	stats_prepare(c);
	if (c->stats.listener.fd >= 0 && stats_server_start(&c->stats, &c->loop, stats_print, c) != 0)
		log_error("warning: no statistics: out of memory");
	error = uapi_server_start(&c->uapi, &c->loop, &handlers, socket_removed);
	if (!error)
		error = loop_add(&c->loop, &c->tun_source, c->tun.fd, EPOLLIN);
	for (unsigned int i = 0; !error && c->threads.n == 0 && i < c->tun.n_more; i++)
		error = loop_add(&c->loop, &c->queue_sources[i].source, c->tun.more_fds[i], EPOLLIN);
	if (!error)
		error = loop_add(&c->loop, &c->signal_source, signal_fd, EPOLLIN);
	if (error)
		return error;
	error = loop_add(&c->loop, &c->link_source, c->link.netlink, EPOLLIN);
	if (error)
		return error;
	c->link.raise_privileges = sandbox_raise;
	if (!link_queue_dropped(&c->link, &c->tun_dropped)) /* a persistent device may have dropped packets before */
		c->tun_dropped = 0;
	return 0;
}

/* Packets of a peer without a session went through control (tunnel_hold). From now on its packets take the
 * direct way again, but not before those that are still on their way to control. */
static void release_held(struct control *c)
{
	bool is_empty;

	threads_publish_begin(&c->threads);
	is_empty = threads_tun_mail_is_empty(&c->threads);
	if (is_empty)
		tunnel_release(c->tunnel);
	threads_publish_end(&c->threads);
	if (is_empty)
		return;
	threads_pause(&c->threads); /* under load, the mailbox would never be empty */
	do {
		c->mail_collected = threads_collect_mail(&c->threads, c->worker);
		worker_drain(c->worker);
	} while (!c->mail_collected);
	tunnel_release(c->tunnel);
	threads_resume(&c->threads);
}

/* Without data threads: packets that wait are sent in turns of the loop. Returns when the next turn is due. */
static uint64_t serve_queue(struct control *c)
{
	if (c->threads.n > 0)
		return NEVER;
	if (tun_queue_state(c->queue) != TUN_QUEUE_EMPTY && c->up)
		worker_serve_tun(c->worker);
	return tun_queue_state(c->queue) == TUN_QUEUE_HELD ? clock_boot_ns() + TUN_QUEUE_HELD_MS * NS_PER_MS : NEVER;
}

/* Whether there is more to do than the loop waits for. */
static bool has_work(const struct control *c)
{
	return handshake_queue_n(&c->worker->handshakes) > 0 || !c->mail_collected ||
	       (c->threads.n == 0 && tun_queue_state(c->queue) == TUN_QUEUE_READY);
}

/* Runs timers, processes mail and handshakes, and sends what they produced. */
static void run_due_work(struct control *c)
{
	uint64_t now_ns = clock_boot_ns(), deadline, queue_ns = serve_queue(c);

	if (now_ns >= tunnel_deadline(c->tunnel))
		tunnel_tick(c->tunnel, now_ns);
	if (now_ns >= link_deadline(&c->link))
		interface_refresh(c);
	if (c->link.now.up && now_ns >= c->retry_ns)
		interface_bring_up(c, now_ns);
	uapi_server_tick(&c->uapi, now_ns);
	stats_server_tick(&c->stats, now_ns);
	check_clock(c);
	check_losses(c, now_ns);
	publish_route_changes(c, now_ns);
	restart_tick(c, now_ns);
	c->mail_collected = threads_collect_mail(&c->threads, c->worker);
	worker_run_control(c->worker);
	if (tunnel_is_holding(c->tunnel))
		release_held(c);
	deadline = tunnel_deadline(c->tunnel);
	if (c->retry_ns < deadline)
		deadline = c->retry_ns;
	if (uapi_server_deadline(&c->uapi) < deadline)
		deadline = uapi_server_deadline(&c->uapi);
	if (stats_server_deadline(&c->stats) < deadline)
		deadline = stats_server_deadline(&c->stats);
	if (link_deadline(&c->link) < deadline)
		deadline = link_deadline(&c->link);
	if (vm_clone_losses_deadline(&c->clone_losses) < deadline)
		deadline = vm_clone_losses_deadline(&c->clone_losses);
	if (route_changes_deadline(&c->route_changes) < deadline)
		deadline = route_changes_deadline(&c->route_changes);
	if (c->rebind_ns < deadline)
		deadline = c->rebind_ns;
	if (restart_deadline(c) < deadline)
		deadline = restart_deadline(c);
	if (queue_ns < deadline)
		deadline = queue_ns;
	loop_wake_at(&c->loop, deadline);
}

static void log_drops(struct control *c)
{
	uint64_t drops[WG_DROP_COUNT];

	interface_count_kernel_drops(c);
	tunnel_drops(c->tunnel, drops);
	for (unsigned int i = 0; i < WG_DROP_COUNT; i++)
		if (drops[i] > 0)
			log_verbose("dropped %llu: %s", (unsigned long long)drops[i],
				    wg_drop_text((enum wg_drop)i));
}

void control_run(struct control *c)
{
	int error = 0;

	run_due_work(c); /* of what was restored */
	while (!c->loop.stop && !error) {
		error = loop_run_once(&c->loop, has_work(c));
		if (!c->loop.stop && !error)
			run_due_work(c);
	}
	if (error)
		log_error("cannot wait for events: %s", strerror(-error));
	restart_end(c);
	log_drops(c);
	log_verbose("exiting: %s", c->loop.stop_reason ? c->loop.stop_reason : "error");
}

/* Removes the socket file last: once it is gone, the port and the name are free for another daemon. */
void control_free(struct control *c)
{
	const struct loop_source *sources[] = { &c->routes_source, &c->clone_source, &c->clock_source, &c->signal_source };

	takeover_close(c);
	service_close(&c->store.service);
	threads_free(&c->threads);
	if (c->up)
		tunnel_down(c->tunnel);
	interface_close_sockets(c);
	link_close(&c->link);
	tun_close(&c->tun);
	stats_server_close(&c->stats);
	uapi_server_close(&c->uapi);
	if (c->statm_fd >= 0)
		close(c->statm_fd);
	for (size_t i = 0; i < ARRAY_LEN(sources); i++)
		if (sources[i]->fd >= 0)
			close(sources[i]->fd);
	worker_free(c->worker);
	tun_queue_free(c->queue);
	if (c->tunnel)
		tunnel_free(c->tunnel);
	loop_free(&c->loop);
}
