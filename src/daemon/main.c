/* wireguardd: a WireGuard interface in userspace. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "base/version.h"
#include "daemon/control/control.h"
#include "daemon/control/interface.h"
#include "daemon/control/restart.h"
#include "daemon/control/takeover.h"
#include "daemon/process/daemonize.h"
#include "daemon/process/log.h"
#include "daemon/process/sandbox.h"
#include "options.h"

#define SOCKET_DIR RUNSTATEDIR "/wireguard"
#define STATS_DIR RUNSTATEDIR "/wgsuite"

enum { EXIT_TRY_AGAIN = 75 }; /* EX_TEMPFAIL of <sysexits.h>: another start may succeed */

static struct control control;

static const char usage[] =
	"Usage: wireguardd [-f|--foreground] [--takeover | --interim | --fd-store] INTERFACE\n"
	"       wireguardd --version | --help\n"
	"\n"
	"Creates the TUN device INTERFACE and the socket " SOCKET_DIR "/INTERFACE.sock,\n"
	"through which wg(8) configures it. Returns when both exist.\n"
	"\n"
	"  -f, --foreground  stay in the foreground\n"
	"  --takeover        take over the interface with its sessions from the running wireguardd,\n"
	"                    which then exits: no packet is lost\n"
	"  --interim         the same until the service that runs wireguardd has started it again\n"
	"  --fd-store        stay in the foreground and keep the interface in the file descriptor\n"
	"                    store of systemd, so that a restart of the service loses no packet\n"
	"\n"
	"Environment:\n"
	"  LOG_LEVEL=verbose|debug|error|silent  verbosity of messages, which go to standard\n"
	"                                        error, or in the background to syslog(3)\n"
	"  WG_LOG_FILE=PATH                      log to this file instead\n"
	"  WG_PROCESS_FOREGROUND=1               same as --foreground\n"
	"  WG_TUN_FD=N[,N...], WG_UAPI_FD=N      use these open file descriptors; more than one\n"
	"                                        are queues of the same device\n"
	"  WG_LINK_FDS=N,N[,N,N]                 sockets in the network namespace of the device,\n"
	"                                        if this process is not permitted to enter it\n"
	"  WG_CPU=generic                        use portable cryptography only\n"
	"  WG_THREADS=N                          number of data threads, 0 to 64\n"
	"                                        (0: one thread does everything)\n"
	"  WG_AFFINITY=none|cpu                  cpu: bind each data thread to one CPU\n"
	"  WG_NO_OFFLOAD=WORD,...                disable vnet, tso, uso, join, segment,\n"
	"                                        gro, mmsg, split, tunnel, queues\n";

static const char *tun_help(int error)
{
	switch (error) {
	case -EBUSY: return " (an interface of this name is in use)";
	case -EINVAL: return " (does another interface have this name?)";
	case -ENOENT: return "\n  help: /dev/net/tun is missing; load the driver: modprobe tun";
	case -ENODEV: return "\n  help: load the driver: modprobe tun";
	case -EACCES:
	case -EPERM: return "\n  help: run it as root, or with CAP_NET_ADMIN";
	default: return "";
	}
}

