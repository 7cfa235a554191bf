/* What the host has, as far as a plan depends on it. Looking changes nothing and needs no rights.
 */
#ifndef WG_QUICK_STATE_H
#define WG_QUICK_STATE_H

#include "ipc/ipc.h"
#include "rtnetlink.h"
#include "quick/config/settings.h"

struct host_state {
	struct links links;
	struct link_info link;      /* the interface; index 0: there is none */
	struct addresses addresses; /* on it */
	struct rules rules;         /* of both families */
	struct wg_device device;    /* what wg knows of it; empty when there is none */
	bool is_wireguard;
	bool ipv6;                  /* addresses of IPv6 can be set */
	bool proc_sys_writable;
	int src_valid_mark;         /* -1: cannot be read */
	int src_valid_mark_before;  /* before another tunnel of ours set it; -1: none did */
	uint32_t free_table;        /* the first from 51820 up with no routes; 0: not looked for */
	unsigned int path_mtu;      /* the least to the endpoints, else the default route's */
	const char *implementation; /* the userspace program that will be needed, or null */
	enum dns_backend dns;
	char dns_prefix[32];
	uint8_t firewall;           /* enum firewall_tool */
};

/* Everything but the device; name may belong to no link. 0 or -errno. */
must_check int host_inspect(struct host_state *s, struct rtnetlink *rt, const char *name,
			  const struct settings *set);
/* Again what default-route tunnels share: rules and the sysctl. */
must_check int host_inspect_shared(struct host_state *s, struct rtnetlink *rt);
/* Fills is_wireguard and device. */
must_check int host_inspect_device(struct host_state *s, struct ipc *ipc, const char *name);
/* path_mtu, for these peers and packets that carry this mark. */
must_check int host_inspect_mtu(struct host_state *s, struct rtnetlink *rt, const struct wg_device *d,
			      uint32_t mark);
/* free_table: not one that `taken` says is meant for another tunnel. */
must_check int host_inspect_table(struct host_state *s, struct rtnetlink *rt,
				bool (*taken)(void *ctx, uint32_t table), void *ctx);
/* firewall: what can be used; only default routes need it. */
void host_inspect_firewall(struct host_state *s, const char *name, const struct settings *set);
void host_state_free(struct host_state *s);

#endif
