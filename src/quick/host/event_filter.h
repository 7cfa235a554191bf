/* Selects the events that wake the monitor: classic BPF programs for the sockets of netlink_events.h. */
#ifndef WG_QUICK_EVENT_FILTER_H
#define WG_QUICK_EVENT_FILTER_H

#include "base/addr.h"

/* What concerns tunnels: routes over these links, in these tables, and in the main table those that cover one of these
 * addresses. Default routes always do. */
struct event_interest {
	uint32_t *links, *tables; /* owned */
	struct ip_addr *addresses;
	size_t n_links, n_tables, n_addresses, cap_links, cap_tables, cap_addresses;
};
enum { INTEREST_MAX = 500 }; /* of each: a filter has a limited size. Beyond that every route of the main table is an event */
must_check int event_interest_add_link(struct event_interest *i, uint32_t link); /* 0 or -ENOMEM, without duplicates */
must_check int event_interest_add_table(struct event_interest *i, uint32_t table);
must_check int event_interest_add_address(struct event_interest *i, const struct ip_addr *a);
void event_interest_free(struct event_interest *i);

/* Each attaches a filter to the socket: 0 or -errno. */
must_check int event_filter_routes(int fd, const struct event_interest *i);
/* Of nftables, only what is removed from tables of wg-quick, or from those in which iptables keeps its rules. */
must_check int event_filter_firewall(int fd);

#endif
