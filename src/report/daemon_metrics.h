/* The statistics of a daemon, read from the OpenMetrics text that its socket sends. A daemon may be hostile: the reader
 * accepts only text that cannot invalidate the output to which it is added. Private to src/report. */
#ifndef WG_REPORT_DAEMON_METRICS_H
#define WG_REPORT_DAEMON_METRICS_H

#include "base/text.h"

enum metric_kind { METRIC_KIND_COUNTER, METRIC_KIND_GAUGE, METRIC_KIND_INFO };

struct metric_sample {
	struct span labels; /* without the braces; the first one is the interface */
	struct span value;
};

struct metric_family {
	struct span name; /* without a suffix */
	enum metric_kind kind;
	struct span unit; /* the null span: none */
	struct span help;
	size_t first, n;  /* samples */
};

struct daemon_metrics {
	char *text; /* owned; spans are parts of it */
	struct metric_family *families;
	size_t n_families, cap_families;
	struct metric_sample *samples;
	size_t n_samples, cap_samples;
};
/* 0, -ENOMEM, or -EINVAL; *out is empty unless it is 0. */
must_check int daemon_metrics_read(struct daemon_metrics *out, const char *device, struct span text);
void daemon_metrics_free(struct daemon_metrics *m);

/* By name, in the order that daemon_metrics_read leaves them. */
int metric_family_compare(const struct metric_family *a, const struct metric_family *b);

#endif
