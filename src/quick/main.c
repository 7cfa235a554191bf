/* wg-quick: brings tunnels up and down from their files, as transactions. The commands are in command/. */
#include <errno.h>
#include <unistd.h>

#include "base/suggestion.h"
#include "base/version.h"
#include "ipc/resolve.h"
#include "quick/command/check.h"
#include "quick/command/command.h"
#include "quick/command/confirm.h"
#include "quick/command/messages.h"
#include "quick/command/run.h"
#include "quick/command/supervise.h"
#include "quick/config/netns_name.h"
#include "quick/host/hooks.h"
#include "quick/host/netns.h"
#include "quick/host/process.h"
#include "quick/host/settings_file.h"
#include "quick/host/signals.h"
#include "quick/host/tunnel_file_load.h"
#include "report/diagnostics.h"
#include "report/output.h"
#include "report/report.h"

static const char usage_line[] = "Usage: wg-quick [ up | down | restart | save | strip | reload | diff | check | graph | status | doctor | confirm | monitor | qr | run | supervise ] [ CONFIG_FILE | INTERFACE ]\n";

static const char usage[] =
	"\n"
	"  up       brings the tunnel up; --dry-run prints the commands and runs none\n"
	"  down     takes the tunnel down and removes what `up' created\n"
	"  restart  takes the tunnel down, if it is up, and brings it up\n"
	"  reload   applies only the changes in the file; sessions are not interrupted\n"
	"  diff     prints the commands that `reload' would run; --format=json prints\n"
	"           them as JSON\n"
	"  save     writes the state of the tunnel into its file\n"
	"  check    finds and explains mistakes in files; --explain lists all findings\n"
	"  graph    prints the mesh that files describe, for dot(1) of Graphviz\n"
	"  strip    prints the file without the keys of wg-quick, as wg(8) reads it\n"
	"  status   shows the state of the tunnel, or of all tunnels; with `json' as JSON;\n"
	"           --health prints only problems, and exits 0 without any\n"
	"  doctor   examines the tunnel and prints how to fix each problem; --fix also runs\n"
	"           `reload'\n"
	"  confirm  keeps the change that `up' or `reload' with --confirm made\n"
	"  monitor  restores what other programs remove from tunnels, until a signal ends it;\n"
	"           wg-quick-monitor.service runs it\n"
	"  qr       prints the file as a QR code for the apps of phones; -o FILE.svg or\n"
	"           -o FILE.png writes an image\n"
	"  run      `wg-quick run [--hooks] CONFIG_FILE [--] COMMAND...' runs a command, as any\n"
	"           user, whose traffic goes through the tunnel or nowhere\n"
	"  supervise  `wg-quick supervise [DIRECTORY...]' keeps the tunnels of all files in a\n"
	"           directory up and applies changes of the files, for containers\n"
	"\n"
	"  --netns NAME of up and restart: the network namespace of the interface, which is\n"
	"  created if it does not exist; encrypted packets are sent from the current one.\n"
	"  --confirm SECONDS of up and reload: the change is rolled back unless `confirm' is\n"
	"  run within this time. reload --check only reports whether it would cut off the\n"
	"  SSH session. --no-hooks skips the hooks of up, down and restart; -q,\n"
	"  --quiet prints no [#] lines; -v, --version prints the version; -h, --help prints\n"
	"  this text.\n"
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
	"  - PreUp, PostUp, PreDown, PostDown: commands that bash(1), or sh(1) if it is\n"
	"    missing, runs before and after bringing the tunnel up or down. `%i' is\n"
	"    replaced by INTERFACE.\n"
	"  - KillSwitch: `on' or `lan': nothing leaves outside the tunnels, or only to the\n"
	"    local network, until the tunnel is down.\n"
	"  - SaveConfig: `true' saves the tunnel's state into the file upon shutdown.\n"
	"\n"
	"See wg-quick(8) for more info and examples.\n";

/* Commands with their own arguments. */
static const struct own_command {
	const char *name;
	int (*run)(int argc, char *const argv[]);
	bool has_help;
} own_commands[] = { { "check", command_check, true }, { "graph", command_graph, true }, { "run", command_run, false },
		   { "supervise", command_supervise, false } };

enum { OPTION_DRY_RUN = 1, OPTION_NO_HOOKS = 2, OPTION_QUIET = 4, OPTION_OUTPUT = 8, OPTION_JSON = 16, OPTION_TEXT = 32,
       OPTION_FIX = 64, OPTION_CONFIRM = 128, OPTION_EXPIRE = 256, OPTION_CHECK = 512,
       OPTION_NETNS = 1024, OPTION_HEALTH = 2048 };

