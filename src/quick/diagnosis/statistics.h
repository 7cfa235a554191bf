/* The statistics of wireguardd, in the format of OpenMetrics. The text may be anything. Pure. */
#ifndef WG_QUICK_STATISTICS_H
#define WG_QUICK_STATISTICS_H

#include "base/text.h"

/* The value of a label of the first sample of this name. False: it was not found, or does not fit. */
must_check bool statistics_label(char *out, size_t cap, struct span statistics, const char *name, const char *label);
/* The sum of the samples with this name and both labels; a null label is any. False: none was found. */
must_check bool statistics_sum(uint64_t *out, struct span statistics, const char *name, const char *labels[2]);

#endif
