/* The new process, which takes the tunnel of a running one. */
#include "takeover.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "daemon/process/clock.h"
#include "daemon/process/fd_passing.h"
#include "daemon/process/log.h"
#include "interface.h"
#include "takeover_transfer.h"

enum { OFFER_WAIT_MS = 5000, STATE_WAIT_MS = 30000, GO_WAIT_MS = 5000 };

static int fail(struct text *why, int error, const char *text)
{
	if (!text && (error == -EPIPE || error == -ECONNRESET))
		text = "the running daemon closed the connection; another process may have the interface by now";
	text_f(why, "cannot take over: %s", text ? text : strerror(-error));
	return error;
}

static void close_all(const int *fds, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		close(fds[i]);
}

/* ---- the connection ---- */

static int connect_to(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), error = 0;

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof a.sun_path)
		error = -ENAMETOOLONG;
	if (!error) {
		strcpy(a.sun_path, path);
		error = connect(fd, (struct sockaddr *)&a, sizeof a) == 0 ? 0 : -errno;
	}
	if (!error && !socket_peer_is_allowed(fd))
		error = -EPERM;
	if (!error)
		return fd;
	close(fd);
	return error;
}

/* The descriptors of UDP sockets are of the namespace of the running daemon, and so must be everything else. */
static bool is_own_namespace(const struct takeover_offer *o)
{
	struct stat s;

	return stat("/proc/self/ns/net", &s) == 0 && s.st_dev == o->netns_device && s.st_ino == o->netns_inode;
}

static const char *refusal(const struct takeover_offer *o, unsigned int n_fds)
{
	if (o->version != TAKEOVER_VERSION)
		return "the running daemon has another version of the state";
	if (!is_own_namespace(o))
		return "the running daemon is in another network namespace";
	return n_fds == o->tun.queues + 1u || n_fds == o->tun.queues + 2u ? NULL : "the running daemon sent no descriptors";
}

static int ask(struct takeover_client *t, struct text *why)
{
	uint8_t bytes[TAKEOVER_OFFER_BYTES];
	int fds[FD_PASSING_MAX], error;
	struct takeover_offer offer;
	const char *refused;
	unsigned int n_fds;

	error = fd_send(t->fd, UAPI_TAKEOVER, sizeof UAPI_TAKEOVER - 1, NULL, 0);
	if (!error)
		error = fd_receive(t->fd, OFFER_WAIT_MS, bytes, sizeof bytes, fds, &n_fds);
	if (!error && !takeover_offer_read(&offer, bytes)) {
		close_all(fds, n_fds);
		error = -ECONNRESET;
	}
	if (error)
		return fail(why, error, error == -ECONNRESET ? "the running daemon cannot hand over its tunnel" : NULL);
	refused = refusal(&offer, n_fds);
	if (refused) {
		close_all(fds, n_fds);
		return fail(why, -EPROTO, refused);
	}
	memcpy(t->tun, fds, offer.tun.queues * sizeof *fds);
	t->settings = offer.tun;
	t->uapi = fds[offer.tun.queues];
	t->stats = n_fds == offer.tun.queues + 2u ? fds[offer.tun.queues + 1u] : -1;
	return 0;
}

int takeover_connect(struct takeover_client *t, const char *socket_dir, const char *interface, struct text *why)
{
	char path[108];
	struct text p = text_fixed(path, sizeof path);

	text_f(&p, "%s/%s.sock", socket_dir, interface);
	t->fd = p.failed ? -ENAMETOOLONG : connect_to(path);
	if (t->fd >= 0)
		return ask(t, why);
	text_f(why, "cannot take over: %s: %s", path, strerror(-t->fd));
	return t->fd;
}

int takeover_continue(struct takeover_client *t, int fd, struct text *why)
{
	int error;

	t->fd = fd;
	error = ask(t, why);
	if (!error)
		return 0;
	close(fd);
	t->fd = -1;
	return error;
}

/* ---- the state ---- */

/* The state and its sockets, which the tunnel does not use yet. */
static int receive_state(struct takeover_client *t, struct control *c, struct takeover_header *h, struct udp *udp)
{
	int fds[FD_PASSING_MAX], error;
	unsigned int n_fds;
	char word;

	error = fd_receive(t->fd, STATE_WAIT_MS, &word, 1, fds, &n_fds);
	if (error)
		return error;
	if (word == 's' && n_fds > 0)
		return takeover_import(c, h, udp, fds, n_fds);
	close_all(fds, n_fds);
	return -EPROTO;
}

static int wait_for_go(struct takeover_client *t)
{
	int fds[FD_PASSING_MAX], error = fd_send(t->fd, "r", 1, NULL, 0);
	unsigned int n_fds = 0;
	char word = 0;

	if (!error)
		error = fd_receive(t->fd, GO_WAIT_MS, &word, 1, fds, &n_fds);
	if (error)
		return error;
	close_all(fds, n_fds);
	return word == 'g' ? 0 : -EPROTO;
}

int takeover_finish(struct takeover_client *t, struct control *c, struct text *why)
{
	struct takeover_header h;
	uint64_t start_ns = clock_boot_ns();
	struct udp udp;
	int error = fd_send(t->fd, t->is_interim ? "i" : "f", 1, NULL, 0);

	udp_init(&udp);
	if (!error)
		error = receive_state(t, c, &h, &udp);
	if (!error)
		error = wait_for_go(t);
	if (error)
		udp_close(&udp);
	else
		error = takeover_begin(c, &h, &udp);
	if (!error && t->is_interim)
		error = takeover_hold(c, t->fd);
	else
		close(t->fd);
	t->fd = -1;
	if (error)
		return fail(why, error, NULL);
	log_verbose("took over the tunnel in %llu µs, UDP port %u",
		    (unsigned long long)(clock_boot_ns() - start_ns) / 1000, h.port);
	return 0;
}