static const struct command {
	const char *name;
	int (*run)(const struct command_options *o, struct host *host, struct command_trace *trace);
	unsigned int options; /* OPTION_… it accepts */
	enum { SETTINGS_UNUSED, SETTINGS_OPTIONAL, SETTINGS_REQUIRED } settings; /* of wgsuite.ini */
	enum { ARGUMENT_ONE, ARGUMENT_OPTIONAL, ARGUMENT_NONE } arguments;
	bool prints;   /* on standard output */
	bool inspects; /* the host, over netlink */
	bool needs_net_admin; /* CAP_NET_ADMIN, except for --dry-run */
	bool changes;  /* the host */
} commands[] = {
	{ "up", command_up, OPTION_CONFIRM | OPTION_DRY_RUN | OPTION_NETNS | OPTION_NO_HOOKS | OPTION_QUIET, SETTINGS_REQUIRED, ARGUMENT_ONE, false, true, true, true },
	{ "down", command_down, OPTION_NO_HOOKS | OPTION_QUIET, SETTINGS_OPTIONAL, ARGUMENT_ONE, false, true, true, true },
	{ "restart", command_restart, OPTION_NETNS | OPTION_NO_HOOKS | OPTION_QUIET, SETTINGS_REQUIRED, ARGUMENT_ONE, false, true, true, true },
	{ "save", command_save, OPTION_QUIET, SETTINGS_OPTIONAL, ARGUMENT_ONE, false, true, true, true },
	{ "strip", command_strip, 0, SETTINGS_UNUSED, ARGUMENT_ONE, true, false, false, false },
	{ "reload", command_reload, OPTION_CHECK | OPTION_CONFIRM | OPTION_QUIET, SETTINGS_REQUIRED, ARGUMENT_ONE, false, true, true, true },
	{ "diff", command_diff, OPTION_JSON | OPTION_TEXT, SETTINGS_REQUIRED, ARGUMENT_ONE, true, true, true, false },
	{ "status", command_status, OPTION_HEALTH | OPTION_JSON | OPTION_TEXT, SETTINGS_OPTIONAL, ARGUMENT_OPTIONAL, true, true, false, false },
	{ "doctor", command_doctor, OPTION_FIX, SETTINGS_REQUIRED, ARGUMENT_OPTIONAL, true, true, true, false },
	{ "confirm", command_confirm, OPTION_EXPIRE, SETTINGS_OPTIONAL, ARGUMENT_OPTIONAL, false, true, true, true },
	{ "monitor", command_monitor, 0, SETTINGS_OPTIONAL, ARGUMENT_NONE, false, true, true, true },
	{ "qr", command_qr, OPTION_OUTPUT, SETTINGS_UNUSED, ARGUMENT_ONE, true, false, false, false },
};

static const struct option {
	const char *name, *letter;
	unsigned int bit;
} options[] = {
	{ "--dry-run", NULL, OPTION_DRY_RUN },
	{ "--no-hooks", NULL, OPTION_NO_HOOKS },
	{ "--quiet", "-q", OPTION_QUIET },
	{ "--output", "-o", OPTION_OUTPUT }, /* with a value */
	{ "--format=json", NULL, OPTION_JSON },
	{ "--format=text", NULL, OPTION_TEXT },
	{ "--fix", NULL, OPTION_FIX },
	{ "--confirm", NULL, OPTION_CONFIRM }, /* with a value */
	{ "--expire", NULL, OPTION_EXPIRE },
	{ "--check", NULL, OPTION_CHECK },
	{ "--health", NULL, OPTION_HEALTH },
	{ "--netns", NULL, OPTION_NETNS }, /* with a value */
	/* Alone, or --help after a command; here for suggestions. */
	{ "--help", "-h", 0 },
	{ "--version", "-v", 0 },
};

static void print_usage(void)
{
	report_write(STDERR_FILENO, usage_line, sizeof usage_line - 1);
	report_write(STDERR_FILENO, usage, sizeof usage - 1);
}

static int print_version(void)
{
	static const char line[] = "wg-quick v" WGSUITE_VERSION " - wgsuite\n";

	return exit_status_of_output(report_write(STDOUT_FILENO, line, sizeof line - 1));
}

/* ---- the arguments; functions that return false have reported ---- */

static bool misused(const char *guess)
{
	if (guess)
		report_help("did you mean %s?", guess);
	report_write(STDERR_FILENO, usage_line, sizeof usage_line - 1);
	return false;
}

/* Words of other programs. */
static const char *synonym_of(const char *name)
{
	return strcmp(name, "start") == 0 ? "up" : strcmp(name, "stop") == 0 ? "down" : NULL;
}

static bool find_command(const struct command **out, const char *name)
{
	const char *synonym = synonym_of(name);
	struct suggestion s;

	suggestion_init(&s, span_of(name));
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (strcmp(name, commands[i].name) == 0) {
			*out = &commands[i];
			return true;
		}
		suggestion_offer(&s, commands[i].name);
	}
	for (size_t i = 0; i < ARRAY_LEN(own_commands); i++)
		suggestion_offer(&s, own_commands[i].name);
	report_error("unknown command `%s'", name);
	return misused(synonym ? synonym : s.best);
}

