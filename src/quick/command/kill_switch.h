/* The kill switch in the commands: inspecting the host for it, and turning it off, which is the last step of an undo. */
#ifndef WG_QUICK_COMMAND_KILL_SWITCH_H
#define WG_QUICK_COMMAND_KILL_SWITCH_H

#include "apply.h"
#include "quick/plan/kill_switch.h"

/* The kill switches of other tunnels, the tool and, where the journal has a kill switch, its rules. 0, or -errno after
 * reporting. */
must_check int inspect_kill_switch(struct host_state *s, struct host *host, const struct tunnel_file *f,
				   const struct journal *j);

/* The journal has a kill switch. */
bool kill_switch_is_journaled(const struct journal *j);

/* Moves the steps that turn it off out of `undo` into `off`, which is empty: they come after the last hook. */
must_check int kill_switch_defer(struct plan *off, struct plan *undo);
/* To be held from before kill_switch_finish() until the journal is written or deleted: another tunnel that reads the journals in
 * between would set its rules with this tunnel's, which then nobody removes. Released by shared_lock_release(). */
must_check int kill_switch_lock(const struct plan *off, const struct journal *j);
/* Performs them, unless `keep`: something is left that was not undone. False: the kill switch is still on, and the journal in memory has it. */
must_check bool kill_switch_finish(struct apply *a, struct plan *off, bool keep);

/* That of a tunnel whose journal is lost. */
void kill_switch_remove_unjournaled(struct apply *a);

#endif
