/* `save`: writes the state of the tunnel into its file. */
#include "save.h"

#include <errno.h>

#include "inputs.h"
#include "messages.h"
#include "base/mem.h"
#include "quick/config/save_drop_ins.h"
#include "quick/host/file_update.h"
#include "quick/host/netns_place.h"
#include "quick/host/tunnel_file_load.h"
#include "quick/journal/journal.h"
#include "quick/plan/mtu.h"
#include "report/report.h"

/* Without a journal every port may be one that was set. */
static bool port_was_chosen(const struct wg_device *d, const struct journal *j)
{
	return j->exists && (j->applied.port == 0 || j->applied.port == d->listen_port);
}

/* wg-quick's own mark has a policy rule. */
static bool mark_was_chosen(const struct wg_device *d, const struct journal *j, const struct host_state *s)
{
	return host_tunnel_rule(s, IP_V4, d->fwmark) || host_tunnel_rule(s, IP_V6, d->fwmark) ||
	       (j->exists && (j->applied.port == 0 || j->applied.mark == d->fwmark));
}

static bool psk_is_elsewhere(const struct tunnel_file *f, const struct wg_public *key)
{
	for (uint32_t i = 0; f->has_key_sources && i < f->device.n_peers; i++)
		if (f->peers[i].psk.kind != KEY_IN_FILE && memcmp(&f->device.peers[i].public_key, key, sizeof *key) == 0)
			return true;
	return false;
}

static bool has_secret(const struct wg_device *d, const struct tunnel_file *f)
{
	if ((d->flags & WG_DEVICE_HAS_PRIVATE_KEY) && f->interface.private_key.kind == KEY_IN_FILE)
		return true;
	for (uint32_t i = 0; i < d->n_peers; i++)
		if (!mem_is_zero_ct(&d->peers[i].psk, sizeof d->peers[i].psk) && !psk_is_elsewhere(f, &d->peers[i].public_key))
			return true;
	return false;
}

/* The permissions of a file that already had keys are a choice, unless all users have access. */
static enum file_privacy privacy_of(const struct wg_device *now, const struct tunnel_file *f)
{
	if (has_secret(&f->device, f))
		return FILE_MODE_NOT_OTHERS;
	return has_secret(now, f) ? FILE_MODE_OWNER : FILE_MODE_KEPT;
}

static int edit_file(struct text *out, bool *changed, enum file_privacy *privacy, const struct tunnel_file *f,
		     const struct edit_state *now)
{
	*privacy = privacy_of(now->device, f);
	return edit_tunnel_file(out, changed, f, now) ? 0 : -ENOMEM;
}

/* Only the tunnel file is written, and nothing of what its drop-ins say. */
static int edit_without_drop_ins(struct text *out, bool *changed, enum file_privacy *privacy, const struct tunnel_file *f,
				 const struct edit_state *now)
{
	struct tunnel_file alone = { .path = span_dup(span_of(f->path)), .without_drop_ins = true };
	struct state_without_drop_ins state;
	struct diag silent = { 0 };
	int r = alone.path ? 0 : -ENOMEM;

	memcpy(alone.name, f->name, sizeof alone.name);
	if (r == 0)
		r = tunnel_file_load(&alone, &silent);
	if (r == 0)
		r = state_without_drop_ins(&state, now, &alone, f) ? 0 : -ENOMEM;
	if (r == 0) {
		r = edit_file(out, changed, privacy, &alone, &state.state);
		state_without_drop_ins_free(&state);
	}
	tunnel_file_free(&alone);
	return r;
}

int save_tunnel(const struct tunnel_file *f, const struct host_state *state, const struct journal *journal,
		struct host *host, struct command_trace *trace)
{
	struct addresses addresses = { 0 };
	struct wg_device device = { 0 };
	struct edit_state now = { .device = &device, .addresses = &addresses, .foreign = &journal->applied.foreign,
				  .mtu = state->link.mtu, .scopes = &ipc_scopes,
				  .ipv6 = state->ipv6 && state->link.mtu >= MTU_MIN_IPV6 };
	struct text text = text_heap();
	enum file_privacy privacy = FILE_MODE_KEPT;
	bool changed = false;
	int r;

	text_f(&trace->t, "[#] wg showconf %s\n", f->name);
	command_trace_flush(trace);
	r = ipc_get(&host->ipc, &device, f->name);
	if (r == 0)
		r = rtnetlink_addresses(&host->rtnetlink, state->link.index, &addresses);
	now.chosen_port = port_was_chosen(&device, journal);
	now.chosen_mark = mark_was_chosen(&device, journal, state);
	if (r == 0)
		r = f->origins ? edit_without_drop_ins(&text, &changed, &privacy, f, &now) : edit_file(&text, &changed, &privacy, f, &now);
	if (r == 0 && changed)
		r = file_update(f->path, text_of(&text), privacy);
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
	if (report_failure("read the journal", r) < 0 || enter_netns(host, netns_of_tunnel(f, journal)) < 0 || inspect_host(state, host, f->name) < 0)
		return 1;
	if (!state->link.index || !host_is_wireguard(&host->ipc, f->name)) {
		report_upstream("`%s' is not a WireGuard interface", f->name);
		return 1;
	}
	check_journal(journal, state);
	return save_tunnel(f, state, journal, host, trace) < 0;
}

int command_save(const struct command_options *o, struct host *host, struct command_trace *trace)
{
	struct tunnel_file f = { 0 };
	struct host_state state = { 0 };
	struct journal journal = JOURNAL_CLOSED;
	int status = save(&f, &state, &journal, o, host, trace);

	netns_leave(host);
	host_state_free(&state);
	tunnel_file_free(&f);
	journal_close(&journal);
	return status;
}
