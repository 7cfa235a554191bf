/* `save`: writes the state of the tunnel into its file. */
#include "save.h"

#include <errno.h>

#include "inputs.h"
#include "messages.h"
#include "quick/config/edit.h"
#include "quick/host/fileio.h"
#include "quick/journal/journal.h"
#include "report/report.h"

int save_tunnel(const struct tunnel_file *f, const struct host_state *state, const struct journal *journal,
		struct host *host, struct command_trace *trace)
{
	const struct applied *applied = &journal->applied;
	struct addresses addresses = { 0 };
	struct wg_device device = { 0 };
	struct edit_state now = { .device = &device, .addresses = &addresses, .foreign = &applied->foreign,
				  .mtu = state->link.mtu, .chosen_port = journal->exists ? applied->port : 0,
				  .ipv6 = state->ipv6, .scopes = &ipc_scopes };
	struct text text = text_heap();
	bool changed = false;
	int r;

	text_f(&trace->t, "[#] wg showconf %s\n", f->name);
	command_trace_flush(trace);
	r = ipc_get(&host->ipc, &device, f->name);
	if (r == 0)
		r = rtnetlink_addresses(&host->rtnetlink, state->link.index, &addresses);
	if (r == 0 && !edit_tunnel_file(&text, &changed, f, &now))
		r = -ENOMEM;
	if (r == 0 && changed)
		r = fileio_update(f->path, text_of(&text));
	if (r < 0)
		report_error("cannot save %s: %s", f->path, strerror(-r));
	text_heap_free(&text);
	addresses_free(&addresses);
	device_free(&device);
	return r;
}

static int save(struct tunnel_file *f, struct host_state *state, struct journal *journal,
		const struct command_options *o, struct host *host, struct command_trace *trace)
{
	int r;

	if (!read_tunnel_file(f, o->argument, true))
		return 1;
	r = journal_open(journal, f->name, settings_lock_timeout_s(&host->settings));
	if (r == -EINTR)
		return exit_status_stopped();
	if (r == -ETIMEDOUT)
		return 1;
	if (report_failure("read the journal", r) < 0 || inspect_host(state, host, f->name) < 0)
		return 1;
	if (!state->link.index || !host_is_wireguard(&host->ipc, f->name)) {
		report_upstream("`%s' is not a WireGuard interface", f->name);
		return 1;
	}
	return save_tunnel(f, state, journal, host, trace) < 0;
}

int command_save(const struct command_options *o, struct host *host, struct command_trace *trace)
{
	struct tunnel_file f = { 0 };
	struct host_state state = { 0 };
	struct journal journal = JOURNAL_CLOSED;
	int status = save(&f, &state, &journal, o, host, trace);

	host_state_free(&state);
	tunnel_file_free(&f);
	journal_close(&journal);
	return status;
}