static bool add_option(unsigned int *bits, const char *word)
{
	struct suggestion s;

	suggestion_init(&s, span_of(word));
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		const struct option *o = &options[i];
		bool is_it = strcmp(word, o->name) == 0 || (o->letter && strcmp(word, o->letter) == 0);
		if (is_it && o->bit) {
			*bits |= o->bit;
			return true;
		}
		if (is_it) {
			report_error("option `%s' takes no further arguments", word);
			return misused(NULL);
		}
		suggestion_offer(&s, o->name);
	}
	report_error("unknown option `%s'", word);
	return misused(s.best);
}

static bool take_value(const char **value, char *argv[], int *i)
{
	*value = argv[*i + 1];
	if (*value) {
		++*i;
		return true;
	}
	report_error("option `%s' needs a value", argv[*i]);
	return misused(NULL);
}

enum { CONFIRM_MAX_S = 86400 };

static bool take_seconds(unsigned int *out, const char *value)
{
	uint64_t n;

	if (!value || !span_to_u64(&n, span_of(value), CONFIRM_MAX_S) || n == 0) {
		report_error("option `--confirm' needs a number of seconds from 1 to %u%s%s%s", (unsigned int)CONFIRM_MAX_S,
			     value ? ", found `" : "", value ? value : "", value ? "'" : "");
		return misused(NULL);
	}
	*out = (unsigned int)n;
	return true;
}

static bool take_netns(struct command_options *o, const char *value)
{
	o->netns = value;
	if (value && netns_name_is_valid(span_of(value)))
		return true;
	report_error("option `--netns' needs the name of a network namespace%s%s%s", value ? ", found `" : "", value ? value : "",
		     value ? "'" : "");
	return misused(NULL);
}

/* The value after "=", or the next word, which may be missing. */
static const char *value_of(const char *word, size_t option, char *argv[], int *i)
{
	const char *value = word[option] ? word + option + 1 : argv[*i + 1];

	*i += !word[option] && value;
	return value;
}

static bool has_name(const char *word, const char *option)
{
	size_t n = strlen(option);

	return span_starts(span_of(word), option) && (word[n] == '=' || !word[n]);
}

/* An option, and its value where it has one. */
static bool take_option(struct command_options *o, unsigned int *bits, char *argv[], int *i)
{
	static const char confirm[] = "--confirm", netns[] = "--netns";
	const char *word = argv[*i];
	unsigned int before = *bits;

	if (has_name(word, confirm)) {
		*bits |= OPTION_CONFIRM;
		return take_seconds(&o->confirm_s, value_of(word, sizeof confirm - 1, argv, i));
	}
	if (has_name(word, netns)) {
		*bits |= OPTION_NETNS;
		return take_netns(o, value_of(word, sizeof netns - 1, argv, i));
	}
	if (!add_option(bits, word))
		return false;
	return !(*bits & ~before & OPTION_OUTPUT) || take_value(&o->output, argv, i);
}

static bool options_fit(const struct command *command, unsigned int bits)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (options[i].bit & bits & ~command->options) {
			report_error("%s does not accept the option `%s'", command->name, options[i].name);
			return misused(NULL);
		}
	return true;
}

/* `status json` and `status wg0 json`, as `wg show` has it. */
static bool is_json_word(const struct command *command, char *argv[], int i)
{
	return command->run == command_status && strcmp(argv[i], "json") == 0 && !argv[i + 1];
}

static bool parse_arguments(struct command_options *o, const struct command **command, int argc, char *argv[])
{
	unsigned int bits = 0;

	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-' && argv[i][1] != '\0') {
			if (!take_option(o, &bits, argv, &i))
				return false;
		} else if (!*command) {
			if (!find_command(command, argv[i]))
				return false;
		} else if (is_json_word(*command, argv, i)) {
			bits |= OPTION_JSON;
		} else if (!o->argument) {
			o->argument = argv[i];
		} else {
			report_error("unexpected argument `%s': %s takes one tunnel", argv[i], (*command)->name);
			return misused(NULL);
		}
	}
	if (!*command) {
		print_usage();
		return false;
	}
	if (o->argument && (*command)->arguments == ARGUMENT_NONE) {
		report_error("%s watches all tunnels: it takes no interface", (*command)->name);
		return misused(NULL);
	}
	if (!o->argument && (*command)->arguments == ARGUMENT_ONE) {
		report_error("%s needs the name of an interface or the path of a tunnel file", (*command)->name);
		return misused(NULL);
	}
	o->dry_run = (bits & OPTION_DRY_RUN) != 0;
	o->no_hooks = (bits & OPTION_NO_HOOKS) != 0;
	o->quiet = (bits & OPTION_QUIET) != 0;
	o->json = (bits & OPTION_JSON) != 0;
	o->fix = (bits & OPTION_FIX) != 0;
	o->expire = (bits & OPTION_EXPIRE) != 0;
	o->check = (bits & OPTION_CHECK) != 0;
	o->health = (bits & OPTION_HEALTH) != 0;
	if (o->health && o->json) {
		report_error("option `--health' cannot be combined with JSON");
		return misused(NULL);
	}
	if (o->fix && !o->argument) {
		report_error("option `--fix' needs the name of an interface or the path of a tunnel file");
		return misused(NULL);
	}
	return options_fit(*command, bits);
}

