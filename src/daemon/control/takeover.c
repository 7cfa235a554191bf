/* The running process, which gives its tunnel to a new one. */
#include "takeover.h"

#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/process/fd_passing.h"
#include "daemon/process/log.h"
#include "interface.h"
#include "takeover_transfer.h"

enum {
	READY_WAIT_MS = 1000,
	IMPORT_BYTES_PER_MS = 16 << 10, /* it takes a tenth of that, and more when memory is short */
	END_WAIT_MS = 50, /* in which the other process has the processor to itself: it takes much of one to close everything */
};

/* ---- the conversation ---- */

static int receive(int fd, unsigned int wait_ms, void *bytes, size_t n)
{
	int fds[FD_PASSING_MAX], error;
	unsigned int n_fds;

	error = fd_receive(fd, wait_ms, bytes, n, fds, &n_fds);
	if (error)
		return error;
	for (unsigned int i = 0; i < n_fds; i++)
		close(fds[i]);
	return n_fds == 0 ? 0 : -EPROTO;
}

static int expect_ready(int fd, unsigned int wait_ms)
{
	char word;
	int error = receive(fd, wait_ms, &word, 1);

	return !error && word != 'r' ? -EPROTO : error;
}

/* The connection is of no use any more. If this is an interim process, the service has ended, or its next process goes on with what
 * the store has, as soon as it sees the end of the connection: until then, this one has closed everything. */
static void end(struct control *c, const char *reason)
{
	if (c->is_interim) {
		threads_pause(&c->threads);
		interface_give(c);
		loop_stop(&c->loop, reason);
	}
	takeover_close(c);
}

/* to_interim: the store of the service keeps everything, and the connection to the interim process. */
static void give(struct control *c, bool to_interim)
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
		error = expect_ready(to, READY_WAIT_MS + (unsigned int)(e.bytes / IMPORT_BYTES_PER_MS));
	if (!error && to_interim)
		error = fd_store_lend(&c->store, to);
	if (!error)
		error = fd_send(to, "g", 1, NULL, 0);
	if (!error) { /* from here on, the tunnel is the other process's */
		(void)poll(NULL, 0, END_WAIT_MS);
		interface_give(c);
		loop_stop(&c->loop, "another process has taken over the tunnel");
		takeover_close(c);
		return;
	}
	if (to_interim)
		fd_store_drop_interim(&c->store);
	threads_resume(&c->threads);
	log_error("cannot hand over the tunnel: %s%s", strerror(-error),
		  e.is_exported ? "; continuing with new handshakes" : "");
	end(c, "the service did not take over the tunnel");
}

static void connection_ready(struct loop_source *s, uint32_t events)
{
	struct control *c = container_of(s, struct control, takeover_source);
	char word;
	int error = receive(s->fd, 0, &word, 1);

	(void)events;
	if (!error && word != 'f' && (word != 'i' || !c->store.service.is_open))
		error = -EPROTO;
	if (!error) {
		give(c, word == 'i');
		return;
	}
	log_verbose("another process did not take over the tunnel: %s", strerror(-error));
	end(c, "the service did not take over the tunnel");
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

/* Of an interim process: the next process of the service asks for the tunnel. */
static void service_ready(struct loop_source *s, uint32_t events)
{
	struct control *c = container_of(s, struct control, takeover_source);
	char text[sizeof UAPI_TAKEOVER - 1];
	int error = receive(s->fd, 0, text, sizeof text);

	(void)events;
	if (!error && memcmp(text, UAPI_TAKEOVER, sizeof text) != 0)
		error = -EPROTO;
	if (!error)
		error = send_offer(c, s->fd);
	if (error)
		end(c, "the service does not continue");
	else
		s->ready = connection_ready;
}

int takeover_hold(struct control *c, int fd)
{
	int error;

	c->takeover_source.ready = service_ready;
	error = loop_add(&c->loop, &c->takeover_source, fd, EPOLLIN);
	if (error)
		close(fd);
	c->is_interim = true;
	return error;
}

void takeover_requested(void *ctx, int fd)
{
	struct control *c = ctx;
	int error;

	if (c->is_interim) { /* the tunnel is the service's */
		close(fd);
		return;
	}
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
