/* wg-quick: brings tunnels up and down from their files, as transactions. The commands are in command/. */
#include <errno.h>
#include <unistd.h>

#include "quick/command/command.h"
#include "quick/command/messages.h"
#include "quick/host/hooks.h"
#include "quick/host/process.h"
#include "quick/host/settings_file.h"
#include "quick/host/signals.h"
#include "report/diagnostics.h"
#include "report/output.h"
#include "report/report.h"

static const char usage[] =
	"Usage: wg-quick [ up | down | save | strip | reload | diff ] [ CONFIG_FILE | INTERFACE ]\n"
	"\n"
	"  CONFIG_FILE is a configuration file, whose filename is the interface name\n"
	"  followed by `.conf'. Otherwise, INTERFACE is an interface name, with\n"
	"  configuration found at /etc/wireguard/INTERFACE.conf. In addition to the keys\n"
	"  of wg(8), its [Interface] section may have:\n"
	"\n"
	"  - Address: one or more IP addresses (with an optional CIDR mask) of the\n"
	"    interface. May be specified more than once.\n"
	"  - DNS: name servers and search domains to use while the tunnel is up.\n"
	"  - MTU: the MTU of the interface; by default, derived from the routes to the\n"
	"    endpoints.\n"
	"  - Table: the routing table to which routes are added; `off' adds none,\n"
	"    `auto' (the default) also sets up policy routing for default routes.\n"
	"  - PreUp, PostUp, PreDown, PostDown: commands that bash(1) runs before and\n"
	"    after. `%i' is replaced by INTERFACE.\n"
	"  - SaveConfig: `true' saves the tunnel's state into the file upon shutdown.\n"
	"\n"
	"  up --dry-run prints the commands and runs none; up and down --no-hooks skip\n"
	"  the hooks; reload applies only the changes in the file; diff prints them.\n"
	"\n"
	"See wg-quick(8) for more info and examples.\n";

static const struct command {
	const char *name;
	int (*run)(const struct command_options *o, struct host *host, struct command_trace *trace);
	bool prints;   /* on standard output */
	bool inspects; /* the host, over netlink */
	bool changes;  /* needs CAP_NET_ADMIN */
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

static const struct command *command_find(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (span_is(name, commands[i].name))
			return &commands[i];
	return NULL;
}

static bool parse_arguments(struct command_options *o, const struct command **command, int argc, char *argv[])
{
	int words = 0;

	for (int i = 1; i < argc; i++) {
		struct span word = span_of(argv[i]);
		if (span_is(word, "--dry-run"))
			o->dry_run = true;
		else if (span_is(word, "--no-hooks"))
			o->no_hooks = true;
		else if (words++ == 0)
			*command = command_find(word);
		else
			o->argument = argv[i];
	}
	if (!*command || words != 2)
		return false;
	if (o->dry_run && (*command)->run != command_up)
		return false;
	return !o->no_hooks || (*command)->run == command_up || (*command)->run == command_down;
}

static int run(const struct command *command, const struct command_options *o, struct command_trace *trace)
{
	struct diag d = { .emit = report_diag };
	struct host host = { 0 };
	int status = 1, r = settings_load(&host.settings, SYSCONFDIR "/wireguard/wgsuite.ini", &d);

	if (r < 0)
		return 1;
	r = command->inspects ? rtnetlink_open(&host.rtnetlink) : 0;
	if (r < 0)
		report_error("netlink: %s", strerror(-r));
	else
		status = command->run(o, &host, trace);
	rtnetlink_close(&host.rtnetlink);
	ipc_close(&host.ipc);
	return status;
}

static bool is_help(int argc, char *argv[])
{
	return argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
			     strcmp(argv[1], "help") == 0);
}

int main(int argc, char *argv[])
{
	struct command_options o = { 0 };
	struct command_trace trace;
	const struct command *command = NULL;
	const char *slash = strrchr(argv[0], '/');
	bool have_stdout = process_open_standard_fds(), prints;
	int status;

	report_set_program(slash ? slash + 1 : argv[0]);
	if (is_help(argc, argv))
		return print_usage(0);
	if (!parse_arguments(&o, &command, argc, argv))
		return print_usage(1);
	if (command->changes && !o.dry_run && !process_may_change_network())
		return process_run_with_sudo(argv);
	prints = o.dry_run || command->prints;
	if (prints && !have_stdout)
		return exit_status_of_output(-EBADF);
	process_set_environment();
	signals_watch();
	hook_arguments = argv + 1;
	command_trace_init(&trace, prints ? STDOUT_FILENO : STDERR_FILENO);
	status = run(command, &o, &trace);
	command_trace_flush(&trace);
	if (prints && status == 0)
		status = exit_status_of_output(trace.error);
	command_trace_free(&trace);
	return status;
}
