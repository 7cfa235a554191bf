/* The state and the sockets of a tunnel on their way to another process. */
#include "takeover_transfer.h"

#include <assert.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/process/clock.h"
#include "daemon/process/fd_passing.h"
#include "interface.h"
#include "vm_clone.h"

enum { DRAIN_TURNS_MAX = 1000 };

static_assert((int)TAKEOVER_FDS <= (int)FD_PASSING_MAX, "one message has all descriptors");

/* ---- the process that gives ---- */

static void describe_socket(struct takeover_socket *out, const struct udp_socket *s)
{
	*out = (struct takeover_socket){ .is_open = s->fd >= 0, .gro = s->gro, .gso = s->gso,
					 .mmsg = s->ops == &udp_mmsg_ops, .kind = (uint8_t)s->kind,
					 .send_bytes = s->send_bytes };
}

static void add_socket(struct takeover_socket *out, const struct udp_socket *s, int *fds, unsigned int *n)
{
	describe_socket(out, s);
	if (s->fd >= 0)
		fds[(*n)++] = s->fd;
}

/* fds[0] is for the memory. */
static unsigned int describe_sockets(struct takeover_header *h, const struct udp *u, int *fds)
{
	const int guards[TAKEOVER_GUARDS] = { u->guard_v4, u->guard_v6 };
	struct takeover_socket *out = h->sockets;
	unsigned int n = 1;

	for (unsigned int i = 0; i < UDP_SOCKETS; i++)
		add_socket(out++, &u->sockets[i], fds, &n);
	for (unsigned int i = 0; i < UDP_SLOW_SOCKETS; i++)
		add_socket(out++, &u->slow[UDP_V4][i], fds, &n);
	for (unsigned int i = 0; i < UDP_SLOW_SOCKETS; i++)
		add_socket(out++, &u->slow[UDP_V6][i], fds, &n);
	for (unsigned int i = 0; i < TAKEOVER_GUARDS; i++) {
		h->has_guard[i] = guards[i] >= 0;
		if (guards[i] >= 0)
			fds[n++] = guards[i];
	}
	return n;
}

/* A machine that was copied hands over no sessions. */
static void check_clone(struct control *c)
{
	if (c->clone_source.fd >= 0)
		c->clone_source.ready(&c->clone_source, EPOLLIN);
}

/* Packets that the threads have read leave before the state is exported. */
void takeover_pause(struct control *c)
{
	check_clone(c);
	threads_pause(&c->threads);
	worker_send_queued(c->worker, c->queue);
	for (unsigned int i = 0; i < DRAIN_TURNS_MAX; i++) {
		c->mail_collected = threads_collect_mail(&c->threads, c->worker);
		worker_run_control(c->worker);
		if (c->mail_collected && handshake_queue_n(&c->worker->handshakes) == 0)
			break;
	}
	if (tunnel_is_holding(c->tunnel))
		tunnel_release(c->tunnel);
}

static bool namespace_of(struct takeover_header *h, const struct control *c)
{
	struct stat s;

	if (fstat(c->link.daemon_ns, &s) != 0)
		return false;
	h->netns_device = s.st_dev;
	h->netns_inode = s.st_ino;
	return true;
}

int takeover_export(struct control *c, struct takeover_export *e)
{
	struct takeover_header h = { .created_ns = clock_boot_ns(), .clock_offset_ns = (uint64_t)c->clock_offset_ns,
				     .mark = c->fwmark, .port = c->listen_port, .is_up = c->up, .binding = c->binding,
				     .ifindex = c->udp.ifindex };
	size_t header_bytes = takeover_header_bytes();
	int error;
	uint8_t *p;

	*e = (struct takeover_export){ .memory = NULL };
	if (!namespace_of(&h, c))
		return -errno;
	e->n_fds = describe_sockets(&h, &c->udp, e->fds);
	h.tunnel_bytes = tunnel_export_bytes(c->tunnel);
	if (h.tunnel_bytes > TAKEOVER_BYTES_MAX)
		return -EFBIG;
	e->bytes = TAKEOVER_STATE_BYTES + header_bytes + (size_t)h.tunnel_bytes;
	error = shared_memory_create(&e->fds[0], &e->memory, e->bytes);
	if (error)
		return error;
	p = (uint8_t *)e->memory + TAKEOVER_STATE_BYTES;
	takeover_header_write(p, &h);
	e->is_exported = true;
	if (tunnel_export(c->tunnel, p + header_bytes, (size_t)h.tunnel_bytes)) {
		takeover_set_full(e->memory);
		return 0;
	}
	takeover_export_close(e, false);
	return -EPROTO;
}

void takeover_export_close(struct takeover_export *e, bool taken)
{
	if (taken)
		(void)munmap(e->memory, e->bytes);
	else
		shared_memory_wipe(e->memory, e->bytes);
	close(e->fds[0]);
}

/* ---- the process that takes ---- */

static int take_fd(const struct takeover_socket *from, const int *fds, unsigned int *at)
{
	return from->is_open ? fds[(*at)++] : -1;
}

