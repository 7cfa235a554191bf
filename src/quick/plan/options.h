/* Options of plans. */
#ifndef WG_QUICK_PLAN_OPTIONS_H
#define WG_QUICK_PLAN_OPTIONS_H

#include "base/base.h"

/* Receives a warning about a part of the tunnel that is left out. */
typedef void plan_warn(void *ctx, const char *text);

struct plan_options {
	bool hooks;      /* false: no hooks are planned */
	plan_warn *warn; /* may be null */
	void *ctx;
};

#endif
