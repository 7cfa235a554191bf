/* `wg-quick monitor`: one process for all tunnels of a network namespace that are up. It waits for events, and passes them to
 * watchers, each of which keeps one aspect of a tunnel as `up` left it. Nothing wakes it up while nothing happens. */
#ifndef WG_QUICK_MONITOR_H
#define WG_QUICK_MONITOR_H

#include "command.h"
#include "quick/host/event_loop.h"
#include "quick/host/file_events.h"
#include "quick/host/netlink_events.h"
#include "quick/host/unit_log.h"
#include "quick/journal/journal_data.h"
#include "quick/journal/monitor_status.h"
#include "quick/monitor/known.h"

/* Kinds of events, as bits. */
enum monitor_event {
	EVENT_LINK = 1 << 0,     /* the tunnel's interface was changed: brought up, removed */
	EVENT_ADDRESS = 1 << 1,  /* of the tunnel, removed */
	EVENT_ROUTE = 1 << 2,    /* of the tunnel, removed or replaced */
	EVENT_RULE = 1 << 3,     /* a policy rule */
	EVENT_FIREWALL = 1 << 4, /* firewall rules of wg-quick were removed */
	EVENT_DNS = 1 << 5,      /* /etc/resolv.conf has new contents */
	EVENT_FILE = 1 << 6,     /* the tunnel file was changed */
	EVENT_JOURNAL = 1 << 7,  /* `up` or `reload` completed, or the monitor was started */
	EVENT_PATH = 1 << 8,     /* a default route, a route to an endpoint, or the MTU of a link changed */
	EVENT_NETWORK = 1 << 9,  /* another interface has or lost an address; with EVENT_PATH, the host may be in another network */
	EVENT_ALL = (1 << 10) - 1, /* events were lost */
};

enum { MONITOR_WATCHERS_MAX = 8 };

struct monitored_tunnel {
	char name[WG_NAME_MAX];
	uint32_t ifindex;
	char *config;        /* path of the tunnel file; owned; null: not known */
	bool busy;           /* a watcher works on the tunnel: no repairs until it calls monitor_event() */
	bool has_rules, has_firewall, has_dns_file; /* in the journal */
	uint32_t tables[4];  /* of its default routes and routes, but the main table; 0: none */
	struct ip_addr *addresses; /* owned: routes to these matter */
	size_t n_addresses, cap_addresses;
	int config_folder, drop_ins; /* folders of file_events; -1: not watched */
	void *of_watcher[MONITOR_WATCHERS_MAX]; /* owned by the watchers */
};

/* The process that caused the last event of a kind, as far as it is known. */
struct other_program {
	uint32_t pid; /* 0: not known */
	char name[32];
};

struct seen_link {
	uint32_t index;
	uint32_t mtu; /* 0: the link is down */
};

struct monitor {
	struct host *host;
	const struct command_options *options;
	struct event_loop loop;
	struct netlink_events netlink;
	struct file_events files;
	int lock;             /* the monitor of this namespace holds it */
	int journal_folder, resolv_folder; /* of `files` */
	struct monitored_tunnel **tunnels; /* owned */
	size_t n_tunnels, cap_tunnels;
	struct seen_link *links; /* of other interfaces, owned */
	size_t n_links, cap_links;
	struct known known; /* addresses of other interfaces, and routes over them */
	struct other_program others[3]; /* of rules and routes, of the firewall, of addresses */
};
enum { OTHER_ROUTING, OTHER_FIREWALL, OTHER_ADDRESSES };

/* One for each aspect; any function may be null. Times are clock_boot_ms(). */
struct monitor_watcher {
	const char *name;
	int (*start)(struct monitor *m); /* once, before privileges are dropped; 0, or -errno after reporting */
	void (*stop)(struct monitor *m);
	/* A tunnel is up: t->of_watcher[index] is this watcher's. It is closed and opened again for another interface of the
	 * same name. */
	void (*opened)(struct monitor *m, struct monitored_tunnel *t, size_t index);
	void (*closed)(struct monitor *m, struct monitored_tunnel *t, size_t index);
	void (*event)(struct monitor *m, struct monitored_tunnel *t, size_t index, unsigned int events);
	/* When run() is to be called; NEVER. */
	uint64_t (*deadline)(const struct monitor *m, const struct monitored_tunnel *t, size_t index);
	void (*run)(struct monitor *m, struct monitored_tunnel *t, size_t index, uint64_t now_ms);
};
extern const struct monitor_watcher *const monitor_watchers[]; /* ends with null */
extern const struct monitor_watcher daemon_watcher, endpoint_watcher, repair_watcher;

/* Passes events to all watchers of a tunnel; null: of all tunnels. */
void monitor_event(struct monitor *m, struct monitored_tunnel *t, unsigned int events);
/* An action for a tunnel: a message, and the line that `status` shows. */
void monitor_note(struct monitor *m, struct monitored_tunnel *t, enum unit_log_level level, const char *fmt, ...)
	printf_like(4, 5);
/* t->addresses or the tunnels have changed. */
void monitor_update_filter(struct monitor *m);

/* ---- parts of the monitor ---- */

/* A message of the kernel. */
void monitor_network_event(struct monitor *m, const struct netlink_event *e);
/* Opens, closes and updates the tunnel of this journal; null: all tunnels. */
void monitor_read_journals(struct monitor *m, const char *name);
void monitor_close_tunnels(struct monitor *m);
struct monitored_tunnel *monitor_find(const struct monitor *m, const char *name); /* null: it is not up */
/* The lock of this tunnel was released. */
void repair_unlocked(struct monitor *m, const char *name);

#endif
