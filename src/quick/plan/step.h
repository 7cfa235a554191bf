/* A plan and its steps. A step is one change of the host, as data: it can be printed as the equivalent shell command
 * (print.h), and most kinds have an inverse, usually the same step with `remove` inverted (step_inverse()). */
#ifndef WG_QUICK_STEP_H
#define WG_QUICK_STEP_H

#include "quick/config/tunnel_file.h"

enum step_kind {
	STEP_LINK,     /* the interface itself */
	STEP_HOOK,     /* a command of the tunnel file, run by bash or sh; it has no inverse */
	STEP_WG,       /* a change of the WireGuard configuration; its inverse is a patch, if there is one */
	STEP_ADDRESS,
	STEP_LINK_UP,  /* the MTU, and the interface up */
	STEP_ROUTE,
	STEP_RULE,
	STEP_SYSCTL,   /* net.ipv4.conf.all.src_valid_mark */
	STEP_FIREWALL, /* the rules of one address family that protect the tunnel's addresses */
	STEP_DNS,
	STEP_KILL_SWITCH, /* nothing leaves outside the tunnels (kill_switch.h) */
	STEP_BIND,     /* what the outer sockets are bound to (model/binding.h) */
	STEP_NETNS,    /* the network namespace of the interface exists, and the next steps are performed inside */
};

struct step_route {
	struct ip_prefix prefix;
	bool unreachable; /* a route of that type, without a device */
	bool throw;       /* likewise: the look-up continues with the next policy rule */
	uint32_t table;
	uint32_t metric;  /* of a route over the interface; 0: the kernel's default */
};
/* It leads to the interface, and ends with it. */
bool route_is_of_link(const struct step_route *r);
/* The metric that the step names; 0: none. An unreachable route is the last choice in the tunnel's table, and the first in
 * the main one. */
uint32_t route_metric(const struct step_route *r);
/* The metric that the kernel shows. */
uint32_t route_metric_shown(const struct step_route *r);
/* That of a route over an interface is the kernel's default. */
bool route_metric_is_usual(const struct step_route *r);

struct step_rule {
	uint8_t family; /* enum ip_family */
	bool invert;    /* "not" */
	bool suppress;  /* "suppress_prefixlength 0" */
	bool ambiguous; /* other rules look like it, so the command that deletes it names the preference */
	bool numbered;  /* the kernel would choose another preference, so the command that adds it names it */
	bool ends;      /* of the host: no rule after it is evaluated */
	bool own;       /* of the host: it has the protocol of wg-quick's rules */
	uint32_t pref, mark /* 0: any */, table;
};
bool rule_equal(const struct step_rule *a, const struct step_rule *b); /* the preference included */
/* "not fwmark N table N", which sends all packets but the tunnel's own to the tunnel's table. */
bool rule_is_tunnel(const struct step_rule *r);
/* "table main suppress_prefixlength 0", which gives all routes but the default route precedence. */
bool rule_is_suppress(const struct step_rule *r);
/* "fwmark N table main", which keeps the packets of a tunnel out of other tunnels. */
bool rule_is_main_for_mark(const struct step_rule *r);

struct step_firewall {
	uint8_t family; /* enum ip_family */
	uint8_t new_chains; /* tables and chains of iptables-nft that did not exist before, and that are deleted when they
			     * are empty: the bits of host/firewall_chains.c */
	uint32_t mark;
};

struct step_kill_switch {
	uint8_t tool;    /* enum firewall_tool */
	uint8_t mode;    /* enum kill_switch_mode */
	uint8_t new_tables; /* of iptables-nft, the table `filter` of IPv4 (1) and IPv6 (2) did not exist before */
	uint32_t mark;   /* of the tunnel's packets */
	uint32_t also;   /* that of before, while it is changed; 0: none */
};

/* That of one tunnel. */
struct kill_switch {
	char name[WG_NAME_MAX];
	uint8_t tool, mode, new_tables;
	uint32_t mark, also;
};
struct kill_switches {
	struct kill_switch *list;
	size_t n, cap;
};

struct step_hook {
	uint8_t phase;       /* enum hook_phase */
	unsigned int number; /* among the hooks of its phase, from 1 */
	unsigned int line;   /* of the tunnel file; 0: not known */
	const char *file;    /* the drop-in that has the line; null: the tunnel file */
	bool not_started;    /* it was to run, and could not be started */
	const char *text;    /* with `%i` unexpanded */
};

struct step_bind {
	struct wg_binding to, before;
	struct { /* where the file has the key; file: as in struct step_hook */
		unsigned int line;
		const char *file;
	} device_at, source_at;
};

enum wg_command { WG_ADDCONF, WG_SET };

struct step {
	uint8_t kind; /* enum step_kind */
	bool remove;
	bool hidden;  /* not printed: a later step of the same plan undoes it, or it changes nothing */
	bool done;    /* performed, or possibly performed; never set for hooks and the deletion of the interface */
	bool failed;  /* performing it failed, or possibly failed */
	union {
		struct interface_address address;
		struct step_route route;
		struct step_rule rule;
		struct { unsigned int mtu, mtu_before /* 0: not known */; bool was_up; } link_up;
		struct step_hook hook;
		struct { uint8_t command; const struct wg_device *patch, *inverse; } wg;
		struct { int value, before; } sysctl;
		struct step_firewall firewall;
		struct step_kill_switch kill_switch;
		struct step_bind bind;
	};
};

enum firewall_tool { FIREWALL_NONE, FIREWALL_NFT, FIREWALL_IPTABLES };
enum dns_backend { DNS_NONE, DNS_RESOLVCONF, DNS_RESOLVED, DNS_FILE };

struct resolv_conf;

/* Steps in the order in which they are performed, and the data that they have in common. */
struct plan {
	char name[WG_NAME_MAX]; /* of the interface */
	char netns[NETNS_NAME_MAX]; /* its network namespace; empty: that of this process */
	bool netns_is_option;   /* as in struct interface_keys */
	struct step *steps;     /* owned */
	size_t n, cap;
	size_t defaults_at;     /* index of the first step of the default routes */
	struct addresses guarded; /* those that the firewall steps protect */
	enum firewall_tool firewall;
	const char *iptables_rules[2]; /* IPv4, IPv6: what host_state.firewall_rules has of iptables, or null; for printed
					* commands */
	struct dns_config dns;  /* of the DNS step */
	enum dns_backend dns_backend;
	bool dns_required;      /* without its name servers the tunnel is not brought up */
	char dns_prefix[32];    /* Debian's resolvconf requires it before the interface name, for example "tun." */
	const struct resolv_conf *resolv_conf; /* /etc/resolv.conf, for printed commands; null: not known */
	const char *dns_id;     /* of the tunnel in that file; null: not known */
	const char *config;     /* path of the tunnel file, for printed commands */
	const char *table_word; /* how the tunnel file writes the number below; null: it does not */
	uint32_t table;
	const char *implementation;   /* a userspace program that printed commands fall back to, or null */
	struct kill_switches kill_switches; /* of other tunnels */
	struct wg_device mark_patch;  /* sets the mark */
	struct wg_device device_patch, device_rollback; /* of a reload: the change, and its inverse */
};
void plan_free(struct plan *p);
/* Appends an empty step; null: out of memory. */
must_check struct step *plan_add(struct plan *p, enum step_kind kind);
/* Removes all steps of a kind. */
void plan_drop_kind(struct plan *p, enum step_kind kind);

/* False: the step has no inverse. */
must_check bool step_inverse(struct step *out, const struct step *s);

#endif
