/* `wg watch` for programs: a JSON document on one line for each sample. */
#ifndef WG_WATCH_JSON_H
#define WG_WATCH_JSON_H

#include "watch_table.h"

/* {"timeMs":…,"interfaces":{"wg0":{"peers":{KEY:{"name":…,"endpoint":…,"latestHandshake":…,"transferRx":…,"transferTx":…,
 * "rxRate":…,"txRate":…}}}}}: milliseconds and seconds of Unix time, bytes, bytes per second. name, endpoint and
 * latestHandshake may be missing. devices: those of the sample. False: out of memory. */
must_check bool watch_json(struct text *out, const struct watch_table *w, const struct wg_device devices[], size_t n,
			   uint64_t time_ms);

#endif
