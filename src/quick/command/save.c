/* `save`: writes the state of the tunnel into its file. */
#include <errno.h>

#include "quick/config/edit.h"
#include "quick/host/fileio.h"
#include "quick.h"

int quick_save(struct quick *q)
{
	struct addresses addresses = { 0 };
	struct wg_device device = { 0 };
	struct edit_state now = { .device = &device, .addresses = &addresses, .foreign = &q->journal.foreign,
				  .mtu = q->host.link.mtu, .chosen_port = q->journal.exists ? q->journal.port : 0,
				  .ipv6 = q->host.ipv6, .scopes = &ipc_scopes };
	struct text text = text_heap();
	bool changed = false;
	int r;

	text_f(&q->trace.t, "[#] wg showconf %s\n", q->file.name);
	command_trace_flush(&q->trace);
	r = ipc_get(&q->ipc, &device, q->file.name);
	if (r == 0)
		r = rtnetlink_addresses(&q->rtnetlink, q->ifindex, &addresses);
	if (r == 0 && !edit_tunnel_file(&text, &changed, &q->file, &now))
		r = -ENOMEM;
	if (r == 0 && changed)
		r = fileio_update(q->file.path, text_of(&text));
	if (r < 0)
		report_error("cannot save %s: %s", q->file.path, strerror(-r));
	text_heap_free(&text);
	addresses_free(&addresses);
	device_free(&device);
	return r;
}

int command_save(struct quick *q)
{
	int r;

	q->errors_only = true;
	if (!quick_read_file(q))
		return 1;
	r = journal_open(&q->journal, q->file.name);
	if (r == 0)
		r = host_inspect(&q->host, &q->rtnetlink, q->file.name, &q->settings);
	if (r < 0) {
		report_error("%s", strerror(-r));
		return 1;
	}
	q->ifindex = q->host.link.index;
	if (!q->ifindex || !quick_is_wireguard(q, q->file.name)) {
		report_upstream("`%s' is not a WireGuard interface", q->file.name);
		return 1;
	}
	return quick_save(q) < 0;
}
