/* `restart`: down, if the tunnel is up, and then up. */
#include "command.h"
#include "inputs.h"
#include "keys.h"
#include "kill_switch.h"
#include "quick/host/hook_writers.h"
#include "quick/host/inspect.h"
#include "quick/journal/journal.h"
#include "report/report.h"
#include "unconfirmed.h"

/* A file that `up` would refuse is refused before the tunnel is taken down. */
static bool read_usable_file(struct tunnel_file *f, const struct command_options *o, const struct settings *set)
{
	return read_tunnel_file(f, o->argument, true) && (o->no_hooks || hooks_are_safe(f, set, false)) &&
	       read_keys(f, KEY_FILE_LATER, NULL) == 0;
}

/* The kill switch stays on, and would reject the look-ups of `up`: they are made through the tunnel, while it is there. A
 * peer whose name cannot be looked up keeps the endpoint that it has. False after reporting. */
static bool look_up_first(struct tunnel_file *f, struct host *host)
{
	struct host_state s = { 0 };
	bool ok = resolve_endpoints(f, &s, RESOLVE_ONCE) == 0;

	if (ok && host_inspect_device(&s, &host->ipc, f->name) == 0 && endpoints_take(&f->device, &s.device) > 0)
		report_warning("using the endpoints that the tunnel has now");
	host_state_free(&s);
	return ok;
}

/* Both the tunnel that is up and the file have one. */
static bool keeps_kill_switch(const struct tunnel_file *f)
{
	struct journal j;
	bool keeps = journal_open_unlocked(&j, f->name) == 0 && j.complete && kill_switch_is_journaled(&j) &&
		     f->interface.kill_switch != KILL_SWITCH_OFF;

	applied_free(&j.applied);
	return keeps;
}

/* The interface is in a network namespace. netns (may be null): that of --netns. */
static bool is_inside(const char *name, char netns[NETNS_NAME_MAX])
{
	struct journal j;
	bool inside = journal_open_unlocked(&j, name) == 0 && j.exists && j.applied.plan.netns[0];

	if (inside && netns && j.applied.plan.netns_is_option)
		memcpy(netns, j.applied.plan.netns, NETNS_NAME_MAX);
	applied_free(&j.applied);
	return inside;
}

static int link_exists(bool *exists, const char *argument, struct host *host, char netns[NETNS_NAME_MAX])
{
	char name[WG_NAME_MAX];
	struct host_state s = { 0 };
	int r = tunnel_file_name_of(name, argument) ? inspect_host(&s, host, name) : -1;

	*exists = r == 0 && (s.link.index != 0 || is_inside(name, netns));
	host_state_free(&s);
	return r;
}

/* Its roll-back would lead to a state before the restart. */
static bool is_unconfirmed(const char *argument)
{
	char name[WG_NAME_MAX];

	return tunnel_file_name_of(name, argument) && unconfirmed_refuse(name) < 0;
}

static int restart(struct tunnel_file *f, const struct command_options *o, struct host *host, struct command_trace *trace)
{
	struct command_options again = *o, first = *o;
	char netns[NETNS_NAME_MAX] = "";
	bool exists;
	int down = 0, up;

	if (!read_usable_file(f, o, &host->settings) || link_exists(&exists, o->argument, host, netns) < 0 ||
	    (exists && is_unconfirmed(o->argument)))
		return 1;
	first.keeps_kill_switch = exists && keeps_kill_switch(f);
	if (first.keeps_kill_switch) {
		if (!look_up_first(f, host))
			return 1;
		again.looked_up = &f->device;
	}
	if (exists)
		down = command_down(&first, host, trace);
	/* Failures of steps do not keep `down` from removing the interface. */
	if (down != 0 && (link_exists(&exists, o->argument, host, NULL) < 0 || exists))
		return down;
	if (!o->netns && netns[0])
		again.netns = netns;
	up = command_up(&again, host, trace);
	return up ? up : down;
}

int command_restart(const struct command_options *o, struct host *host, struct command_trace *trace)
{
	struct tunnel_file f = { 0 };
	int status = restart(&f, o, host, trace);

	tunnel_file_free(&f);
	return status;
}
