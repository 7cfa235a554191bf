/* `strip`: prints the tunnel file without the keys that only wg-quick knows. */
#include "command.h"
#include "messages.h"
#include "inputs.h"
#include "report/output.h"

/* A file that wg would refuse prints nothing and fails, so that `wg syncconf X <(wg-quick strip X)` cannot empty a
 * device. */
int command_strip(const struct command_options *o, struct host *host, struct command_trace *trace)
{
	static const char newlines[] = "\n\n";
	struct tunnel_file f = { .lines_only = true };
	size_t n_newlines;
	int r;

	(void)host;
	if (!read_tunnel_file(&f, o->argument, true)) {
		tunnel_file_free(&f);
		return 1;
	}
	tunnel_file_strip(&f);
	n_newlines = f.n_text == 0 || f.text[f.n_text - 1] == '\n' ? 1 : 2;
	r = report_write(trace->fd, f.text, f.n_text);
	if (r == 0)
		r = report_write(trace->fd, newlines, n_newlines);
	tunnel_file_free(&f);
	return exit_status_of_output(r);
}
