/* The table of findings, and the data of their functions. Private to src/check. */
#ifndef WG_CHECK_FINDING_H
#define WG_CHECK_FINDING_H

#include "check.h"
#include "prefixes.h"
#include "base/prefix_set.h"
#include "model/binding.h"

/* A position: 0 lines if what it is about is not in the file. */
struct check_at {
	uint32_t line, column, width;
};

struct check_peer {
	struct check_at section, key, psk_at, endpoint_at, keepalive_at;
	struct wg_public public_key;
	struct wg_hash psk_hash; /* of the preshared key */
	struct ip_endpoint endpoint; /* IP_NONE: a host name, or none */
	struct span endpoint_text;   /* as written; of a list, the first one */
	struct check_at list_at;     /* the others of a list */
	struct span list;            /* as written, from the comma after the first one; empty: a single endpoint */
	uint16_t port, keepalive_s;
	char *name;                  /* from a comment, if the file has no errors; owned; null: none */
	bool has_key, has_psk, disabled, has_routes; /* has_routes: the key Routes */
	uint32_t end; /* the line where the next section begins; 0: the last one */
	size_t first_ip, n_ips;      /* of the file's allowed IPs */
	bool is_sound;               /* no line of its section has an error */
};

struct check_address {
	struct ip_addr addr;
	uint8_t bits;
	struct check_at at;
};

struct check_server {
	struct ip_addr addr;
	struct check_at at;
};

enum check_hook_phase { CHECK_PRE_UP, CHECK_POST_UP, CHECK_PRE_DOWN, CHECK_POST_DOWN };

struct check_hook {
	enum check_hook_phase phase;
	struct span text;
	struct check_at at;
};

/* A file as its functions see it. */
struct check_file {
	struct check_input in;
	uint32_t number; /* among the files */
	const char **lines; /* where each line begins, and after the last one the end of the text; owned */
	size_t n_lines, cap_lines;
	struct check_at interface, private_at, listen_at, mtu_at, table_at, save_at, metric_at, kill_switch_at, netns_at, bind_at, source_at;
	bool kill_switch_lan;
	struct wg_binding binding; /* its addresses */
	struct wg_private private_key;
	struct wg_public public_key; /* of private_key */
	struct wg_hash private_hash; /* likewise */
	bool has_private, has_errors;
	struct check_at private_file_at; /* where the file names the place of the private key */
	uint16_t listen_port;
	unsigned int mtu, path_mtu; /* path_mtu: to the endpoints; 0: unknown */
	bool table_off, table_given, table_other, save_config; /* table_other: routes are in another table than main */
	uint32_t comments; /* the first line with a comment alone; 0: none */
	struct check_peer *peers;
	size_t n_peers, cap_peers;
	struct prefix_of *ips; /* the allowed IPs, in order; `owner` is the peer */
	struct check_at *ips_at;
	size_t n_ips, cap_ips, cap_ips_at;
	struct prefix_table table; /* of ips */
	struct check_address *addresses;
	size_t n_addresses, cap_addresses;
	struct check_exclusion {
		struct ip_prefix prefix;
		struct check_at at;
	} *exclusions; /* of ExcludeIPs */
	size_t n_exclusions, cap_exclusions;
	struct prefix_set excluded; /* the same */
	struct check_route {
		struct ip_prefix prefix;
		struct check_at at;
		uint32_t section; /* the line where that of its peer begins */
	} *routes; /* of Routes of all peers */
	size_t n_routes, cap_routes;
	/* The prefixes for which wg-quick adds routes: Routes of a peer, or else its allowed IPs. Borrowed from ips and table where no peer has
	 * Routes. */
	struct prefix_of *routed;
	struct check_at *routed_at;
	size_t n_routed;
	struct prefix_table routed_table;
	struct check_server *servers;
	size_t n_servers, cap_servers;
	struct check_hook *hooks;
	size_t n_hooks, cap_hooks;
	bool routes_v4, routes_v6; /* default routes, possibly in two halves */
	unsigned int section; /* of the line that is read: 0 none, 1 [Interface], 2 [Peer] */
};

struct finding {
	const char *id, *title;
	enum diag_level level;
	bool for_up; /* up and reload report it */
	/* Null for findings of the parser. */
	void (*in_file)(struct check *c, const struct check_file *f, const struct finding *self);
	void (*between)(struct check *c, const struct finding *self); /* all files */
	/* The page: texts without line breaks, examples as in a file. */
	const char *why, *wrong, *right, *fix;
};

struct finding_group {
	const struct finding *list;
	size_t n;
};
extern const struct finding_group findings_of_text, findings_of_values, findings_of_peers, findings_of_routes,
	findings_of_route_keys, findings_of_kill_switch, findings_of_binding, findings_of_hooks, findings_of_other_ends;

const struct finding *finding_at(size_t i); /* null after the last one */
const struct finding *finding_by_id(const char *id); /* null: no finding has this name */
const struct finding *finding_in(const struct finding_group *group, const char *id); /* it must have it */

/* Offsets into `texts`; 0: none. */
struct check_found {
	const struct finding *self;
	const struct check_file *file, *note_file;
	struct check_at at, note_at;
	enum diag_level level;
	size_t text, help, note;
	size_t order;
};

/* ---- for functions of findings ---- */

/* Adds a finding; the text is formatted by text_f(). */
void found(struct check *c, const struct finding *self, const struct check_file *f, const struct check_at *at,
	   const char *fmt, ...) printf_like(5, 6);
/* These complete the last one. */
void found_level(struct check *c, enum diag_level level);
void found_help(struct check *c, const char *fmt, ...) printf_like(2, 3);
void found_note(struct check *c, const struct check_file *f, const struct check_at *at, const char *text);

/* The line with this number, from 1. */
struct span check_line(const struct check_file *f, uint32_t line);
/* Appends the line, with each byte of a secret replaced by '*'. */
void check_mask_line(const struct check *c, const struct check_file *f, uint32_t line, struct text *out);

/* The prefix as text, in a buffer of IP_PREFIX_TEXT_MAX bytes; returns the buffer. */
const char *prefix_text(char *buffer, const struct ip_prefix *p);
const char *address_text(char *buffer, const struct ip_addr *a);

/* Reads the file into *f and reports the parser's errors. */
void check_read(struct check *c, struct check_file *f);
void check_file_free(struct check_file *f);

#endif
