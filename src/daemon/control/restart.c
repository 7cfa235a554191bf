/* Continues a tunnel after a restart, from the file descriptor store. */
#include "restart.h"

#include <assert.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>
#include "config.h"
#include "daemon/process/clock.h"
#include "daemon/process/log.h"
#include "interface.h"
#include "model/uapi.h"
#include "saved_config.h"
#include "takeover_transfer.h"

static_assert((int)FD_STORE_SOCKETS == (int)TAKEOVER_FDS, "the memory, and a socket for each other number");

/* Saving takes at most 1/100 of the time after changes, and 1/1000 after handshakes, since when endpoints may be new. */
enum { CHANGES_SHARE = 100, HANDSHAKES_SHARE = 1000 };
#define SAVE_LATER_NS (50 * NS_PER_MS)   /* after the start, where everything else is urgent */
#define ACTIVE_S 240                     /* since the saved handshake: the peer may have a session (180 s), and saving is late */

/* ---- saving the configuration ---- */

static uint64_t handshakes(const struct control *c)
{
	uint64_t counts[WG_EVENT_COUNT];

	tunnel_events(c->tunnel, counts);
	return counts[WG_EVENT_RESPONSE_RECEIVED] + counts[WG_EVENT_CONFIRMED];
}

/* Scopes of endpoints are saved as numbers: the name of an interface that is gone could not be read. */
static void save(struct control *c)
{
	struct fd_store *s = &c->store;
	uint64_t start_ns = clock_thread_ns();
	struct wg_device d;
	int error = config_read(c, &d);

	if (!error) {
		error = fd_store_save_config(s, &d, &c->binding, NULL);
		device_free(&d);
	}
	if (error) /* nothing old is restored */
		fd_store_forget_config(s);
	if (error)
		log_error("warning: cannot keep the configuration for a restart: %s", strerror(-error));
	s->is_changed = false;
	s->saved_port = c->listen_port;
	s->handshakes = handshakes(c);
	s->saved_ns = clock_boot_ns();
	s->cost_ns = clock_thread_ns() - start_ns;
}

uint64_t restart_deadline(const struct control *c)
{
	const struct fd_store *s = &c->store;

	if (!s->service.is_open)
		return NEVER;
	if (s->is_changed)
		return s->saved_ns + s->cost_ns * CHANGES_SHARE;
	return handshakes(c) != s->handshakes ? s->saved_ns + s->cost_ns * HANDSHAKES_SHARE : NEVER;
}

void restart_tick(struct control *c, uint64_t now_ns)
{
	if (!c->store.service.is_open)
		return;
	c->store.is_changed |= c->store.saved_port != c->listen_port;
	/* Before an interim process gets the tunnel, at once. */
	if (now_ns >= restart_deadline(c) || (c->store.is_changed && c->takeover_source.fd >= 0))
		save(c);
}

void restart_changed(struct control *c)
{
	if (!c->store.service.is_open)
		return;
	c->store.is_changed = true;
	restart_tick(c, clock_boot_ns());
}

/* ---- the process that goes on ---- */

/* The sessions and everything else of the process before. -ENOENT: it stored none. */
static int take_state(struct control *c, struct fd_store_taken *t)
{
	struct takeover_header h;
	struct udp udp;
	unsigned int n = 1;
	int error;

	if (t->state < 0)
		return -ENOENT;
	while (n < FD_STORE_SOCKETS && t->sockets[n] >= 0)
		n++;
	if (n != 1 + t->n_sockets)
		return -EPROTO;
	t->sockets[0] = t->state;
	error = takeover_import(c, &h, &udp, t->sockets, n);
	t->state = -1;
	for (unsigned int i = 0; i < n; i++)
		t->sockets[i] = -1;
	fd_store_forget_state(&c->store.service, n);
	if (error)
		return error;
	error = takeover_begin(c, &h, &udp);
	if (!error)
		log_verbose("took over the tunnel from the file descriptor store, UDP port %u", h.port);
	return error;
}

/* The other side still uses a session that is lost here, until it notices, or gets an initiation. */
static void begin_sessions(struct control *c, const struct wg_device *d)
{
	uint64_t now_s = clock_wall_ns() / NS_PER_S;

	for (uint32_t i = 0; i < d->n_peers && c->up; i++) {
		struct wg_tunnel_peer *p = tunnel_peer_find(c->tunnel, &d->peers[i].public_key);
		if (p && (d->peers[i].flags & WG_PEER_HAS_ENDPOINT) && d->peers[i].handshake_s + ACTIVE_S > now_s)
			tunnel_peer_send_keepalive(c->tunnel, p);
	}
}

/* -ENOENT: the store has no configuration. */
static int restore_config(struct control *c)
{
	const struct fd_store *s = &c->store;
	struct wg_device d = { 0 };
	struct uapi_reader r = { .device = &d, .scopes = &config_scopes };
	struct span text;
	uint32_t number;
	int error;

	if (!s->memory || !saved_config_read(&text, &number, s->memory, s->memory_bytes))
		return -ENOENT;
	error = binding_read_lines(&c->binding, text) ? 0 : -EPROTO;
	if (!error)
		error = uapi_read_reply(&r, &text);
	if (!error && (!r.done || r.error))
		error = -EPROTO;
	if (!error) {
		c->listen_port = d.listen_port;
		c->fwmark = d.fwmark;
		error = config_set(c, &d);
	}
	if (!error) {
		begin_sessions(c, &d);
		log_verbose("restored the configuration from the file descriptor store, with new handshakes");
	}
	device_free(&d);
	return error;
}

