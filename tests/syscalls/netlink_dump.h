/* Dumps of rtnetlink(7). */
#ifndef TEST_NETLINK_DUMP_H
#define TEST_NETLINK_DUMP_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "base/base.h"

/* Calls `handle` with each message of the dump. Ends the program after an error. */
typedef void netlink_handler(void *ctx, const struct nlmsghdr *h);
void netlink_dump(uint16_t type, uint8_t family, netlink_handler *handle, void *ctx);

/* Where the body of a message and the value of an attribute are. The kernel's macros drop the const. */
static inline const void *netlink_body(const struct nlmsghdr *h)
{
	return (const uint8_t *)h + NLMSG_HDRLEN;
}
static inline const void *netlink_value(const struct rtattr *a)
{
	return (const uint8_t *)a + RTA_LENGTH(0);
}

/* The attributes of a message whose body begins with a structure of `skip` bytes; null after the last. */
const struct rtattr *netlink_attribute(const struct nlmsghdr *h, size_t skip, const struct rtattr *last);

#endif
