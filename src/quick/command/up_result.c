/* What the journal records about the tunnel at the end of `up`. */
#include "up_result.h"

#include <errno.h>
#include <stdlib.h>

#include "inputs.h"
#include "messages.h"
#include "quick/plan/find_hook_changes.h"
#include "report/report.h"

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void note_foreign_addresses(struct applied *a, const struct tunnel_file *f, const struct addresses *now)
{
	for (size_t i = 0; i < now->n; i++)
		if (!addresses_have(&f->interface.addresses, &now->list[i]) &&
		    !addresses_add(&a->foreign, &now->list[i]))
			break;
}

static void note_port_and_mark(struct applied *a, const struct wg_device *d)
{
	a->port = d->listen_port;
	a->mark = d->fwmark;
}

static void note_small_device(struct journal *j, struct host *host, const struct tunnel_file *f, uint32_t ifindex)
{
	enum { PEERS_MAX = 1000 }; /* reading more only for the port and the mark would take too long */
	struct addresses now = { 0 };
	struct wg_device d = { 0 };
	int r = rtnetlink_addresses(&host->rtnetlink, ifindex, &now);

	if (r == 0)
		note_foreign_addresses(&j->applied, f, &now);
	if (r == 0 && f->device.n_peers <= PEERS_MAX) {
		r = ipc_get(&host->ipc, &d, f->name);
		if (r == 0)
			note_port_and_mark(&j->applied, &d);
	}
	if (r < 0)
		report_warning("cannot read the state of the tunnel: %s: save may store a port that the kernel chose", strerror(-r));
	device_free(&d);
	addresses_free(&now);
}

/* ---- after hooks ---- */

/* -ENODEV: a hook deleted, renamed or moved the interface. */
static int inspect(struct host_state *s, struct host *host, const struct tunnel_file *f, const struct journal *j,
		   uint32_t ifindex)
{
	int r = inspect_host(s, host, f->name);

	if (r == 0 && s->link.index != ifindex)
		r = -ENODEV;
	if (r == 0)
		r = ipc_get(&host->ipc, &s->device, f->name);
	if (r == 0)
		r = inspect_for_plan(s, host, f, j);
	return r < 0 ? r : inspect_for_diff(s, host, f, &j->applied);
}

static void warn_of_firewall(const struct string_list *changes, const struct tunnel_file *f)
{
	struct hook_changes c;
	bool lost = hook_changes_init(&c, changes, f) == 0 && (hook_changed_family(&c, SETTING_FIREWALL, IP_V4) ||
								hook_changed_family(&c, SETTING_FIREWALL, IP_V6));

	if (lost)
		report_warning("a hook removed the firewall rules of the tunnel: hosts on the local network can send "
			       "packets to its addresses");
	hook_changes_free(&c);
}

static void note_hook_changes(struct journal *j, struct host *host, const struct tunnel_file *f, uint32_t ifindex)
{
	struct string_list *endpoints = &j->applied.endpoints;
	struct host_state now = { 0 };
	struct diff_input in = { .desired = f, .actual = &now, .applied = &j->applied, .endpoints = endpoints };
	int r = inspect(&now, host, f, j, ifindex);

	if (endpoints->n > 0)
		qsort(endpoints->list, endpoints->n, sizeof *endpoints->list, compare_strings);
	if (r == 0) {
		note_foreign_addresses(&j->applied, f, &now.addresses);
		note_port_and_mark(&j->applied, &now.device);
		r = report_failure("record what hooks changed", find_hook_changes(&j->applied.changes, &in));
	}
	if (r == 0)
		warn_of_firewall(&j->applied.changes, f);
	host_state_free(&now);
}

void journal_up_result(struct journal *j, struct host *host, const struct tunnel_file *f, uint32_t ifindex,
		       bool hooks_ran)
{
	if (!j->unavailable && hooks_ran)
		note_hook_changes(j, host, f, ifindex);
	else if (!j->unavailable)
		note_small_device(j, host, f, ifindex);
	if (journal_note_complete(j) && !j->unavailable && journal_write(j) < 0)
		report_warning("save and reload will not recognise the changes made by hooks");
}
