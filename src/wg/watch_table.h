/* What `wg watch` shows: the peers of one or more devices with their rates and a history of rates, sorted and filtered. */
#ifndef WG_WATCH_TABLE_H
#define WG_WATCH_TABLE_H

#include "base/text.h"
#include "model/model.h"

enum { WATCH_HISTORY = 60 }; /* samples */
#define WATCH_RATE_MAX 1e18  /* a uint64_t holds it */

enum watch_sort { WATCH_BY_DEVICE, WATCH_BY_NAME, WATCH_BY_HANDSHAKE, WATCH_BY_RX, WATCH_BY_TX, WATCH_BY_TOTAL, WATCH_SORTS };
extern const char *const watch_sort_names[WATCH_SORTS];

struct watch_peer {
	/* Of the latest sample; borrowed from the devices given to it. */
	const struct wg_device *device;
	const struct wg_peer *peer;
	const char *name;              /* null: none */
	double rx_rate, tx_rate;       /* bytes per second since the sample before, at most WATCH_RATE_MAX; 0 in a peer's first sample */
	/* Of rx_rate + tx_rate, the newest at sample % WATCH_HISTORY; zeros from before the peer existed. */
	float history[WATCH_HISTORY];
	/* Identity, which outlives the borrowed objects. */
	char interface[WG_NAME_MAX];
	struct wg_public key;
	uint64_t rx_bytes, tx_bytes;
	uint32_t sample; /* the number of the latest one that has it */
};

/* A zeroed struct is empty. */
struct watch_table {
	struct watch_peer *list; /* owned; the peers of the latest sample, in the devices' order */
	size_t n, cap;
	struct watch_peer **shown; /* owned; sorted, and only those that the filter accepts */
	size_t n_shown, cap_shown;
	uint32_t *slots; /* hash of interface and key to index in list + 1; 0: empty */
	size_t n_slots;
	uint32_t sample; /* its number, from 1 */
	double at_s;     /* its time */
};
void watch_table_free(struct watch_table *w);

/* A name for a peer, or null; ctx is the caller's. */
typedef const char *watch_name(void *ctx, const struct wg_device *d, const struct wg_peer *p);

/* Takes a sample at this time (seconds, monotonic) of n devices, which must exist until the next one. Costs
 * O(peers). False: out of memory. */
must_check bool watch_sample(struct watch_table *w, const struct wg_device devices[], size_t n, double at_s,
			     watch_name *name, void *ctx);

/* Chooses and sorts what is shown; filter: a part of a name, key, interface, endpoint or allowed IP, in any case of ASCII
 * letters; "": all. The order of equals is the devices'. False: out of memory. */
must_check bool watch_arrange(struct watch_table *w, enum watch_sort sort, const char *filter);

/* The rates of the latest samples, the newest last, as characters of eight heights, relative to the largest of them: "▁▂▃▄▅▆▇█",
 * or " .:-=+*#" unless utf8. A blank is no traffic. */
void watch_sparkline(struct text *t, const struct watch_table *w, const struct watch_peer *p, size_t samples, bool utf8);

/* At most five characters: "0", "999", "1.2K", "57M". */
void watch_amount(struct text *t, double v);
/* At most five characters: "now", "59s", "2m", "3h", "400d"; "never" for 0. */
void watch_age(struct text *t, uint64_t then_s, uint64_t now_s);

#endif
