/* Comparing a tunnel with its file. */
#include "comparison.h"

#include <errno.h>
#include <stdlib.h>

#include "binding.h"
#include "inputs.h"
#include "keys.h"
#include "messages.h"
#include "quick/host/netns_place.h"
#include "quick/journal/journal.h"
#include "quick/journal/locks.h"
#include "quick/plan/default_route.h"
#include "quick/plan/diff.h"
#include "quick/plan/mtu.h"
#include "report/report.h"

const struct applied *comparison_applied(const struct journal *j)
{
	return j->exists ? &j->applied : NULL;
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int comparison_list_endpoints(struct comparison *c)
{
	int r = endpoint_texts(&c->endpoints, &c->file);

	if (c->endpoints.n > 0)
		qsort(c->endpoints.list, c->endpoints.n, sizeof *c->endpoints.list, compare_strings);
	return r;
}

int comparison_read(struct comparison *c, const char *argument, bool lock)
{
	int error;

	if (!read_tunnel_file(&c->file, argument, false))
		return -EINVAL;
	error = read_keys(&c->file, 0, NULL);
	if (error < 0)
		return error;
	error = lock ? journal_open(&c->journal, c->file.name, settings_lock_timeout_s(&c->host->settings))
		     : journal_open_unlocked(&c->journal, c->file.name);
	if (error == -EINTR)
		exit_status_stopped();
	else if (error != -ETIMEDOUT)
		report_failure("read the journal", error);
	if (lock)
		c->journal.is_ending = false; /* after a `down` that was killed, the tunnel is up again */
	return error < 0 ? error : report_failure("list the endpoints", comparison_list_endpoints(c));
}

static int read_device(struct host_state *s, struct host *host, const char *name)
{
	int error = s->link.index ? ipc_get(&host->ipc, &s->device, name) : -ENODEV;

	if (ipc_error_is_no_device(error))
		report_upstream("`%s' is not a WireGuard interface", name);
	else
		report_failure("read the configuration", error);
	return error;
}

/* True when the rules and the sysctl that default-route tunnels share may change. */
static bool may_change_shared(const struct tunnel_file *f, const struct host_state *s, const struct journal *j)
{
	bool may = default_routes_are_desired(f, s);

	for (size_t i = 0; i < j->applied.plan.n; i++)
		may |= j->applied.plan.steps[i].kind == STEP_RULE;
	return may && !j->unavailable;
}

/* The interface would have to be created again. */
static int enter(struct comparison *c)
{
	const char *netns = netns_of_tunnel(&c->file, &c->journal), *wanted = c->file.interface.netns;

	if (check_netns(&c->file) < 0)
		return -EINVAL;
	if (strcmp(netns, wanted) == 0)
		return enter_netns(c->host, netns);
	report_error("the tunnel is %s%s, but the file specifies %s%s", netns[0] ? "in network namespace " : "in no other network namespace",
		     netns, wanted[0] ? "network namespace " : "none", wanted);
	report_help("run `wg-quick restart %s' to move it", c->file.name);
	return -EXDEV;
}

int comparison_inspect(struct comparison *c, bool lock)
{
	int error = enter(c);

	if (error == 0)
		error = inspect_host(&c->state, c->host, c->file.name);
	if (error == 0)
		error = read_device(&c->state, c->host, c->file.name);
	if (error == 0)
		error = inspect_binding(&c->state, c->host, &c->file, c->journal.exists ? &c->journal.applied : NULL);
	if (error == 0 && !tunnel_file_keep_keys(&c->file, &c->state.device))
		error = report_failure("read the configuration", -ENOMEM);
	if (error == 0)
		check_journal(&c->journal, &c->state);
	c->state.ipv6_of_hooks = addresses_have_ipv6(&c->journal.applied.foreign);
	if (error == 0)
		error = resolve_endpoints(&c->file, &c->state, lock ? RESOLVE_PATIENTLY : RESOLVE_ONCE);
	if (error == 0)
		error = inspect_for_plan(&c->state, c->host, &c->file, &c->journal);
	if (error == 0 && lock && may_change_shared(&c->file, &c->state, &c->journal)) {
		error = lock_shared(&c->shared_lock, &c->journal);
		if (error == 0)
			error = inspect_shared(&c->state, c->host, &c->journal);
	}
	if (error < 0)
		return error;
	return inspect_for_diff(&c->state, c->host, &c->file, comparison_applied(&c->journal));
}

int comparison_plan(struct comparison *c, plan_warn *warn, void *ctx)
{
	struct diff_input in = { .desired = &c->file,
				 .actual = &c->state,
				 .applied = comparison_applied(&c->journal),
				 .endpoints = &c->endpoints,
				 .warn = warn,
				 .ctx = ctx };
	struct hook_changes changes = { 0 };
	struct wg_device last_request = { 0 };
	int error = 0;

	if (!in.applied) { /* perhaps wg(8) has set the endpoints */
		error = ipc_last_request(&c->host->ipc, &last_request, c->file.name, &c->file.device);
		in.last_request = &last_request;
	}
	if (in.applied && in.applied->changes.n > 0) {
		error = hook_changes_init(&changes, &in.applied->changes, &c->file);
		in.changes = &changes;
	}
	if (error == 0)
		error = plan_diff(&c->plan, &c->old_dns, &in);
	hook_changes_free(&changes);
	device_free(&last_request);
	return report_failure("plan the steps", error);
}

void comparison_free(struct comparison *c)
{
	netns_leave(c->host);
	shared_lock_release(c->shared_lock);
	plan_free(&c->old_dns);
	plan_free(&c->plan);
	string_list_free(&c->endpoints);
	host_state_free(&c->state);
	tunnel_file_free(&c->file);
	journal_close(&c->journal);
}
