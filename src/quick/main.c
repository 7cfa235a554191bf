/* wg-quick: brings a tunnel up and down from its file, as wg-quick(8) does, as one transaction. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "quick/host/create.h"
#include "quick/host/hooks.h"
#include "quick/host/settings_file.h"
#include "quick/command/quick.h"
#include "quick/host/subprocess.h"
#include "report/diagnostics.h"
#include "report/output.h"

static const char usage[] =
	"Usage: wg-quick [ up | down | save | strip | reload | diff ] [ CONFIG_FILE | INTERFACE ]\n"
	"\n"
	"  CONFIG_FILE is a configuration file, whose filename is the interface name\n"
	"  followed by `.conf'. Otherwise, INTERFACE is an interface name, with\n"
	"  configuration found at /etc/wireguard/INTERFACE.conf. Beside what wg(8)\n"
	"  reads, its [Interface] section may have:\n"
	"\n"
	"  - Address: one or more IP addresses (with an optional CIDR mask) of the\n"
	"    interface. May be specified more than once.\n"
	"  - DNS: name servers and search domains to use while the tunnel is up.\n"
	"  - MTU: of the interface; if unspecified, found from the endpoints.\n"
	"  - Table: the routing table to which routes are added; `off' adds none,\n"
	"    `auto' (the default) also makes default routes work.\n"
	"  - PreUp, PostUp, PreDown, PostDown: commands that bash(1) runs at these\n"
	"    times. `%i' is replaced by INTERFACE.\n"
	"  - SaveConfig: `true' saves the tunnel's state into the file upon shutdown.\n"
	"\n"
	"  up --dry-run prints what would be done; up and down --no-hooks run no hooks;\n"
	"  reload applies what changed in the file, and diff shows it.\n"
	"\n"
	"See wg-quick(8) for more info and examples.\n";

static const struct command {
	const char *name;
	int (*run)(struct quick *q);
	bool prints;  /* on stdout */
	bool asks;    /* the kernel */
	bool changes; /* needs CAP_NET_ADMIN */
} commands[] = {
	{ "up", command_up, false, true, true },
	{ "down", command_down, false, true, true },
	{ "save", command_save, false, true, true },
	{ "strip", command_strip, true, false, false },
	{ "reload", command_reload, false, true, true },
	{ "diff", command_diff, true, true, true },
};

static int print_usage(int status)
{
	report_write(STDERR_FILENO, usage, sizeof usage - 1);
	return status;
}

/* True with the right to change the network; it is then passed on to the programs we run. */
static bool may_change_network(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };
	uint32_t net_admin = 1u << CAP_NET_ADMIN;

	if (geteuid() == 0)
		return true;
	if (syscall(SYS_capget, &head, data) < 0 || !(data[0].effective & net_admin))
		return false;
	data[0].inheritable |= net_admin;
	if (syscall(SYS_capset, &head, data) == 0)
		prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0);
	return true;
}

static int ask_sudo(int argc, char *argv[])
{
	static char sudo[] = "sudo", p[] = "-p", dashes[] = "--", self[PATH_MAX];
	static char prompt[] =
		"wg-quick must be run as root. Please enter the password for %u to continue: ";
	char **words = calloc((size_t)argc + 5, sizeof *words);
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	if (!words || n <= 0)
		return 1;
	words[0] = sudo;
	words[1] = p;
	words[2] = prompt;
	words[3] = dashes;
	words[4] = self;
	memcpy(words + 5, argv + 1, (size_t)argc * sizeof *words);
	execvp(sudo, words);
	report_error("CAP_NET_ADMIN is needed, and there is no sudo: %s", strerror(errno));
	return 127;
}

static bool parse_words(struct quick *q, const struct command **command, int argc, char *argv[])
{
	int plain = 0;

	for (int i = 1; i < argc; i++) {
		struct span word = span_of(argv[i]);
		if (span_is(word, "--dry-run"))
			q->dry_run = true;
		else if (span_is(word, "--no-hooks"))
			q->no_hooks = true;
		else if (plain++ == 0)
			for (size_t k = 0; k < ARRAY_LEN(commands); k++)
				*command =
					span_is(word, commands[k].name) ? &commands[k] : *command;
		else
			q->argument = argv[i];
	}
	if (!*command || plain != 2)
		return false;
	if (q->dry_run && (*command)->run != command_up)
		return false;
	return !q->no_hooks || (*command)->run == command_up || (*command)->run == command_down;
}

/* Hooks find our sibling `wg` first, and programs speak the language that scripts expect. */
static void set_environment(void)
{
	const char *folder = create_own_folder(), *path = getenv("PATH");
	struct text t = text_heap();

	setenv("LC_ALL", "C", 1);
	if (folder) {
		text_f(&t, "%s:%s", folder,
		       path && path[0]
			       ? path
			       : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
		if (!t.failed)
			setenv("PATH", t.p, 1);
	}
	text_heap_free(&t);
}

static int run(struct quick *q, const struct command *command)
{
	struct diag d = { .emit = report_diag };
	int r = settings_load(&q->settings, SYSCONFDIR "/wireguard/wgsuite.ini", &d);

	if (r < 0)
		return 1;
	r = command->asks ? rtnetlink_open(&q->rtnetlink) : 0;
	if (r < 0) {
		report_error("netlink: %s", strerror(-r));
		return 1;
	}
	return command->run(q);
}

/* Files we open must not become our standard input or output. False: there is no standard output. */
static bool have_stdout(void)
{
	bool have = fcntl(STDOUT_FILENO, F_GETFD) >= 0;
	int null;

	do
		null = open("/dev/null", O_RDWR);
	while (null >= 0 && null <= STDERR_FILENO);
	if (null >= 0)
		close(null);
	return have;
}

static void free_all(struct quick *q)
{
	command_trace_free(&q->trace);
	plan_free(&q->plan);
	host_state_free(&q->host);
	tunnel_file_free(&q->file);
	journal_close(&q->journal);
	rtnetlink_close(&q->rtnetlink);
	ipc_close(&q->ipc);
}

int main(int argc, char *argv[])
{
	struct quick q = { .journal = { .lock = -1 } };
	const struct command *command = NULL;
	const char *slash = strrchr(argv[0], '/');
	bool stdout_there = have_stdout(), prints;
	int status;

	report_set_program(slash ? slash + 1 : argv[0]);
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
			  strcmp(argv[1], "help") == 0))
		return print_usage(0);
	if (!parse_words(&q, &command, argc, argv))
		return print_usage(1);
	if (command->changes && !q.dry_run && !may_change_network())
		return ask_sudo(argc, argv);
	prints = q.dry_run || command->prints;
	if (prints && !stdout_there)
		return quick_said(-EBADF);
	set_environment();
	subprocess_watch_signals();
	hook_arguments = argv + 1;
	command_trace_init(&q.trace, prints ? STDOUT_FILENO : STDERR_FILENO);
	status = run(&q, command);
	command_trace_flush(&q.trace);
	if (prints && status == 0)
		status = quick_said(q.trace.error);
	free_all(&q);
	return status;
}
