/* The input of plan_diff(). */
#ifndef WG_QUICK_DIFF_INPUT_H
#define WG_QUICK_DIFF_INPUT_H

#include "applied.h"
#include "hook_changes.h"
#include "host_state.h"
#include "up.h"

struct diff_input {
	const struct tunnel_file *desired;   /* with its endpoints resolved */
	const struct host_state *actual;
	const struct applied *applied;       /* null: the tunnel has no journal */
	const struct wg_device *last_request; /* without a journal: the endpoints that were last configured; null: none is known */
	const struct string_list *endpoints; /* endpoint_texts() of the file, sorted by strcmp(3) */
	const struct hook_changes *changes;  /* what to leave alone; null: nothing */
	plan_warn *warn;                     /* may be null */
	void *ctx;
};

#endif
