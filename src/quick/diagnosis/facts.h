/* The facts about a tunnel that `status` and `doctor` evaluate. The commands fill them in; unknown facts stay zero. All
 * pointers are borrowed. */
#ifndef WG_QUICK_FACTS_H
#define WG_QUICK_FACTS_H

#include "quick/plan/applied.h"
#include "quick/plan/host_state.h"

enum file_seen {
	FILE_READ,
	FILE_MISSING,
	FILE_UNREADABLE, /* this user is not permitted to read it */
	FILE_INVALID,
};

enum dns_seen {
	DNS_NOT_SET,    /* by the tunnel */
	DNS_IN_FORCE,
	DNS_REPLACED,   /* another program has changed it */
	DNS_FAILED,     /* they could not be set */
	DNS_NOT_KNOWN,
};

enum binding_seen {
	BINDING_IN_FORCE,
	BINDING_DIFFERS,   /* the sockets are not bound to that */
	BINDING_NOT_KNOWN, /* the daemon does not tell */
};

struct facts {
	const char *name;
	uint64_t now_s;   /* Unix time */
	uint64_t boot_s;  /* seconds since the host was booted */
	uint64_t since_s; /* Unix time of the end of `up`; 0: not known */

	/* The file. */
	enum file_seen file_seen;
	const char *path;               /* null: none */
	const struct tunnel_file *file; /* null: it was not read */
	unsigned int file_errors;
	uint64_t file_changed_s; /* Unix time; 0: not known */

	/* The interface and what belongs to it. */
	const struct host_state *state;
	int device_error;             /* -errno: why state->device is empty; 0: it is not */
	bool is_daemon;               /* a userspace process serves it, with these statistics, which may be empty */
	struct span statistics;
	const struct applied *applied; /* null: no journal */
	bool interrupted;             /* the journal is that of an `up` that did not complete */
	bool leftover;                /* the interface is gone, its journal is not */
	const struct plan *difference, *old_dns; /* between it and the file; null: not compared */
	enum dns_seen dns;
	const struct wg_binding *binding; /* of the file or, without one, of the journal; null: none */
	enum binding_seen binding_seen;
	bool unconfirmed, is_reload;   /* a change awaits confirmation: one of `reload`, or of `up` */
	uint64_t confirm_left_s;      /* the time until it is rolled back */
};

/* "on" or "lan" if the journal has a kill switch, else null; and whether its rules are there. */
const char *facts_kill_switch(const struct facts *f);
bool facts_kill_switch_is_complete(const struct facts *f, bool *known);

/* The link is up, but its daemon has no UDP socket, mostly because another program uses the port. */
bool facts_port_is_closed(const struct facts *f);

/* The name of the peer in the file, or null. */
const char *facts_peer_name(const struct facts *f, const struct wg_public *key);
/* That name, or the beginning of the key. */
enum { PEER_LABEL_MAX = 72 };
void facts_peer_label(char label[PEER_LABEL_MAX], const struct facts *f, const struct wg_peer *peer);

#endif
