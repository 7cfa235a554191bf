/* Routing netlink: dumps, single requests, and batches of messages with one acknowledgement. */
#ifndef WG_QUICK_RTNETLINK_H
#define WG_QUICK_RTNETLINK_H

#include "quick/plan/host_state.h"

struct nl_addr;
struct nl_msg;
struct nl_object;
struct nl_sock;

struct rtnetlink {
	struct nl_sock *sk;
	uint8_t *batch;      /* messages that wait to be sent */
	size_t n, messages;
	uint32_t last;       /* where the last message of the batch starts */
};
must_check int rtnetlink_open(struct rtnetlink *rt); /* 0 or -errno */
void rtnetlink_close(struct rtnetlink *rt);

/* ---- batches ---- */

/* What the kernel said about the message with this number: -errno, and its own words or null. */
typedef void rtnetlink_refused(void *ctx, uint32_t number, int error, const char *why);

/* Takes the message into the batch; null (out of memory) is an error. False: send the batch first.
 */
must_check int rtnetlink_batch_add(struct rtnetlink *rt, struct nl_msg *take_m, uint32_t number);
bool rtnetlink_batch_is_full(const struct rtnetlink *rt);
/* Sends what is there and waits for the acknowledgement. 0, or -errno when the connection itself
 * failed and nobody knows what was done. */
must_check int rtnetlink_batch_send(struct rtnetlink *rt, rtnetlink_refused *refused, void *ctx);
/* One message alone: 0, or -errno of kernel or connection; *why (may be null) is its text. */
must_check int rtnetlink_one(struct rtnetlink *rt, struct nl_msg *take_m, char why[128]);

/* ---- questions ---- */

typedef int rtnetlink_take(void *ctx, struct nl_msg *m); /* 0 or -errno, which ends the dump */
/* What changed while it was read is read again: *gathered (may be null) goes back to what it was. */
must_check int rtnetlink_dump(struct rtnetlink *rt, struct nl_msg *take_m, rtnetlink_take *take, void *ctx,
		       size_t *gathered);

/* ---- messages (link.c, route.c, rule.c); null: out of memory ---- */

struct nl_addr *rtnetlink_addr(const struct ip_addr *a, unsigned int bits); /* to be put back */

struct nl_msg *rtnetlink_link_add(const char *name);
struct nl_msg *rtnetlink_link_delete(uint32_t index);
struct nl_msg *rtnetlink_link_up(uint32_t index, unsigned int mtu, bool up);
struct nl_msg *rtnetlink_address(const struct interface_address *a, uint32_t index, bool remove);
struct nl_msg *rtnetlink_route(const struct step_route *r, uint32_t index, bool remove);
struct nl_msg *rtnetlink_rule(const struct step_rule *r, bool remove);

must_check int rtnetlink_links(struct rtnetlink *rt, struct links *out);
/* By its index, whatever its name is now, or where that is 0, by its name; -ENODEV. */
must_check int rtnetlink_link_find(struct rtnetlink *rt, const char *name, uint32_t index, struct link_info *out);
must_check int rtnetlink_addresses(struct rtnetlink *rt, uint32_t index, struct addresses *out);

must_check int rtnetlink_rules(struct rtnetlink *rt, uint8_t family, struct rules *out);

/* Unicast routes of one table over one link (0: any). A missing table has none. */
must_check int rtnetlink_routes(struct rtnetlink *rt, uint8_t family, uint32_t table, uint32_t index,
			 struct routes *out);
/* The link that a route for exactly this prefix in this table uses; 0: there is no such route. */
must_check int rtnetlink_route_owner(struct rtnetlink *rt, const struct step_route *r, uint32_t *index);
/* The smallest MTU on the ways to these addresses; 0: none is known. */
must_check int rtnetlink_path_mtu(struct rtnetlink *rt, const struct links *links, const struct ip_addr *to,
			   size_t n, uint32_t mark, unsigned int *out);
/* MTU of the IPv4 default route; 0: there is none. */
must_check int rtnetlink_default_mtu(struct rtnetlink *rt, const struct links *links, unsigned int *out);

#endif
