/* The page of `status`. */
#ifndef WG_QUICK_STATUS_PAGE_H
#define WG_QUICK_STATUS_PAGE_H

#include "observation.h"
#include "quick/diagnosis/findings.h"
#include "quick/host/console.h"

struct status_rates {
	struct wg_device later; /* a second sample; empty without one */
	uint64_t ms;            /* between the two */
};

/* Appends the page. False: out of memory. */
must_check bool status_page(struct text *out, const struct observation *o, const struct status_rates *rates,
			    struct findings *findings, const struct settings *set, const struct console *console);

#endif
