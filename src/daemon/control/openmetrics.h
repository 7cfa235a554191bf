/* Writes the OpenMetrics text format, version 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/). Pure. */
#ifndef DAEMON_OPENMETRICS_H
#define DAEMON_OPENMETRICS_H

#include "base/text.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_INFO };

struct metric_label {
	const char *name;  /* null: this label is left out */
	const char *value; /* any bytes: escaped; those that are not printable ASCII become '?' */
};

enum { METRIC_LABELS_MAX = 3 }; /* of a sample, in addition to the interface */

struct metrics { /* a text that is being written */
	struct text *out;
	const char *interface; /* every sample has it as label */
	const char *family;    /* the metrics that follow belong to it */
	enum metric_type type;
};

/* Begins a family of metrics, once for each: the name without prefix and without suffix (_total). If it has a unit,
 * which may be null, its name ends with it. */
void metrics_family(struct metrics *m, enum metric_type type, const char *name, const char *unit, const char *help);
/* One sample of the family. labels: METRIC_LABELS_MAX, or null. */
void metrics_value(struct metrics *m, const struct metric_label *labels, uint64_t value);
/* Likewise, of a family whose unit is seconds. */
void metrics_seconds(struct metrics *m, const struct metric_label *labels, uint64_t value_ns);
void metrics_end(struct metrics *m);

#endif
