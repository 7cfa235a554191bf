/* Undoes what a journal records: for `down`, and for an `up` that follows an interrupted one. */
#ifndef WG_QUICK_UNDO_H
#define WG_QUICK_UNDO_H

#include "apply.h"
#include "quick/plan/host_state.h"

/* Appends the inverses of the journal's steps, less the rules that do not exist. 0 or -ENOMEM. */
must_check int plan_undo_journal(struct plan *out, const struct journal *j, const struct host_state *s);

/* Removes what an interrupted `up` added, with its hooks. Then the journal is deleted, or contains only what could not be
 * undone, which is reported: false. keep_kill_switch: that stays on, and the journal has it. */
must_check bool undo_interrupted_up(struct apply *a, const struct host_state *s, bool keep_kill_switch);
/* The same for what is left of a tunnel whose interface another program deleted. */
bool undo_leftovers(struct apply *a, const struct host_state *s, bool keep_kill_switch);

/* Removes the name servers of tunnels that are no longer up from /etc/resolv.conf, as after a reboot. 1: those of
 * this tunnel were among them. 0, or -errno after reporting. */
must_check int undo_stale_dns(const char *name, struct host *host, struct command_trace *trace);

#endif
