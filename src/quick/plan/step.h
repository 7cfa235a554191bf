/* One step of a plan: something that is brought to the system or taken from it. Steps are data;
 * each has an inverse (itself with `remove` turned over) and a line that does the same by hand. */
#ifndef WG_QUICK_STEP_H
#define WG_QUICK_STEP_H

#include "quick/config/tunnel_file.h"

enum step_kind {
	STEP_LINK,     /* the interface itself */
	STEP_HOOK,     /* a line of the tunnel file, run by bash; cannot be taken back */
	STEP_WG,       /* what wg is told; cannot be taken back unless there is an inverse patch */
	STEP_ADDRESS,
	STEP_LINK_UP,  /* "mtu N up" */
	STEP_ROUTE,
	STEP_RULE,
	STEP_SYSCTL,   /* net.ipv4.conf.all.src_valid_mark */
	STEP_FIREWALL, /* the table of one family that keeps strangers off the tunnel's addresses */
	STEP_DNS,
};

struct step_route {
	struct ip_prefix prefix;
	bool unreachable;  /* no device */
	uint32_t table;    /* TABLE_MAIN, or another */
};

struct step_rule {
	uint8_t family; /* enum ip_family */
	bool invert;    /* "not" */
	bool suppress;  /* suppress_prefixlength 0 */
	bool plural;    /* others look like it: its line names the place */
	uint32_t pref, mark /* 0: any */, table;
};
bool rule_equal(const struct step_rule *a, const struct step_rule *b); /* pref included */
/* "not fwmark N table N", the rule of a default route. */
bool rule_is_tunnel(const struct step_rule *r);

enum wg_words { WG_ADDCONF, WG_SET };

struct step {
	uint8_t kind; /* enum step_kind */
	bool remove;
	bool hidden; /* no line: it is gone again before the plan ends */
	bool done;   /* performed, or perhaps performed */
	union {
		struct interface_address address;
		struct step_route route;
		struct step_rule rule;
		struct { unsigned int mtu, mtu_before /* 0: not known */; bool was_up; } link_up;
		struct { uint8_t phase; const char *text; /* `%i` unexpanded */ } hook;
		struct { uint8_t words; const struct wg_device *patch, *inverse; } wg;
		struct { int value, before; } sysctl;
		struct { uint8_t family; uint32_t mark; } firewall;
	};
};

enum firewall_tool { FIREWALL_NONE, FIREWALL_NFT, FIREWALL_IPTABLES };
enum dns_backend { DNS_NONE, DNS_RESOLVCONF, DNS_RESOLVED, DNS_FILE };

struct plan {
	char name[WG_NAME_MAX];
	struct step *steps; /* owned */
	size_t n, cap;
	size_t defaults_at; /* the first step of the default routes */
	struct addresses guarded;   /* what the firewall steps keep strangers off */
	struct dns_config dns;        /* of STEP_DNS */
	struct dns_config dns_before; /* of a reload that changes it */
	enum dns_backend dns_backend;
	enum firewall_tool firewall;
	char dns_prefix[32];     /* of Debian's resolvconf: "tun." */
	const char *config;      /* path, for lines that can be run by hand */
	const char *table_word;  /* how the file writes this table; null: it names none */
	uint32_t table;
	const char *implementation; /* to name in a dry run; null: the kernel's own */
	struct wg_device mark;      /* the patch that sets the mark; it owns all it points to */
	struct wg_device change, unchange; /* of a reload: the patch and what takes it back */
};
void plan_free(struct plan *p);
/* Appends an empty step; null: out of memory. */
must_check struct step *plan_add(struct plan *p, enum step_kind kind);
/* Takes out all steps of a kind. */
void plan_leave_out(struct plan *p, enum step_kind kind);

/* False: cannot be taken back. */
must_check bool step_inverse(struct step *out, const struct step *s);
#endif
