/* The running process, which gives its tunnel to a new one. */
#include "takeover.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/process/fd_passing.h"
#include "daemon/process/log.h"
#include "interface.h"
#include "takeover_transfer.h"

enum { READY_WAIT_MS = 1000, IMPORT_BYTES_PER_MS = 16 << 10 }; /* it takes a tenth of that, and more when memory is short */

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

static void give(struct control *c)
{
	int to = c->takeover_source.fd;
	struct takeover_export e;
	int error;

	takeover_pause(c);
	error = takeover_export(c, &e);
	if (!error) {
		error = fd_send(to, "s", 1, e.fds, e.n_fds);
		takeover_export_close(&e, !error);
	}
	if (!error)
		error = expect(to, READY_WAIT_MS + (unsigned int)(e.bytes / IMPORT_BYTES_PER_MS), 'r');
	if (!error)
		error = fd_send(to, "g", 1, NULL, 0);
	if (!error) { /* from here on, the tunnel is the other process's */
		interface_give(c);
		loop_stop(&c->loop, "another process has taken over the tunnel");
	} else {
		threads_resume(&c->threads);
		log_error("cannot hand over the tunnel: %s%s", strerror(-error),
			  e.is_exported ? "; continuing with new handshakes" : "");
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
	log_verbose("another process did not take over the tunnel: %s", strerror(-error));
	takeover_close(c);
}

static int send_offer(struct control *c, int fd)
{
	struct takeover_offer offer = { .version = TAKEOVER_VERSION };
	uint8_t bytes[TAKEOVER_OFFER_BYTES];
	int fds[TUN_QUEUES_MAX + 2];
	unsigned int n = 0;
	struct stat ns;

	if (fstat(c->link.daemon_ns, &ns) != 0)
		return -errno;
	tun_settings(&c->tun, &offer.tun);
	offer.netns_device = ns.st_dev;
	offer.netns_inode = ns.st_ino;
	takeover_offer_write(bytes, &offer);
	for (unsigned int i = 0; i < tun_queues(&c->tun); i++)
		fds[n++] = tun_queue_fd(&c->tun, i);
	fds[n++] = c->uapi.listener.fd;
	if (c->stats.listener.fd >= 0)
		fds[n++] = c->stats.listener.fd;
	return fd_send(fd, bytes, sizeof bytes, fds, n);
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
