/* wireguardd: one WireGuard interface in userspace. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "daemon/control/control.h"
#include "daemon/process/log.h"
#include "daemon/process/sandbox.h"
#include "daemon/process/daemonize.h"

#define SOCKET_DIR RUNSTATEDIR "/wireguard"
#ifndef VERSION
#define VERSION "1.0.0"
#endif

static struct control control;

static const char usage[] =
	"Usage: wireguardd [-f|--foreground] INTERFACE\n"
	"       wireguardd --version | --help\n"
	"\n"
	"Makes the TUN device INTERFACE and the socket " SOCKET_DIR "/INTERFACE.sock,\n"
	"through which wg(8) configures it. Returns when both are there.\n"
	"\n"
	"  -f, --foreground  stay in the foreground\n"
	"\n"
	"Environment:\n"
	"  LOG_LEVEL=verbose|debug|error|silent  what is told on standard error\n"
	"  WG_PROCESS_FOREGROUND=1               as --foreground\n"
	"  WG_TUN_FD=N, WG_UAPI_FD=N             use these open file descriptors\n"
	"  WG_CPU=generic                        portable cryptography only\n"
	"  WG_THREADS=N                          threads for data (0 to 64; 0: one for all)\n"
	"  WG_NO_OFFLOAD=WORD,...                do without: vnet tso uso join segment gro mmsg\n"
	"                                        split\n";

static const char *tun_hint(int error)
{
	switch (error) {
	case -EBUSY: return " (an interface of this name is in use)";
	case -EINVAL: return " (is there another interface of this name?)";
	case -ENOENT: return " (/dev/net/tun is missing; try: modprobe tun)";
	case -ENODEV: return " (the kernel has no TUN; try: modprobe tun)";
	case -EACCES:
	case -EPERM: return " (this needs root, or CAP_NET_ADMIN)";
	default: return "";
	}
}

/* Signals that end the daemon, and the one about its socket's folder, as a descriptor. */
static int signals(bool foreground)
{
	sigset_t told;

	sigemptyset(&told);
	sigaddset(&told, SIGINT);
	sigaddset(&told, SIGTERM);
	sigaddset(&told, SIGIO);
	if (foreground)
		sigaddset(&told, SIGHUP);
	else
		(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigprocmask(SIG_BLOCK, &told, NULL);
	return signalfd(-1, &told, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* *name: as the device is called; one that was handed over may have another than we were told. */
static int open_tun(struct control *c, const struct start *s, char name[16], struct text *why)
{
	int error = s->tun_fd >= 0 ? tun_take_fd(&c->tun, s->tun_fd, s->off) :
				     tun_open(&c->tun, s->name, s->off);

	if (!error)
		error = tun_name(&c->tun, name);
	if (!error)
		log_start(log_level_of(s->log_level), name);
	if (error)
		text_f(why, "cannot make the TUN device: %s%s", strerror(-error), tun_hint(error));
	return error;
}

static int open_socket(struct control *c, const struct start *s, const char *name, struct text *why)
{
	return s->uapi_fd >= 0 ?
		       uapi_server_take_fd(&c->uapi, s->uapi_fd, SOCKET_DIR, name, why) :
		       uapi_server_open(&c->uapi, SOCKET_DIR, name, why);
}

/* Everything up to the point where the daemon can be configured. */
static int start(struct control *c, const struct start *s, struct text *why)
{
	char name[16];
	int error, signal_fd;

	sandbox_prepare();
	error = control_init(c, s->off, s->threads);
	sandbox_lock_memory();
	if (!error && !tunnel_self_test()) {
		text_add(why, "the cryptography fails its self-test on this machine");
		error = -EIO;
	}
	if (!error)
		error = open_tun(c, s, name, why);
	if (!error) {
		error = link_open(&c->link, &c->tun, &c->icmp);
		if (error)
			text_f(why, "cannot set up the link: %s", strerror(-error));
	}
	if (!error)
		error = open_socket(c, s, name, why);
	if (error)
		return error;
	signal_fd = signals(s->foreground);
	error = signal_fd < 0 ? -errno : control_start(c, signal_fd);
	if (!error) {
		sandbox_enter(SOCKET_DIR);
		error = crew_start(&c->crew); /* they inherit what is left */
		if (error)
			text_f(why, "cannot start threads: %s", strerror(-error));
	}
	if (!error) {
		sandbox_restrict_calls();
		start_notify();
	}
	return error;
}

static int run(const struct start *s)
{
	char text[400];
	struct text why = text_fixed(text, sizeof text);
	int word = -1, error;

	if (!s->foreground) {
		word = start_fork(s);
		if (word < 0)
			return EXIT_FAILURE;
		start_detach_streams(s);
	}
	error = start(&control, s, &why);
	if (error && why.n == 0)
		text_f(&why, "cannot start: %s", strerror(-error));
	if (error && s->foreground)
		log_error("%s", text);
	if (!error) {
		start_report(word, "");
		control_run(&control);
	}
	control_free(&control);
	if (error)
		start_report(word, text); /* nothing is left that the next start could meet */
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int print(const char *text)
{
	if (fputs(text, stdout) >= 0 && fflush(stdout) == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "wireguardd: write: %s\n", strerror(errno));
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	char text[200];
	struct text why = text_fixed(text, sizeof text);
	struct start s = { .tun_fd = -1, .uapi_fd = -1 };
	int at = 1;

	start_fill_streams();
	if (argc == 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-v") == 0))
		return print("wireguardd v" VERSION " - wgsuite, WireGuard in userspace\n");
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return print(usage);
	for (; at < argc && argv[at][0] == '-'; at++) {
		if (strcmp(argv[at], "-f") != 0 && strcmp(argv[at], "--foreground") != 0)
			break;
		s.foreground = true;
	}
	if (at != argc - 1 || argv[at][0] == '-') {
		fputs(usage, stderr);
		return EXIT_FAILURE;
	}
	s.name = argv[at];
	log_start(log_level_of(getenv("LOG_LEVEL")), "");
	if (!device_name_is_valid(span_of(s.name))) {
		log_error("%s is no name for an interface", s.name);
		return EXIT_FAILURE;
	}
	log_start(log_level_of(getenv("LOG_LEVEL")), s.name);
	if (!start_environment(&s, &why)) {
		log_error("%s", text);
		return EXIT_FAILURE;
	}
	return run(&s);
}
