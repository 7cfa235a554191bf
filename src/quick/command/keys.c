/* Reading keys, with messages. */
#include "keys.h"

#include <errno.h>

#include "messages.h"
#include "report/diagnostics.h"

int read_keys(struct tunnel_file *f, unsigned int use, struct command_trace *trace)
{
	struct key_files files = { .use = use, .interface = f->name, .trace = trace };
	struct diagnostics diagnostics;
	struct diag d = { .emit = diagnostics_collect, .ctx = &diagnostics };
	int r;

	diagnostics_init(&diagnostics);
	r = tunnel_file_read_keys(f, key_file_look_up, &files, &d);
	diagnostics_print(&diagnostics);
	if (r == -EINTR)
		exit_status_stopped();
	return r;
}

void read_keys_if_possible(struct tunnel_file *f)
{
	struct key_files files = { .use = KEY_FILE_LATER, .interface = f->name };
	struct diag silent = { 0 };

	(void)!tunnel_file_read_keys(f, key_file_look_up, &files, &silent);
}
