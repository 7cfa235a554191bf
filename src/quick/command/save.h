/* Saves the state of a tunnel in its file; also done by `down` with "SaveConfig = true". */
#ifndef WG_QUICK_SAVE_H
#define WG_QUICK_SAVE_H

#include "command.h"
#include "quick/journal/journal_data.h"
#include "quick/plan/host_state.h"

/* 0, or -errno after reporting. */
must_check int save_tunnel(const struct tunnel_file *f, const struct host_state *state, const struct journal *journal,
			   struct host *host, struct command_trace *trace);

#endif