static void take_socket(struct udp_socket *out, const struct takeover_socket *from, const struct wg_binding *b, bool v6, int fd)
{
	*out = (struct udp_socket){ .fd = fd, .v6 = v6, .gro = from->gro, .gso = from->gso,
				    .ops = from->mmsg ? &udp_mmsg_ops : &udp_plain_ops,
				    .send_bytes = from->send_bytes, .kind = (enum udp_kind)from->kind,
				    .has_source = b->source[v6].family != IP_NONE };
}

/* fds: as many as takeover_header_fds, the first for the memory. */
static void take_sockets(struct udp *u, const struct takeover_header *h, const int *fds)
{
	const struct takeover_socket *from = h->sockets;
	unsigned int at = 1;

	udp_init(u);
	for (unsigned int i = 0; i < UDP_SOCKETS; i++, from++)
		take_socket(&u->sockets[i], from, &h->binding, i % 2 == UDP_V6, take_fd(from, fds, &at));
	for (unsigned int i = 0; i < 2 * UDP_SLOW_SOCKETS; i++, from++)
		take_socket(&u->slow[i / UDP_SLOW_SOCKETS][i % UDP_SLOW_SOCKETS], from, &h->binding,
			    i / UDP_SLOW_SOCKETS == UDP_V6, take_fd(from, fds, &at));
	for (unsigned int i = 0; i < 2 * UDP_DATA_MAX; i++) /* as they were opened: the first ones, of each family */
		u->n_data[i % 2] = (uint8_t)(u->n_data[i % 2] + (u->sockets[udp_data_index(i % 2, i / 2)].fd >= 0));
	u->guard_v4 = h->has_guard[0] ? fds[at++] : -1;
	u->guard_v6 = h->has_guard[1] ? fds[at++] : -1;
	u->port = h->port;
	u->binding = h->binding;
	u->ifindex = h->ifindex;
	atomic_store(&u->mark, h->mark);
	(void)udp_take_dropped(u); /* counters begin at zero */
}

/* The descriptors of UDP sockets are of the namespace of the other process. */
static bool is_own_namespace(const struct control *c, const struct takeover_header *h)
{
	struct takeover_header own;

	return namespace_of(&own, c) && own.netns_device == h->netns_device && own.netns_inode == h->netns_inode;
}

static int import_tunnel(struct wg_tunnel *t, uint64_t now_ns, const void *state, size_t n)
{
	int error = tunnel_import(t, now_ns, state, n);

	return error == -EPROTO ? -EBADMSG : error;
}

static int import(struct control *c, struct takeover_header *h, int memory_fd)
{
	uint64_t now_ns = clock_boot_ns();
	size_t header_bytes = takeover_header_bytes(), n;
	void *memory;
	uint8_t *p;
	int error = shared_memory_map(&memory, &n, memory_fd, TAKEOVER_BYTES_MAX + (1 << 20));

	if (error)
		return error;
	p = (uint8_t *)memory + TAKEOVER_STATE_BYTES;
	if (n < TAKEOVER_STATE_BYTES + header_bytes || !takeover_claim(memory))
		error = -ESTALE;
	else if (!takeover_header_read(h, p, n - TAKEOVER_STATE_BYTES, now_ns))
		error = -EPROTO;
	else if (!is_own_namespace(c, h))
		error = -EXDEV;
	else
		error = import_tunnel(c->tunnel, now_ns, p + header_bytes, (size_t)h->tunnel_bytes);
	shared_memory_wipe(memory, n);
	return error;
}

int takeover_import(struct control *c, struct takeover_header *h, struct udp *udp, const int *fds, unsigned int n_fds)
{
	int error = import(c, h, fds[0]);

	udp_init(udp);
	if (!error && takeover_header_fds(h) != n_fds)
		error = -EPROTO;
	if (error) {
		for (unsigned int i = 0; i < n_fds; i++)
			close(fds[i]);
		return error;
	}
	close(fds[0]);
	take_sockets(udp, h, fds);
	return 0;
}

/* The virtual machine may have been restored from a snapshot. */
static bool clock_jumped(struct control *c)
{
	uint64_t before_ns = clock_boot_ns(), wall_ns = clock_wall_ns(), boot_ns = clock_boot_ns();

	return vm_clone_clock_jumped(&c->clock_offset_ns, before_ns, wall_ns, boot_ns);
}

int takeover_begin(struct control *c, const struct takeover_header *h, struct udp *udp)
{
	int error;

	c->listen_port = h->port;
	c->fwmark = h->mark;
	c->binding = h->binding;
	c->clock_offset_ns = (int64_t)h->clock_offset_ns;
	if (clock_jumped(c))
		tunnel_expire_sessions(c->tunnel); /* before anything is sent */
	c->route_changes.is_pending = true; /* the device may have changed meanwhile */
	error = h->is_up ? interface_take(c, udp) : 0;
	if (error)
		udp_close(udp);
	else
		interface_refresh(c);
	return error;
}