static void store(const struct service *s, const char *name, int fd, int taken)
{
	int error;

	if (fd == taken || fd < 0)
		return;
	service_forget(s, name);
	error = service_store(s, name, fd);
	if (error)
		log_error("warning: cannot store %s for a restart: %s", name, strerror(-error));
}

/* The queues of the TUN but the first. If one was not in the store, the others have other numbers now. */
static void store_queues(const struct service *s, const struct tun *tun, const struct fd_store_taken *t)
{
	char name[SERVICE_NAME_BYTES];

	for (unsigned int i = 1; i < TUN_QUEUES_MAX; i++) {
		int fd = i < tun_queues(tun) ? tun_queue_fd(tun, i) : -1;
		fd_store_queue_name(name, i);
		store(s, name, fd, t->queues[i - 1]);
		if (fd < 0 && t->queues[i - 1] >= 0)
			service_forget(s, name);
	}
}

static void forget_queues(const struct service *s)
{
	char name[SERVICE_NAME_BYTES];

	for (unsigned int i = 1; i < TUN_QUEUES_MAX; i++) {
		fd_store_queue_name(name, i);
		service_forget(s, name);
	}
}

static void store_all(struct control *c, const struct fd_store_taken *t)
{
	struct fd_store *s = &c->store;

	store(&s->service, "tun", c->tun.fd, t->tun);
	store_queues(&s->service, &c->tun, t);
	store(&s->service, "uapi", c->uapi.listener.fd, t->uapi);
	store(&s->service, "stats", c->stats.listener.fd, t->stats);
	s->saved_port = c->listen_port;
	s->handshakes = handshakes(c) + 1; /* what is saved may be older than the state */
	s->saved_ns = clock_boot_ns();
	s->cost_ns = SAVE_LATER_NS / HANDSHAKES_SHARE;
	s->is_changed = !s->memory;
	restart_tick(c, clock_boot_ns());
}

int restart_begin(struct control *c, struct fd_store_taken *t)
{
	struct fd_store *s = &c->store;
	int error = take_state(c, t);

	fd_store_take_config(s, t);
	if (error == -EBADMSG || error == -ENOMEM)
		return error;
	if (error) {
		if (error != -ENOENT)
			log_error("warning: cannot continue the sessions of the previous process: %s", strerror(-error));
		fd_store_drop_state(t, &s->service);
		error = restore_config(c);
		if (error && error != -ENOENT)
			log_error("warning: cannot restore the configuration: %s", strerror(-error));
		interface_follow_link(c);
	}
	store_all(c, t);
	return 0;
}

/* fd: what the interim process sent. It has been in the store all the time, from where *taken is. */
static void use_sent(int *taken, int fd)
{
	if (*taken < 0)
		return;
	close(*taken);
	*taken = fd;
}

void restart_continue(struct control *c, struct fd_store_taken *t)
{
	fd_store_drop_interim(&c->store);
	fd_store_take_config(&c->store, t);
	use_sent(&t->tun, c->tun.fd);
	for (unsigned int i = 1; i < TUN_QUEUES_MAX; i++)
		use_sent(&t->queues[i - 1], i < tun_queues(&c->tun) ? tun_queue_fd(&c->tun, i) : -1);
	use_sent(&t->uapi, c->uapi.listener.fd);
	use_sent(&t->stats, c->stats.listener.fd);
	store_all(c, t);
}

/* ---- the process that ends ---- */

static void keep_state(struct control *c)
{
	const struct service *s = &c->store.service;
	struct takeover_export e;
	int error;

	if (c->store.is_changed)
		save(c);
	uapi_server_stop_watching(&c->uapi); /* the kernel takes some 10 ms to close an inotify(7) instance */
	takeover_pause(c);
	error = takeover_export(c, &e);
	for (unsigned int i = 1; i < e.n_fds && !error; i++) {
		char name[SERVICE_NAME_BYTES];
		fd_store_socket_name(name, i);
		error = service_store(s, name, e.fds[i]);
	}
	if (!error) /* last: with it, all sockets are there */
		error = service_store(s, "state", e.fds[0]);
	if (e.memory)
		takeover_export_close(&e, !error);
	if (error)
		log_error("cannot keep the sessions for the next process: %s", strerror(-error));
	interface_give(c);
}

void restart_end(struct control *c)
{
	static const char *const names[] = { "tun", "uapi", "stats" };
	struct fd_store *s = &c->store;
	bool stays;

	if (!s->service.is_open)
		return;
	if (s->keep)
		keep_state(c);
	stays = s->keep || s->is_lent;
	for (size_t i = 0; i < ARRAY_LEN(names) && !stays; i++)
		service_forget(&s->service, names[i]);
	if (!stays)
		forget_queues(&s->service);
	if (!stays)
		fd_store_forget_config(s);
	else if (s->memory)
		(void)munmap(s->memory, s->memory_bytes);
	s->memory = NULL;
	service_close(&s->service);
}
