/* The state of the host, as far as plans depend on it. quick/host fills it. */
#ifndef WG_QUICK_HOST_STATE_H
#define WG_QUICK_HOST_STATE_H

#include "resolv_conf.h"
#include "step.h"

struct link_info {
	uint32_t index;
	unsigned int mtu;
	unsigned int mtu6; /* for IPv6, which a router or the administrator may have lowered; 0: the link has no IPv6 */
	bool ipv6;         /* IPv6 is enabled on it */
	bool loopback;
	bool up;
	char name[WG_NAME_MAX];
};
struct links {
	struct link_info *list;
	size_t n, cap;
};

struct rules {
	struct step_rule *list; /* in the order in which the kernel evaluates them */
	size_t n, cap;
};

struct routes {
	struct step_route *list;
	size_t n, cap;
};
must_check bool routes_append(struct routes *r, const struct step_route *route); /* false: out of memory */
void routes_sort(struct routes *r); /* for routes_have() */
bool routes_have(const struct routes *sorted, const struct ip_prefix *p); /* with any metric */
/* The index of the first one; sorted->n: none. */
size_t routes_find(const struct routes *sorted, const struct ip_prefix *p);
/* With the metric of this route. */
bool routes_have_metric(const struct routes *sorted, const struct step_route *r);

/* The default routes of a routing table. */
struct table_use {
	uint32_t table;
	bool unreachable[2];   /* IPv4, IPv6: that of wg-quick */
	bool other_default[2]; /* any other */
};
struct table_uses {
	struct table_use *list;
	size_t n, cap;
	struct routes throws; /* those of wg-quick in these tables */
};

/* The names and resources of the tunnels of this network namespace. A zeroed struct is empty. */
struct tunnels_in_use {
	struct string_list names; /* of interfaces and journals */
	struct rules rules;       /* of journals */
	struct {
		uint32_t *list;
		size_t n, cap;
	} marks; /* of journals and WireGuard interfaces */
};
must_check int tunnels_in_use_add(struct tunnels_in_use *u, uint32_t mark); /* 0 or -ENOMEM */
bool tunnels_in_use_have(const struct tunnels_in_use *u, uint32_t mark);
void tunnels_in_use_free(struct tunnels_in_use *u);

struct host_state {
	struct links links;
	struct link_info link;      /* the tunnel's interface; index 0: it does not exist */
	struct addresses addresses; /* of the interface */
	struct rules rules;         /* of both families */
	struct wg_binding binding;  /* of the outer sockets */
	bool binding_known;         /* wireguardd was asked for it */
	struct wg_device device;    /* the interface's WireGuard configuration; empty without one */
	bool ipv6;                  /* of the interface: the kernel has IPv6, and it is not disabled */
	bool ipv6_elsewhere;        /* another interface has IPv6 */
	bool ipv6_of_hooks;         /* a hook gave the interface an IPv6 address */
	int src_valid_mark;         /* the sysctl; -1: not readable */
	int src_valid_mark_before;  /* its value before another tunnel set it; -1: none did */
	uint32_t free_table;        /* the first unused routing table from 51820 up; 0: not searched for */
	uint32_t bound_device;      /* index of the link that BindDevice names; 0: none */
	unsigned int path_mtu;      /* the smallest of all paths to the endpoints, else the default route's; 0: not known */
	const char *implementation; /* the userspace program that `up` would start, or null */
	enum dns_backend dns;        /* the one that suits the host */
	struct resolv_conf resolv_conf; /* /etc/resolv.conf, without tunnels that are no longer up */
	char dns_id[RESOLV_CONF_ID_MAX]; /* of the tunnel in that file */
	char dns_prefix[32];        /* Debian's resolvconf requires it before the interface name */
	enum firewall_tool firewall;
	bool firewall_unwanted;     /* by a setting */
	uint8_t missing_chains[2];  /* IPv4, IPv6: tables and chains of iptables-nft, as in struct step_firewall */
	struct kill_switches kill_switches; /* of other tunnels */
	uint8_t kill_switch_new_tables; /* as in struct step_kill_switch */
	char *kill_switch_rules;    /* as the tool of the journal prints them; null: not known */
	char *firewall_rules[2];    /* IPv4, IPv6: the tunnel's, as the tool prints them; null: not known */

	/* For a reload: routes over the interface, sorted. */
	struct routes routes;        /* in the table of the tunnel file */
	struct routes routes_before; /* in the table of the last `up` or `reload`, where it is another one */
	struct routes mark_routes;   /* in the table of the device's mark */
	bool unreachable[2];         /* IPv4, IPv6: there is the unreachable default route, in default_route_table() */
	struct routes throws;        /* the throw routes in the table of the mark */
};
void host_state_free(struct host_state *s);

/* False: the kernel has no IPv6 policy rules, and then only one IPv6 routing table. */
bool host_has_ipv6_rules(const struct host_state *s);
/* The table with the unreachable default route of the tunnel with this mark. Without policy rules it is the main one,
 * where the route precedes all other default routes. */
uint32_t default_route_table(const struct host_state *s, uint8_t family, uint32_t mark);
bool host_has_rule(const struct host_state *s, const struct step_rule *rule);
/* The rule of a default route with this mark; null: it does not exist. */
const struct step_rule *host_tunnel_rule(const struct host_state *s, uint8_t family, uint32_t mark);

#endif