/* False after reporting. What is up can be taken down and saved whatever the settings are. */
static bool load_settings(struct settings *s, const struct command *command)
{
	struct diag d = { .emit = report_diag };
	int r = 0;

	if (command->settings != SETTINGS_UNUSED)
		r = settings_load(s, SETTINGS_PATH, &d);
	if (r < 0 && command->settings == SETTINGS_OPTIONAL)
		report_warning("ignoring %s, which has errors", SETTINGS_PATH);
	return r == 0 || command->settings == SETTINGS_OPTIONAL;
}

static int run_command(const struct command *command, const struct command_options *o, struct host *host,
		       struct command_trace *trace)
{
	if (command->changes && !o->dry_run && !o->expire && !o->check)
		confirm_settle(host, trace);
	return command->run(o, host, trace);
}

static int run(const struct command *command, const struct command_options *o, struct command_trace *trace)
{
	struct host host = { 0 };
	int status = 1, r;

	if (!load_settings(&host.settings, command))
		return 1;
	r = command->inspects ? rtnetlink_open(&host.rtnetlink) : 0;
	if (r < 0)
		report_error("netlink: %s", strerror(-r));
	else if (command->inspects && report_failure("identify the network namespace", netns_identify()) < 0)
		status = 1;
	else
		status = run_command(command, o, &host, trace);
	rtnetlink_close(&host.rtnetlink);
	ipc_close(&host.ipc);
	return status;
}

static bool is_alone(int argc, char *argv[], const char *letter, const char *option, const char *word)
{
	return argc == 2 && (strcmp(argv[1], letter) == 0 || strcmp(argv[1], option) == 0 ||
			     strcmp(argv[1], word) == 0);
}

/* COMMAND --help. Some print their own text. */
static bool asks_for_help(int argc, char *argv[])
{
	bool known = false;

	if (argc != 3 || (strcmp(argv[2], "-h") != 0 && strcmp(argv[2], "--help") != 0))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		known |= strcmp(argv[1], commands[i].name) == 0;
	for (size_t i = 0; i < ARRAY_LEN(own_commands); i++)
		known |= !own_commands[i].has_help && strcmp(argv[1], own_commands[i].name) == 0;
	return known;
}

int main(int argc, char *argv[])
{
	struct command_options o = { 0 };
	char name[WG_NAME_MAX];
	struct command_trace trace;
	const struct command *command = NULL;
	const char *slash = strrchr(argv[0], '/');
	bool have_stdout = process_open_standard_fds(), prints;
	int status;

	report_set_program(slash ? slash + 1 : argv[0]);
	resolve_without_modules();
	if (is_alone(argc, argv, "-h", "--help", "help") || asks_for_help(argc, argv)) {
		print_usage();
		return 0;
	}
	if (is_alone(argc, argv, "-v", "--version", "version"))
		return have_stdout ? print_version() : exit_status_of_output(-EBADF);
	for (size_t i = 0; argc > 1 && i < ARRAY_LEN(own_commands); i++)
		if (strcmp(argv[1], own_commands[i].name) == 0)
			return have_stdout ? own_commands[i].run(argc - 1, argv + 1) : exit_status_of_output(-EBADF);
	if (!parse_arguments(&o, &command, argc, argv))
		return 1;
	if (command->needs_net_admin && !o.dry_run && !process_may_change_network())
		return process_run_with_sudo(argv);
	if (o.argument)
		o.argument = tunnel_argument(name, o.argument);
	prints = o.dry_run || command->prints;
	if (prints && !have_stdout)
		return exit_status_of_output(-EBADF);
	o.console = console_inspect();
	process_set_environment(); /* changes the locale */
	signals_watch();
	hook_arguments = argv + 1;
	command_trace_init(&trace, prints ? STDOUT_FILENO : STDERR_FILENO);
	trace.quiet = o.quiet;
	status = run(command, &o, &trace);
	command_trace_flush(&trace);
	if (prints && status == 0)
		status = exit_status_of_output(trace.error);
	command_trace_free(&trace);
	return status;
}
