/* `wg check`: findings about files in the format of wg(8). */
#include "ipc/resolve.h"
#include "program.h"
#include "report/check_command.h"

/* One attempt, whose failures are findings. */
static void resolve(struct wg_device *d, unsigned int *mtu)
{
	const struct resolve_options o = { .partial = true };
	struct diag quiet = { 0 };

	*mtu = 0;
	(void)!resolve_device(d, &o, &quiet);
}

int cmd_check(struct program *p, int argc, char *const argv[])
{
	static const char usage[] = "Usage: wg check [--strict] [--resolve] [--format=text|json|github] <file>...\n"
				    "       wg check --explain [<finding>]...";
	const struct check_program program = {
		.usage = usage, .input = { .scopes = &ipc_scopes, .service = ipc_service }, .resolve = resolve,
	};

	(void)p;
	return check_command(&program, argc, argv);
}
