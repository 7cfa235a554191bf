/* wg(8): shows and changes WireGuard devices, and generates keys. */
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/version.h"
#include "ipc/resolve.h"
#include "program.h"
#include "report/output.h"
#include "report/report.h"

/* Programs compare the first two words. */
#define VERSION_LINE "wireguard-tools v" WGSUITE_COMPATIBLE_VERSION " - wgsuite " WGSUITE_VERSION "\n"

static const struct command {
	const char *name, *help;
	command_run *run;
} commands[] = {
	{ "show", "Shows the current configuration and device information", cmd_show },
	{ "showconf", "Shows the current configuration of a given WireGuard interface, for use with"
		      " `setconf'", cmd_showconf },
	{ "set", "Change the current configuration, add peers, remove peers, or change peers",
	  cmd_set },
	{ "setconf", "Applies a configuration file to a WireGuard interface", cmd_setconf },
	{ "addconf", "Appends a configuration file to a WireGuard interface", cmd_addconf },
	{ "syncconf", "Synchronizes a configuration file to a WireGuard interface", cmd_syncconf },
	{ "genkey", "Generates a new private key and writes it to stdout", cmd_genkey },
	{ "genpsk", "Generates a new preshared key and writes it to stdout", cmd_genpsk },
	{ "pubkey", "Reads a private key from stdin and writes a public key to stdout", cmd_pubkey },
	{ "watch", "Shows a live table of peers and their traffic", cmd_watch },
	{ "ping", "Finds out through the tunnel whether a peer answers", cmd_ping },
	{ "check", "Checks configuration files and explains each problem", cmd_check },
};

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

static void usage(struct text *t, const char *name)
{
	text_f(t, "Usage: %s <cmd> [<args>]\n\nAvailable subcommands:\n", name);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		text_f(t, "  %s: %s\n", commands[i].name, commands[i].help);
	text_add(t, "You may pass `--help' to any of these subcommands to view usage.\n");
}

static int run(struct program *p, int argc, char *argv[])
{
	static char show_word[] = "show";
	static char *const show[] = { show_word, NULL };
	char lines[2048];
	struct text t = text_fixed(lines, sizeof lines);

	if (argc < 2)
		return cmd_show(p, 1, show);
	if (argc == 2 && is_one_of(argv[1], "-v", "--version", "version")) {
		text_add(&p->out, VERSION_LINE);
		return 0;
	}
	if (argc == 2 && is_one_of(argv[1], "-h", "--help", "help")) {
		usage(&p->out, p->name);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(p, argc - 1, argv + 1);
	usage(&t, p->name);
	report_verbatim("Invalid subcommand: `%s'", argv[1]);
	report_write(STDERR_FILENO, t.p, t.n);
	return 1;
}

/* If wg is setuid or has file capabilities, an unprivileged user must not influence its output. */
static bool environment_is_trusted(void)
{
	static const char *const names[] = { "WG_HIDE_KEYS", "WG_COLOR_MODE", "WG_SHOW_NAMES",
					     "WG_ENDPOINT_RESOLUTION_RETRIES" };

	if (getauxval(AT_SECURE) == 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (getenv(names[i])) {
			report_error("%s must not be set when wg has elevated privileges", names[i]);
			return false;
		}
	return true;
}

int main(int argc, char *argv[])
{
	static char buffer[64 * 1024];
	struct program p;
	int code;

	report_set_program("wg");
	resolve_without_modules();
	if (!environment_is_trusted())
		return 1;
	program_open(&p, argc > 0 ? argv[0] : "wg", buffer, sizeof buffer);
	code = run(&p, argc, argv);
	return program_close(&p) ? code : 1;
}
