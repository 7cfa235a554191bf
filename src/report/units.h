/* Durations and amounts of data in upstream's wording, which scripts read, with coloured units. */
#ifndef WG_REPORT_UNITS_H
#define WG_REPORT_UNITS_H

#include "terminal.h"

void units_duration(const struct terminal *t, uint64_t seconds); /* "1 year, 35 days, 1 second" */
void units_ago(const struct terminal *t, uint64_t then_s, uint64_t now_s); /* "5 seconds ago", "Now" */
void units_bytes(const struct terminal *t, uint64_t bytes); /* "92 B", "1.50 KiB" */
/* "2026-11-30 01:20:05 UTC", in the time zone of the process. */
void units_date(struct text *t, uint64_t unix_s);

#endif
