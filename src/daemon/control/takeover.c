/* The running process, which gives its tunnel to a new one. */
#include "takeover.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/process/clock.h"
#include "daemon/process/fd_passing.h"
#include "daemon/process/log.h"
#include "interface.h"
#include "takeover_state.h"
#include "vm_clone.h"

enum { READY_WAIT_MS = 1000, DRAIN_TURNS_MAX = 1000 };

/* ---- the state ---- */

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
static unsigned int describe_sockets(struct takeover_header *h, const struct udp *u, int fds[TAKEOVER_FDS])
{
	const int guards[TAKEOVER_GUARDS] = { u->guard_v4, u->guard_v6 };
	struct takeover_socket *out = h->sockets;
	unsigned int n = 1;

	for (unsigned int i = 0; i < UDP_SOCKETS; i++)
		add_socket(out++, &u->sockets[i], fds, &n);
	for (unsigned int i = 0; i < SLOW_SOCKETS; i++)
		add_socket(out++, &u->slow[UDP_V4][i], fds, &n);
	for (unsigned int i = 0; i < SLOW_SOCKETS; i++)
		add_socket(out++, &u->slow[UDP_V6][i], fds, &n);
	for (unsigned int i = 0; i < TAKEOVER_GUARDS; i++) {
		h->has_guard[i] = guards[i] >= 0;
		if (guards[i] >= 0)
			fds[n++] = guards[i];
	}
	return n;
}

/* What the threads have read leaves before the state is exported. */
static void drain(struct control *c)
{
	for (unsigned int i = 0; i < DRAIN_TURNS_MAX; i++) {
		c->mail_collected = threads_collect_mail(&c->threads, c->worker);
		worker_run_control(c->worker);
		if (c->mail_collected && handshake_queue_n(&c->worker->handshakes) == 0)
			break;
	}
	if (tunnel_is_holding(c->tunnel))
		tunnel_release(c->tunnel);
}

/* While the threads are paused. 0, or -errno; *exported: the sessions have expired here. */
static int send_state(struct control *c, int to, bool *exported)
{
	struct takeover_header h = { .created_ns = clock_boot_ns(), .clock_offset_ns = (uint64_t)c->clock_offset_ns,
				     .mark = c->fwmark, .port = c->listen_port, .is_up = c->up };
	size_t header_bytes = takeover_header_bytes(), n;
	int fds[TAKEOVER_FDS], error;
	unsigned int n_fds = describe_sockets(&h, &c->udp, fds);
	uint8_t *p;
	void *memory;

	h.tunnel_bytes = tunnel_export_bytes(c->tunnel);
	if (h.tunnel_bytes > TAKEOVER_BYTES_MAX)
		return -EFBIG;
	n = TAKEOVER_STATE_BYTES + header_bytes + (size_t)h.tunnel_bytes;
	error = shared_memory_create(&fds[0], &memory, n);
	if (error)
		return error;
	p = (uint8_t *)memory + TAKEOVER_STATE_BYTES;
	takeover_header_write(p, &h);
	*exported = true;
	if (tunnel_export(c->tunnel, p + header_bytes, (size_t)h.tunnel_bytes)) {
		takeover_set_full(memory);
		error = fd_send(to, "s", 1, fds, n_fds);
	} else {
		error = -EPROTO;
	}
	if (error)
		shared_memory_wipe(memory, n);
	else
		(void)munmap(memory, n); /* the other process wipes it */
	close(fds[0]);
	return error;
}

/* ---- the conversation ---- */

static int expect(int fd, unsigned int wait_ms, char word)
{
	int fds[FD_PASSING_MAX], error;
	unsigned int n_fds;
	char got;

	error = fd_receive(fd, wait_ms, &got, 1, fds, &n_fds);
	if (error)
		return error;
	for (unsigned int i = 0; i < n_fds; i++)
		close(fds[i]);
	return got == word && n_fds == 0 ? 0 : -EPROTO;
}

/* A machine that was copied hands over no sessions. */
static void check_clone(struct control *c)
{
	if (c->clone_source.fd >= 0)
		c->clone_source.ready(&c->clone_source, EPOLLIN);
}

static void give(struct control *c)
{
	int to = c->takeover_source.fd;
	bool exported = false;
	int error;

	check_clone(c);
	threads_pause(&c->threads);
	drain(c);
	error = send_state(c, to, &exported);
	if (!error)
		error = expect(to, READY_WAIT_MS, 'r');
	if (!error)
		error = fd_send(to, "g", 1, NULL, 0);
	if (!error) { /* from here on, the tunnel is the other process's */
		interface_give(c);
		loop_stop(&c->loop, "another process has taken the tunnel over");
	} else {
		threads_resume(&c->threads);
		log_error("cannot hand the tunnel over: %s%s", strerror(-error),
			  exported ? "; going on with new handshakes" : "");
	}
	takeover_close(c);
}

static void connection_ready(struct loop_source *s, uint32_t events)
{
	struct control *c = container_of(s, struct control, takeover_source);
	int error = expect(s->fd, 0, 'f');

	(void)events;
	if (!error) {
		give(c);
		return;
	}
	log_verbose("another process did not take the tunnel over: %s", strerror(-error));
	takeover_close(c);
}

static int send_offer(struct control *c, int fd)
{
	struct takeover_offer offer = { .version = TAKEOVER_VERSION };
	uint8_t bytes[TAKEOVER_OFFER_BYTES];
	struct stat ns;

	if (fstat(c->link.daemon_ns, &ns) != 0)
		return -errno;
	tun_settings(&c->tun, &offer.tun);
	offer.netns_device = ns.st_dev;
	offer.netns_inode = ns.st_ino;
	takeover_offer_write(bytes, &offer);
	return fd_send(fd, bytes, sizeof bytes, (const int[]){ c->tun.fd, c->uapi.listener.fd, c->stats.listener.fd },
		       c->stats.listener.fd >= 0 ? 3 : 2);
}

void takeover_requested(void *ctx, int fd)
{
	struct control *c = ctx;
	int error;

	takeover_close(c); /* the latest one counts; an earlier one may hang */
	error = send_offer(c, fd);
	if (!error)
		error = loop_add(&c->loop, &c->takeover_source, fd, EPOLLIN);
	if (!error)
		return;
	log_error("cannot offer the tunnel to another process: %s", strerror(-error));
	close(fd);
}

void takeover_init(struct control *c)
{
	c->takeover_source = (struct loop_source){ -1, connection_ready };
}

void takeover_close(struct control *c)
{
	int fd = c->takeover_source.fd;

	if (fd < 0)
		return;
	loop_remove(&c->loop, &c->takeover_source);
	close(fd);
}
