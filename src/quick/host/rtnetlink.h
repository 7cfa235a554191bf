/* rtnetlink(7): dumps, single requests, and batches of requests with one acknowledgement. Functions that return int
 * return 0 or -errno. */
#ifndef WG_QUICK_RTNETLINK_H
#define WG_QUICK_RTNETLINK_H

#include "quick/plan/host_state.h"

struct nl_addr;
struct nl_msg;
struct nl_object;
struct nlmsghdr;

/* Every request has its own sequence number, and only replies with this number count. After an error of the socket the
 * next request uses a new one. */
struct rtnetlink {
	int fd;
	bool connected;         /* fd is a socket */
	uint8_t *batch;         /* messages to be sent; owned */
	uint8_t *reply;         /* owned */
	size_t n, messages;     /* bytes and messages in the batch */
	uint32_t last;          /* offset of the last message */
	uint32_t seq;           /* of the last message */
	uint32_t first_seq;     /* of the first message of the batch */
	uint32_t number_offset; /* the number of a message of the batch, minus its sequence number */
};
must_check int rtnetlink_open(struct rtnetlink *rt);
void rtnetlink_close(struct rtnetlink *rt);

/* ---- batches ---- */

/* The kernel refused the message with this number; `why` is its message, or null. */
typedef void rtnetlink_refused(void *ctx, uint32_t number, int error, const char *why);

/* Adds a message to the batch; null, for out of memory, is an error. Numbers ascend. */
must_check int rtnetlink_batch_add(struct rtnetlink *rt, struct nl_msg *take_m, uint32_t number);
bool rtnetlink_batch_is_full(const struct rtnetlink *rt);
/* Sends the batch and waits for the acknowledgement. An error means that the connection failed: any number of the
 * messages may have taken effect. */
must_check int rtnetlink_batch_send(struct rtnetlink *rt, rtnetlink_refused *refused, void *ctx);
/* Sends the batch and waits for one reply to each message, which may be an error. */
typedef void rtnetlink_reply(void *ctx, uint32_t number, struct nlmsghdr *h);
must_check int rtnetlink_batch_ask(struct rtnetlink *rt, rtnetlink_reply *reply, void *ctx);
/* Sends one message; *why (may be null) becomes the text of an error. */
must_check int rtnetlink_send(struct rtnetlink *rt, struct nl_msg *take_m, char why[128]);

/* The last request failed because its socket did: it may have taken effect. */
bool rtnetlink_is_uncertain(const struct rtnetlink *rt);

/* ---- dumps ---- */

/* Handles one message of a dump; an error ends the dump. */
typedef int rtnetlink_handler(void *ctx, struct nl_msg *m);
/* Repeats a dump that the kernel reports as inconsistent: *count (may be null), the number of items that the
 * handler has collected, is then set back to its value before. */
must_check int rtnetlink_dump(struct rtnetlink *rt, struct nl_msg *take_m, rtnetlink_handler *handler, void *ctx,
			      size_t *count);

/* ---- messages; null: out of memory ---- */

struct nl_addr *rtnetlink_addr(const struct ip_addr *a, unsigned int bits); /* to be released with nl_addr_put() */

struct nl_msg *rtnetlink_build_link_add(const char *name);
struct nl_msg *rtnetlink_build_link_delete(uint32_t index);
struct nl_msg *rtnetlink_build_link_move(uint32_t index, int netns); /* to the network namespace of this descriptor */
struct nl_msg *rtnetlink_build_link_up(uint32_t index, unsigned int mtu, bool up); /* mtu 0: unchanged */
struct nl_msg *rtnetlink_build_address(const struct interface_address *a, uint32_t index, bool remove);
struct nl_msg *rtnetlink_build_route(const struct step_route *r, uint32_t index, bool remove);
struct nl_msg *rtnetlink_build_rule(const struct step_rule *r, bool remove);

/* ---- queries; lists are appended to ---- */

must_check int rtnetlink_links(struct rtnetlink *rt, struct links *out);
/* The link with this index, whose name may have changed; with index 0, the link with this name. -ENODEV. */
must_check int rtnetlink_link_find(struct rtnetlink *rt, const char *name, uint32_t index, struct link_info *out);
must_check int rtnetlink_addresses(struct rtnetlink *rt, uint32_t index, struct addresses *out);

must_check int rtnetlink_rules(struct rtnetlink *rt, uint8_t family, struct rules *out);

/* The routes of a table over a link (0: any link). A table that does not exist has none. */
must_check int rtnetlink_routes(struct rtnetlink *rt, uint8_t family, uint32_t table, uint32_t index,
				struct routes *out);
/* The link of the route for exactly this prefix and metric in this table; UINT32_MAX: it has no link; 0: no such route. */
must_check int rtnetlink_route_link(struct rtnetlink *rt, const struct step_route *r, uint32_t *index);
/* ---- for other lookups ---- */

struct rtmsg;
struct rtnl_route;
must_check bool rtnetlink_route_prefix(struct ip_prefix *out, struct rtnl_route *route); /* its destination */
int rtnetlink_family(uint8_t family); /* AF_INET or AF_INET6 */
struct nl_msg *rtnetlink_route_message(int type, int flags, struct rtmsg *body); /* null: out of memory */
/* All routes of a table, which may not exist, and possibly others. */
must_check int rtnetlink_dump_table(struct rtnetlink *rt, uint8_t family, uint32_t table, rtnetlink_handler *handler,
				    void *ctx);

#endif
