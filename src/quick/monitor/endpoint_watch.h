/* Tracks the endpoint of a peer with host names or several endpoints: when to look up its names again, when to try the next
 * endpoint of its list, and when to try an earlier one again. A decision needs the state of the peer and the addresses of its
 * endpoints. Times are milliseconds of one clock that includes time in suspend. */
#ifndef WG_QUICK_ENDPOINT_WATCH_H
#define WG_QUICK_ENDPOINT_WATCH_H

#include "model/conf.h"

#define ENDPOINT_STALE_MS 135000ull       /* without a handshake: a peer that rekeys has one every two minutes */
#define ENDPOINT_UNANSWERED_MS 15000ull   /* of initiations: three, as one follows the other after 5 s */
#define ENDPOINT_SILENT_MS 30000ull       /* the same where the first 15 s are packets of a session, after which initiations follow */
#define ENDPOINT_REKEY_MS 120000ull       /* from this age of a session on, packets come with initiations */
#define ENDPOINT_BETTER_MS 60000ull       /* age of the session, and time between attempts, before a better endpoint is tried */
#define ENDPOINT_LOOK_UP_FIRST_MS 5000ull /* between look-ups; doubled each time */
#define ENDPOINT_LOOK_UP_MAX_MS 60000ull
#define ENDPOINT_LIST_OLD_MS 300000ull      /* before a better endpoint is tried, names of this age are looked up again */
#define ENDPOINT_SETTLE_MS 500ull         /* after a change of the network: addresses and routes come one after the other */
#define ENDPOINT_NETWORK_MS 3000ull       /* between look-ups because of such changes */
#define ENDPOINT_SUSPECT_FIRST_MS 1000ull  /* after such a change, a peer that does not answer is looked up again; doubled each time */
#define ENDPOINT_SUSPECT_MS 60000ull       /* for so long: a captive portal's name servers may have said where it is */
#define ENDPOINT_POLL_MS 10000ull         /* of a peer with a list */
#define ENDPOINT_SLEPT_MS 30000ull         /* without a look at a peer with a list: the host was suspended */
#define ENDPOINT_POLL_SILENT_MS 5000ull    /* while it does not answer */

enum { ENDPOINT_ADDRESSES_MAX = 8 }; /* of one name */

struct endpoint_address {
	struct ip_endpoint endpoint;
	bool has_route;
};

/* One endpoint of the list. */
struct endpoint_choice {
	struct endpoint_address addresses[ENDPOINT_ADDRESSES_MAX];
	uint8_t n;
	uint8_t used; /* the one that was chosen last */
	bool tried;   /* since the peer answered last */
	bool fresh;   /* since the look-up that is under way */
};

/* The state of the peer that the interface reports. */
struct endpoint_seen {
	struct ip_endpoint endpoint; /* IP_NONE: none */
	bool has_route;
	uint64_t handshake_ms;       /* of the clock; 0: never */
	uint64_t rx_bytes, tx_bytes;
	uint16_t keepalive_s;
};

struct endpoint_watch {
	uint8_t n;            /* of the list */
	bool has_names;
	uint8_t current;      /* that is in use, or was last */
	struct endpoint_choice choices[ENDPOINTS_MAX];
	uint64_t opened_ms;
	/* what was seen */
	struct endpoint_seen seen;
	uint64_t seen_ms;     /* 0: nothing yet */
	uint64_t alive_ms;    /* when the peer was first seen to have answered last */
	uint64_t tx_before;   /* tx_bytes then */
	uint64_t unanswered_ms;    /* since when packets have been unanswered; 0: none is */
	uint64_t poll_at_ms;
	uint64_t not_before_ms; /* the interface could not be seen */
	struct ip_endpoint named;  /* the last one that a name stood for, as far as is known: at first that of the interface */
	uint64_t network_ms;       /* the network changed, and the peer has not answered since then; 0: otherwise */
	bool network_unseen;       /* what it received before that is not known */
	uint64_t suspect_at_ms, suspect_wait_ms; /* look whether it answers; NEVER */
	/* what is under way */
	bool polling, looking_up, probing, changing;
	/* what follows from it */
	bool resolved, answered;
	bool look_up_anyway;  /* even if the peer is alive */
	uint64_t look_up_at_ms, look_up_wait_ms, looked_up_ms;
	uint64_t better_at_ms;
	uint8_t better;       /* the choice that is being tried */
};

/* n endpoints, 1 to ENDPOINTS_MAX. */
void endpoint_watch_init(struct endpoint_watch *w, size_t n, bool has_names, uint64_t now_ms);

enum endpoint_action {
	ENDPOINT_NOTHING,
	ENDPOINT_POLL,     /* look at the interface, and call endpoint_watch_see() */
	ENDPOINT_LOOK_UP,  /* the whole list, and call endpoint_watch_resolved() */
	ENDPOINT_SET,      /* *to, and call endpoint_watch_changed() */
	ENDPOINT_PROBE,    /* try a handshake with *to by other means than the interface, and call endpoint_watch_probed() */
	ENDPOINT_REPLACE,  /* *to has answered: set it so that the next packet begins a handshake; then as after SET */
};
/* When endpoint_watch_next() may have something to do; NEVER. */
uint64_t endpoint_watch_deadline(const struct endpoint_watch *w);
/* The next action, which counts as begun. Call it until it returns ENDPOINT_NOTHING. */
enum endpoint_action endpoint_watch_next(struct endpoint_watch *w, struct ip_endpoint *to, uint64_t now_ms);

void endpoint_watch_see(struct endpoint_watch *w, const struct endpoint_seen *seen, uint64_t now_ms);
void endpoint_watch_unseen(struct endpoint_watch *w, uint64_t now_ms); /* it could not be seen */
/* An address of this choice, in the order of preference; then that all were added. A choice without any keeps those that it had. */
void endpoint_watch_add(struct endpoint_watch *w, size_t choice, const struct endpoint_address *a);
void endpoint_watch_resolved(struct endpoint_watch *w, uint64_t now_ms);
void endpoint_watch_probed(struct endpoint_watch *w, bool answered, uint64_t now_ms);
void endpoint_watch_changed(struct endpoint_watch *w, uint64_t now_ms);
/* The host may be in another network. */
void endpoint_watch_network(struct endpoint_watch *w, uint64_t now_ms);

#endif
