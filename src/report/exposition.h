/* Metrics of WireGuard devices in the text formats of Prometheus and of OpenMetrics 1.0, under the names that exporters of
 * WireGuard use, together with the statistics of wireguardd(8). All samples of a metric follow each other in these formats,
 * so everything is collected before it is printed. The output is valid whatever names and daemons contain. */
#ifndef WG_REPORT_EXPOSITION_H
#define WG_REPORT_EXPOSITION_H

#include "names.h"

enum exposition_format {
	EXPOSITION_PROMETHEUS, /* version 0.0.4, which the textfile collector of node_exporter reads */
	EXPOSITION_OPENMETRICS,
};

/* Zeroed: empty. */
struct exposition {
	struct text labels; /* of all peers, one after the other */
	struct exposition_peer {
		size_t from, n; /* bytes of labels */
		uint64_t sent_bytes, received_bytes, handshake_s;
	} *peers;
	size_t n, cap;
	struct daemon_metrics *daemons;
	size_t n_daemons, cap_daemons;
};
void exposition_free(struct exposition *x);

/* Adds the peers of a device, once for each device. names: null: none. 0 or -ENOMEM. */
must_check int exposition_add_device(struct exposition *x, const struct wg_device *d, const struct peer_names *names);
/* Adds what the statistics socket of the device's daemon sent. 0, -ENOMEM, or -EINVAL: it is not valid. */
must_check int exposition_add_daemon(struct exposition *x, const char *device, struct span text);

void exposition_print(const struct exposition *x, struct text *out, enum exposition_format format);

#endif
