/* Applies plans: performs their steps, notes progress in the journal, counts failures. */
#ifndef WG_QUICK_APPLY_H
#define WG_QUICK_APPLY_H

#include <limits.h>

#include "command.h"
#include "quick/host/perform.h"
#include "quick/journal/journal.h"

struct apply {
	struct performer performer;
	struct journal *journal;
	bool no_hooks;
	bool without_ipv6; /* the kernel refused IPv6, which was reported */
	int failures; /* steps that failed */
	int status;   /* exit status of the first of them, as the command it stands for would return it; 0: none */
	char journal_path[PATH_MAX];
	struct string_list not_started[HOOK_PHASES]; /* hooks, for journal_keep_hooks() */
};
/* The journal was opened; config: the tunnel file's path, or null. */
void apply_init(struct apply *a, const struct command_options *o, struct host *host, struct command_trace *trace,
		struct journal *journal, const char *config);

/* Performs the steps from the index `from` on. The first failure ends it: -errno, after reporting. Tolerant: continues
 * after failures and returns 0, and the removal of something that does not exist is no failure. Steps that were performed,
 * or possibly were, are marked done, except hooks and the deletion of the interface, which have no inverse. */
must_check int apply_plan(struct apply *a, struct plan *p, size_t from, bool tolerant);
/* The same for all steps, tolerant. */
void apply_undo(struct apply *a, struct plan *p);
/* Runs the hooks one after the other, all of them. f: the file that has them, for messages; null:
 * not known. */
void apply_hooks(struct apply *a, const struct string_list *hooks, const struct tunnel_file *f, enum hook_phase phase);

/* The exit status: 0 without failures. After an error, which may be of another kind, it is never 0. */
int apply_status(const struct apply *a);
int apply_error_status(const struct apply *a);

#endif
