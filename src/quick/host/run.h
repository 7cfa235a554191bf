/* Runs a command in a network namespace whose only way out is a tunnel, as any user. */
#ifndef WG_QUICK_RUN_H
#define WG_QUICK_RUN_H

#include "quick/config/interface_keys.h"
#include "quick/config/settings.h"
#include "quick/plan/step.h"
#include "run_files.h"

/* Exit statuses of a command that was not run, as env(1) and timeout(1) have them. */
enum { RUN_FAILED = 125, RUN_NOT_EXECUTABLE = 126, RUN_NOT_FOUND = 127 };

struct run_request {
	struct plan *plan;              /* its steps that are netlink messages are performed inside */
	const struct wg_device *device; /* a patch, with resolved endpoints */
	const struct wg_binding *binding; /* of the outer sockets */
	const struct string_list *hooks; /* of each phase, run inside and without privileges; null: none */
	const char *config;             /* path of the tunnel file, for hooks */
	struct run_files files;
	const struct settings *settings;
	char *const *argv;              /* of the command, ends with null */
};

/* Returns the status of the command as wait(2) has it; -1 after reporting: it was not started. */
must_check int run_request_perform(const struct run_request *r);

/* The exit status for that status. If a signal ended the command, the same signal ends this process, so that its parent can
 * tell. */
int run_end_as(int status);

#endif
