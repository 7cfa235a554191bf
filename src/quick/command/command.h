/* The commands of wg-quick. */
#ifndef WG_QUICK_COMMAND_H
#define WG_QUICK_COMMAND_H

#include "quick/host/console.h"
#include "quick/host/host.h"
#include "report/trace.h"

struct command_options {
	const char *argument; /* INTERFACE or CONFIG_FILE; null: all tunnels */
	const char *output;   /* -o FILE; null: standard output */
	const char *netns;    /* --netns NAME of up and restart; null: that of the file */
	struct console console;
	bool dry_run, no_hooks, quiet, json;
	bool fix;             /* of doctor */
	unsigned int confirm_s; /* --confirm of up and reload; 0: the change needs no confirmation */
	bool expire;          /* of confirm */
	bool health;          /* of status */
	bool check;           /* of reload: only whether it cuts the session */
	bool keeps_kill_switch; /* `down` of restart: it stays on, for the `up` that follows */
	const struct wg_device *looked_up; /* `up` of restart: endpoints that were looked up while the tunnel was up; null: none */
};

/* Each returns the exit status. */
int command_up(const struct command_options *o, struct host *host, struct command_trace *trace);
int command_down(const struct command_options *o, struct host *host, struct command_trace *trace);
int command_restart(const struct command_options *o, struct host *host, struct command_trace *trace);
int command_save(const struct command_options *o, struct host *host, struct command_trace *trace);
int command_strip(const struct command_options *o, struct host *host, struct command_trace *trace);
int command_reload(const struct command_options *o, struct host *host, struct command_trace *trace);
int command_qr(const struct command_options *o, struct host *host, struct command_trace *trace);
int command_status(const struct command_options *o, struct host *host, struct command_trace *trace);
int command_doctor(const struct command_options *o, struct host *host, struct command_trace *trace);
int command_confirm(const struct command_options *o, struct host *host, struct command_trace *trace);
int command_monitor(const struct command_options *o, struct host *host, struct command_trace *trace);
int command_diff(const struct command_options *o, struct host *host, struct command_trace *trace);

/* A reload to the state that was recorded before the change. */
struct pending;
int command_roll_back(const struct pending *p, const char *name, struct host *host, struct command_trace *trace);

#endif
