/* One run of wg-quick: what was asked, what is known, and the doors to the system. */
#ifndef WG_QUICK_QUICK_H
#define WG_QUICK_QUICK_H

#include "quick/host/state.h"
#include "quick/plan/plan.h"
#include "quick/plan/print.h"
#include "quick/journal/journal.h"
#include "report/report.h"
#include "report/trace.h"

struct quick {
	const char *argument; /* INTERFACE or CONFIG_FILE */
	bool dry_run, no_hooks;
	bool errors_only; /* of the file, whose warnings are for those who bring it up */
	struct settings settings;
	struct tunnel_file file;
	struct host_state host;
	struct journal journal;
	struct plan plan;
	struct rtnetlink rtnetlink;
	struct ipc ipc;
	struct command_trace trace;
	uint32_t ifindex; /* of the interface once it is there */
	int failures;     /* of steps that did not stop us */
	int status;       /* of the first that failed, as the command of its line would have it; or 0 */
};

/* The commands; each returns the exit status. */
int command_up(struct quick *q);
int command_down(struct quick *q);
int command_save(struct quick *q);
int command_strip(struct quick *q);
int command_reload(struct quick *q);
int command_diff(struct quick *q);

/* Finds and reads q->file, reporting on stderr. */
must_check bool quick_read_file(struct quick *q);
/* Prints a plan as a dry run does. */
void quick_print_plan(struct quick *q, const struct plan *p);
/* Host names of q->file.device to addresses; names that fail are reported and left out. 0, or -errno
 * after saying why. */
must_check int quick_resolve(struct quick *q, bool patient);
/* MTU, firewall, table: what plan_rest() needs to know beyond the look at the host and endpoints that
 * are resolved. 0, or -errno after saying why. */
must_check int quick_look_further(struct quick *q);
/* Again what other default-route tunnels may have changed meanwhile; the same. */
must_check int quick_look_shared(struct quick *q);
/* What to exit with when stdout was what we are for: 1, after saying so, when it could not be written. */
int quick_said(int error);
/* What to exit with after a failure. */
int quick_status(const struct quick *q);
/* Says that a signal ended the wait for our turn; 1. */
int quick_stopped(void);
/* True when wg would list this name. */
bool quick_is_wireguard(struct quick *q, const char *name);
void quick_warn(void *ctx, const char *text);
/* Writes the tunnel's state into its file: 0 or -errno after saying why. */
must_check int quick_save(struct quick *q);
/* Takes back what an `up` that was killed had done, hooks' counterparts included, and forgets it. */
void quick_roll_back(struct quick *q);
/* Takes back what the record says, all but the interface, which is gone already, and forgets it. */
void quick_sweep_record(struct quick *q);
/* The interface is gone; its daemon, when it has one, goes too. */
void quick_wait_for_daemon(const char *name);

/* Performs the steps from `from` on. Tolerant: goes on after failures, counts them in q->failures,
 * and what is not there any more is no failure. Else the first failure ends it: -errno after saying
 * why; steps that were performed, or perhaps were, are marked done. */
must_check int apply_plan(struct quick *q, struct plan *p, size_t from, bool tolerant);
/* Runs the hooks of a phase one after the other, all of them; failures are counted. */
void apply_hooks(struct quick *q, const struct string_list *hooks, enum hook_phase phase);

#endif