/* A signalfd(2) for the signals that end the daemon, and for SIGIO about the directory of the socket. */
static int open_signals(bool foreground)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGIO);
	if (foreground)
		sigaddset(&signals, SIGHUP);
	else
		(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Of a descriptor that was passed. */
static const char *passed_tun_error(int error)
{
	switch (error) {
	case -EPROTO: return "its header is not the one that the running daemon names";
	case -EBADFD: return "the device was deleted";
	case -EINVAL: return "it is a TAP device, or its packets have a header (IFF_NO_PI is not set)";
	case -ENOTTY: return "the descriptor is not one of /dev/net/tun";
	default: return strerror(-error);
	}
}

struct predecessor { /* the process that had the tunnel before; fds -1: none, or it did not have them */
	bool runs;                      /* it gives the tunnel: with --takeover, or an interim process */
	struct takeover_client running;
	struct fd_store_taken stored;   /* --fd-store */
};

/* More than one for each thread are closed: the kernel then delivers nothing to them. */
static void take_queues(struct control *c, struct options *o)
{
	unsigned int n = tun_queues(&c->tun);

	for (size_t i = 0; i < ARRAY_LEN(o->queue_fds); i++)
		if (o->queue_fds[i] >= 0 && n++ >= threads_tun_queues(o->threads)) {
			close(o->queue_fds[i]);
			o->queue_fds[i] = -1;
		}
	tun_add_queues(&c->tun, o->queue_fds, ARRAY_LEN(o->queue_fds));
}

/* name: of the device. One that was passed as a descriptor may differ from the name on the command line. */
static int open_tun(struct control *c, struct options *o, const struct predecessor *from, char name[16],
		    struct text *why)
{
	int error = from->runs     ? tun_share_fds(&c->tun, from->running.tun, &from->running.settings) :
		    o->tun_fd >= 0 ? tun_take_fd(&c->tun, o->tun_fd, o->disabled_offloads) :
				     tun_open(&c->tun, o->interface, threads_tun_queues(o->threads), o->disabled_offloads);

	if (!error && !from->runs && from->stored.tun >= 0)
		tun_add_queues(&c->tun, from->stored.queues, ARRAY_LEN(from->stored.queues));
	if (!error && !o->takeover && !o->fd_store)
		take_queues(c, o);
	if (!error)
		error = tun_name(&c->tun, name);
	if (!error)
		log_init(log_parse_level(getenv("LOG_LEVEL")), name);
	else if (from->runs || o->tun_fd >= 0)
		text_f(why, "cannot take over the TUN device: %s", passed_tun_error(error));
	else
		text_f(why, "cannot create the TUN device: %s%s", strerror(-error), tun_help(error));
	return error;
}

/* passed: the descriptor of a listening socket, or -1; also afterwards, if its file is gone, so that nobody can reach it. */
static int open_socket(struct control *c, const struct options *o, int *passed, const char *name, struct text *why)
{
	int error = *passed >= 0 ? uapi_server_take_fd(&c->uapi, *passed, SOCKET_DIR, name, why) : 0;

	if (!error && *passed >= 0 && o->fd_store && !c->uapi.file.path[0]) {
		uapi_server_close(&c->uapi);
		*passed = -1;
	}
	return error || *passed >= 0 ? error : uapi_server_open(&c->uapi, SOCKET_DIR, name, why);
}

/* The daemon can do without. */
static void open_statistics(struct control *c, const struct options *o, int *passed, const char *name)
{
	char text[200];
	struct text why = text_fixed(text, sizeof text);

	if (*passed >= 0)
		stats_server_take_fd(&c->stats, *passed, STATS_DIR, name);
	if (*passed >= 0 && o->fd_store && !c->stats.file.path[0]) {
		stats_server_close(&c->stats);
		*passed = -1;
	}
	if (*passed < 0 && stats_server_open(&c->stats, STATS_DIR, name, &why) != 0)
		log_error("warning: no statistics: %s", text);
}

/* What the store has, and the interim process to which it has a connection. If that does not answer, it ends, as the connection
 * does, and the configuration is restored. */
static void ask_store(struct control *c, struct predecessor *from)
{
	char text[200];
	struct text why = text_fixed(text, sizeof text);

	fd_store_take(&from->stored, &c->store.service);
	if (from->stored.interim < 0)
		return;
	from->runs = takeover_continue(&from->running, from->stored.interim, &why) == 0;
	if (from->runs)
		return;
	log_error("warning: %s", text);
	fd_store_drop_interim(&c->store);
}

/* Gets the descriptors that the predecessor has. */
static int ask_predecessor(struct control *c, struct options *o, struct predecessor *from, struct text *why)
{
	int error;

	if (o->takeover) {
		from->running.is_interim = o->interim;
		error = takeover_connect(&from->running, SOCKET_DIR, o->interface, why);
		if (error)
			return error;
		from->runs = true;
	} else if (o->fd_store) {
		ask_store(c, from);
	}
	if (from->runs) {
		o->tun_fd = from->running.tun[0];
		o->uapi_fd = from->running.uapi;
	} else if (from->stored.tun >= 0) {
		o->tun_fd = from->stored.tun;
		o->uapi_fd = from->stored.uapi;
	}
	return 0;
}

static int open_descriptors(struct control *c, struct options *o, struct predecessor *from, struct text *why)
{
	char name[16];
	int error = ask_predecessor(c, o, from, why), *stats = from->runs ? &from->running.stats : &from->stored.stats;

	if (!error)
		error = open_tun(c, o, from, name, why);
	if (error)
		return error;
	if (o->link_fds[LINK_FD_EVENTS] >= 0)
		error = link_open_by_sockets(&c->link, &c->tun, &c->icmp, o->link_fds);
	else
		error = link_open(&c->link, &c->tun, &c->icmp,
				  from->runs || from->stored.tun >= 0 ? LINK_TAKEN_OVER : LINK_NEW);
	if (error)
		text_f(why, "cannot set up the link: %s", strerror(-error));
	if (!error)
		error = open_socket(c, o, &o->uapi_fd, name, why);
	if (!from->runs)
		from->stored.uapi = o->uapi_fd;
	if (!error && o->link_fds[LINK_FD_EVENTS] < 0) /* the name is one of another namespace */
		open_statistics(c, o, stats, name);
	return error;
}

/* The loop and the tunnel. A device that was passed as a descriptor may be up already. */
static int start_control(struct control *c, const struct options *o, struct predecessor *from)
{
	int signal_fd = open_signals(o->foreground), error = signal_fd < 0 ? -errno : control_start(c, signal_fd);

	if (error || from->runs)
		return error;
	if (o->fd_store)
		return restart_begin(c, &from->stored);
	interface_follow_link(c);
	return error;
}

/* Drops privileges, and starts the threads, which inherit the remaining ones. */
static int start_threads(struct control *c, struct text *why)
{
	int error;

	sandbox_enter(&(struct sandbox_folders){ SOCKET_DIR, STATS_DIR });
	error = threads_start(&c->threads);
	if (error)
		text_f(why, "cannot start threads: %s", strerror(-error));
	else
		sandbox_restrict_syscalls();
	return error;
}

static void open_service(struct control *c, struct options *o)
{
	if (service_open(&c->store.service) || !o->fd_store)
		return;
	log_error("warning: NOTIFY_SOCKET is not set: nothing is kept for a restart");
	o->fd_store = false;
}

/* Opens everything, and takes over what runs. Then the daemon can be configured. */
static int start(struct control *c, struct options *o, struct text *why)
{
	struct predecessor from = { .running = { .fd = -1, .stats = -1 },
				    .stored = { .tun = -1, .stats = -1, .interim = -1 } };
	int error;

	sandbox_prepare();
	error = control_init(c, o->disabled_offloads, o->threads);
	c->threads.is_pinned = o->is_pinned;
	open_service(c, o);
	sandbox_lock_memory();
	if (!error && !tunnel_self_test()) {
		text_add(why, "the cryptographic self-test failed");
		error = -EIO;
	}
	if (!error)
		error = open_descriptors(c, o, &from, why);
	if (!error)
		error = start_control(c, o, &from);
	if (!error)
		error = start_threads(c, why);
	if (!error && from.runs)
		error = takeover_finish(&from.running, c, why);
	if (!error && from.runs && o->fd_store)
		restart_continue(c, &from.stored);
	if (!error && o->uapi_fd >= 0)
		uapi_server_name_process(&c->uapi);
	if (!error)
		service_notify_ready(&c->store.service);
	else if (from.runs)
		interface_leave_files(c); /* they are the other daemon's */
	if (error && from.runs && o->fd_store)
		error = -EBADMSG; /* the next process can restore the configuration */
	if (!o->fd_store)
		service_close(&c->store.service);
	return error;
}

static int open_log_file(const struct options *o, struct text *why)
{
	int error = o->log_file && *o->log_file ? log_to_file(o->log_file) : 0;

	if (error)
		text_f(why, "cannot open the log file %s: %s", o->log_file, strerror(-error));
	return error;
}

static int fork_keeping_descriptors(const struct options *o)
{
	int keep[2 + ARRAY_LEN(o->queue_fds) + LINK_FDS] = { o->tun_fd, o->uapi_fd };

	memcpy(keep + 2, o->queue_fds, sizeof o->queue_fds);
	memcpy(keep + 2 + ARRAY_LEN(o->queue_fds), o->link_fds, sizeof o->link_fds);
	return daemonize_fork(keep, ARRAY_LEN(keep));
}

/* In the background, nothing is logged to the inherited streams: they may be a pipe that another program reads to its
 * end. */
static int run(struct options *o)
{
	char text[400];
	struct text why = text_fixed(text, sizeof text);
	int status_fd = -1, error;

	if (!o->foreground) {
		status_fd = fork_keeping_descriptors(o);
		if (status_fd < 0)
			return EXIT_FAILURE;
		daemonize_detach_streams();
		log_to_syslog();
	}
	error = open_log_file(o, &why);
	if (error) {
		if (o->foreground)
			log_error("%s", text);
		(void)daemonize_report(status_fd, text);
		return EXIT_FAILURE;
	}
	error = start(&control, o, &why);
	if (error && why.n == 0)
		text_f(&why, "cannot start: %s", strerror(-error));
	if (error && o->foreground)
		log_error("%s", text);
	/* A parent that was killed cannot report that the tunnel exists. One that was taken over existed before, and nobody else has it. */
	if (!error && (daemonize_report(status_fd, "") || o->takeover))
		control_run(&control);
	control_free(&control);
	if (error)
		(void)daemonize_report(status_fd, text); /* after cleaning up: nothing is left in the way of another start */
	return !error ? EXIT_SUCCESS : o->fd_store && error == -EBADMSG ? EXIT_TRY_AGAIN : EXIT_FAILURE;
}

static int print(const char *text)
{
	if (fputs(text, stdout) >= 0 && fflush(stdout) == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "wireguardd: cannot write to standard output: %s\n", strerror(errno));
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	char text[200];
	struct text why = text_fixed(text, sizeof text);
	struct options o = { .tun_fd = -1, .uapi_fd = -1, .link_fds = { -1, -1, -1, -1 } };
	int at = 1;

	daemonize_fill_streams();
	if (argc == 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-v") == 0))
		return print("wireguardd v" WGSUITE_VERSION " - wgsuite, WireGuard in userspace\n");
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return print(usage);
	for (; at < argc && argv[at][0] == '-'; at++) {
		if (strcmp(argv[at], "--takeover") == 0)
			o.takeover = true;
		else if (strcmp(argv[at], "--interim") == 0)
			o.takeover = o.interim = true;
		else if (strcmp(argv[at], "--fd-store") == 0)
			o.fd_store = o.foreground = true;
		else if (strcmp(argv[at], "-f") == 0 || strcmp(argv[at], "--foreground") == 0)
			o.foreground = true;
		else
			break;
	}
	if (at != argc - 1 || argv[at][0] == '-' || (o.takeover && o.fd_store)) {
		fputs(usage, stderr);
		return EXIT_FAILURE;
	}
	o.interface = argv[at];
	log_init(log_parse_level(getenv("LOG_LEVEL")), "");
	if (!device_name_is_valid(span_of(o.interface))) {
		log_error("%s is not a valid interface name", o.interface);
		return EXIT_FAILURE;
	}
	log_init(log_parse_level(getenv("LOG_LEVEL")), o.interface);
	if (!options_from_environment(&o, &why)) {
		log_error("%s", text);
		return EXIT_FAILURE;
	}
	return run(&o);
}
