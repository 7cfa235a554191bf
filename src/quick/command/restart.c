/* `restart`: down, if the tunnel is up, and then up. */
#include "command.h"
#include "inputs.h"
#include "keys.h"
#include "quick/host/hook_writers.h"
#include "quick/journal/journal.h"
#include "unconfirmed.h"

/* A file that `up` would refuse is refused before the tunnel is taken down. */
static bool file_is_usable(const struct command_options *o, const struct settings *set)
{
	struct tunnel_file f = { 0 };
	bool usable = read_tunnel_file(&f, o->argument, true) && (o->no_hooks || hooks_are_safe(&f, set, false)) &&
		      read_keys(&f, KEY_FILE_LATER, NULL) == 0;

	tunnel_file_free(&f);
	return usable;
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

int command_restart(const struct command_options *o, struct host *host, struct command_trace *trace)
{
	struct command_options again = *o;
	char netns[NETNS_NAME_MAX] = "";
	bool exists;
	int down = 0, up;

	if (!file_is_usable(o, &host->settings) || link_exists(&exists, o->argument, host, netns) < 0 ||
	    (exists && is_unconfirmed(o->argument)))
		return 1;
	if (exists)
		down = command_down(o, host, trace);
	/* Failures of steps do not keep `down` from removing the interface. */
	if (down != 0 && (link_exists(&exists, o->argument, host, NULL) < 0 || exists))
		return down;
	if (!o->netns && netns[0])
		again.netns = netns;
	up = command_up(&again, host, trace);
	return up ? up : down;
}
