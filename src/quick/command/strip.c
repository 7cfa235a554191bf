/* `strip`: prints the tunnel file without the keys that only wg-quick knows. */
#include "command.h"
#include "messages.h"
#include "inputs.h"
#include "keys.h"
#include "quick/config/strip_text.h"
#include "quick/host/tunnel_file_load.h"
#include "report/output.h"
#include "report/report.h"

static int print(const char *p, size_t n, int fd)
{
	static const char newlines[] = "\n\n";
	int r = report_write(fd, p, n);

	return exit_status_of_output(r < 0 ? r : report_write(fd, newlines, n == 0 || p[n - 1] == '\n' ? 1 : 2));
}

/* A file whose keys are elsewhere is printed with them. */
static int print_with_keys(struct tunnel_file *f, int fd)
{
	struct text t = text_heap();
	struct diag silent = { 0 };
	int status = 1;

	if (tunnel_file_parse_again(f, &silent) == 0 && read_keys(f, KEY_FILE_WAIT, NULL) == 0) {
		if (strip_text(&t, f, &ipc_scopes))
			status = print(t.p, t.n, fd);
		else
			report_error("out of memory");
	}
	text_heap_free(&t);
	return status;
}

/* A file that wg would refuse prints nothing and fails, so that `wg syncconf X <(wg-quick strip X)` cannot empty a
 * device. */
int command_strip(const struct command_options *o, struct host *host, struct command_trace *trace)
{
	struct tunnel_file f = { .lines_only = true };
	int status;

	(void)host;
	if (!read_tunnel_file(&f, o->argument, true)) {
		tunnel_file_free(&f);
		return 1;
	}
	if (f.has_key_sources) {
		status = print_with_keys(&f, trace->fd);
	} else {
		tunnel_file_strip(&f);
		status = print(f.text, f.n_text, trace->fd);
	}
	tunnel_file_free(&f);
	return status;
}
