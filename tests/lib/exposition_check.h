/* A strict parser of the text format 0.0.4 of Prometheus and of OpenMetrics 1.0, independent of the emitter. */
#ifndef WG_TESTS_EXPOSITION_CHECK_H
#define WG_TESTS_EXPOSITION_CHECK_H

#include "base/span.h"

/* True if every line is valid, no family and no sample is repeated, all samples follow the metadata of their family, and
 * there are no control characters. */
bool exposition_is_valid(struct span text, bool openmetrics);

#endif
