/* The settings of a kernel WireGuard link. */
#include "link_defaults.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/pkt_sched.h>
#include <sys/socket.h>
#include <unistd.h>
#include "daemon/io/netlink.h"
#include "daemon/process/log.h"

#define ADDR_GEN_NONE 1
#ifndef IFA_PROTO
#define IFA_PROTO 11 /* Linux 5.18 */
#endif
#define IFAPROT_KERNEL_LL 3

static int link_set(const struct ifinfomsg *i, uint16_t family, uint16_t option, uint16_t sub,
		    uint32_t value)
{
	struct netlink_message m;
	size_t spec, nest, conf;
	uint8_t byte = (uint8_t)value;

	netlink_begin(&m, RTM_SETLINK, 0, i, sizeof *i);
	spec = netlink_nest(&m, IFLA_AF_SPEC);
	nest = netlink_nest(&m, family);
	if (family == AF_INET) {
		conf = netlink_nest(&m, option);
		netlink_put(&m, sub, &value, sizeof value);
		netlink_nest_end(&m, conf);
	} else {
		netlink_put(&m, option, &byte, sizeof byte);
	}
	netlink_nest_end(&m, nest);
	netlink_nest_end(&m, spec);
	return netlink_request(&m, NULL, 0, NULL);
}

/* Link-local addresses that the kernel generated before address generation was turned off. */
struct generated {
	uint32_t ifindex;
	struct { struct ifaddrmsg header; uint8_t address[16]; } list[4];
	size_t n;
};

static void collect_generated(void *ctx, const void *messages, size_t n)
{
	struct generated *g = ctx;
	struct netlink_view v;
	struct ifaddrmsg a;

	while (netlink_next(&v, &messages, &n)) {
		const uint8_t *proto, *address;
		if (v.type != RTM_NEWADDR || !netlink_read_family(&v, &a, sizeof a) || a.ifa_index != g->ifindex)
			continue;
		proto = netlink_find_attribute(v.p, v.n, IFA_PROTO, 1, NULL);
		address = netlink_find_attribute(v.p, v.n, IFA_ADDRESS, 16, NULL);
		if (!address || !proto || *proto != IFAPROT_KERNEL_LL || g->n == ARRAY_LEN(g->list))
			continue;
		g->list[g->n].header = a;
		memcpy(g->list[g->n++].address, address, 16);
	}
}

static void remove_generated(uint32_t ifindex)
{
	struct generated g = { .ifindex = ifindex };
	struct ifaddrmsg all = { .ifa_family = AF_INET6, .ifa_index = ifindex };
	struct netlink_message m;
	int error;

	netlink_begin(&m, RTM_GETADDR, 0, &all, sizeof all);
	error = netlink_dump(&m, collect_generated, &g);
	if (error)
		log_verbose("cannot list link-local addresses: %s", strerror(-error));
	for (size_t i = 0; i < g.n; i++) {
		netlink_begin(&m, RTM_DELADDR, 0, &g.list[i].header, sizeof g.list[i].header);
		netlink_put(&m, IFA_LOCAL, g.list[i].address, 16);
		if (netlink_request(&m, NULL, 0, NULL) != 0)
			log_verbose("cannot remove a link-local address");
	}
}

/* Redirects are off only when both the link and "all" are; "all" cannot be set by netlink. */
static void disable_redirects(void)
{
	static const char path[] = "/proc/sys/net/ipv4/conf/all/send_redirects";
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "0", 1) != 1)
		log_verbose("cannot write %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* Packets go directly to the daemon: the ring of the TUN is the queue. */
static void remove_qdisc(const struct link_state *now)
{
	struct tcmsg t = { .tcm_family = AF_UNSPEC, .tcm_ifindex = (int)now->ifindex,
			   .tcm_parent = TC_H_ROOT };
	struct netlink_message m;

	netlink_begin(&m, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, &t, sizeof t);
	netlink_put(&m, TCA_KIND, "noqueue", sizeof "noqueue");
	if (netlink_request(&m, NULL, 0, NULL) != 0)
		log_verbose("cannot remove the queueing discipline of the link");
}

void link_defaults_apply(const struct link_state *now, bool proc)
{
	struct ifinfomsg i = { .ifi_family = AF_UNSPEC, .ifi_index = (int)now->ifindex };

	if (link_set(&i, AF_INET6, IFLA_INET6_ADDR_GEN_MODE, 0, ADDR_GEN_NONE) == 0 && now->up)
		remove_generated(now->ifindex);
	if (link_set(&i, AF_INET, IFLA_INET_CONF, IPV4_DEVCONF_SEND_REDIRECTS, 0) != 0)
		log_verbose("cannot set send_redirects");
	if (proc)
		disable_redirects();
	remove_qdisc(now);
}
