/* VXLAN devices. */
#include "vxlan_links.h"

#include <assert.h>
#include <errno.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include "daemon/io/netlink.h"
#include "daemon/process/log.h"

enum { /* attributes, of which old headers lack the last ones */
	VXLAN_PORT = 15,
	VXLAN_GROUP6 = 16,
	VXLAN_LOCAL6 = 17,
	VXLAN_COLLECT_METADATA = 25,
	VXLAN_GPE = 27,
};
#ifndef RTEXT_FILTER_SKIP_STATS
#define RTEXT_FILTER_SKIP_STATS (1 << 3) /* Linux 4.4 */
#endif

struct vxlan_link {
	uint32_t ports[2]; /* as in struct tunnel_ports; 0: none */
	bool usable;       /* its socket is open, and in this namespace */
};

static bool is_set(const uint8_t *data, size_t n, uint16_t flag)
{
	const uint8_t *p = netlink_find_attribute(data, n, flag, 1, NULL);

	return p && *p != 0;
}

/* False: the message, after netlink_next, is not about a VXLAN device. */
static bool vxlan_read(struct vxlan_link *link, struct netlink_view *v)
{
	size_t info_n, kind_n, n;
	const uint8_t *info, *data, *port;
	const char *kind;
	struct ifinfomsg i;
	bool metadata, v6;

	if ((v->type != RTM_NEWLINK && v->type != RTM_DELLINK) || !netlink_read_family(v, &i, sizeof i) ||
	    i.ifi_family != AF_UNSPEC)
		return false;
	info = netlink_find_attribute(v->p, v->n, IFLA_LINKINFO, 0, &info_n);
	kind = info ? netlink_find_attribute(info, info_n, IFLA_INFO_KIND, 5, &kind_n) : NULL;
	data = info ? netlink_find_attribute(info, info_n, IFLA_INFO_DATA, 0, &n) : NULL;
	port = data ? netlink_find_attribute(data, n, VXLAN_PORT, 2, NULL) : NULL;
	if (!kind || !port || memcmp(kind, "vxlan", 5) != 0 || (kind_n > 5 && kind[5] != '\0'))
		return false;
	metadata = is_set(data, n, VXLAN_COLLECT_METADATA);
	v6 = netlink_find_attribute(data, n, VXLAN_GROUP6, 16, NULL) ||
	     netlink_find_attribute(data, n, VXLAN_LOCAL6, 16, NULL);
	link->ports[0] = v6 && !metadata ? 0 : load_be16(port);
	link->ports[1] = v6 || metadata ? load_be16(port) + (uint32_t)TUNNEL_PORT_V6 : 0;
	/* The socket stays in the namespace in which the device was created. */
	link->usable = v->type == RTM_NEWLINK && (i.ifi_flags & IFF_UP) && load_be16(port) != 0 &&
		       !netlink_find_attribute(data, n, VXLAN_GPE, 0, NULL) &&
		       !netlink_find_attribute(v->p, v->n, IFLA_LINK_NETNSID, 0, NULL);
	return true;
}

/* Replaces the first entry of this value, unless the new one is there already. False: there is no such entry. */
static bool replace(struct tunnel_ports *ports, uint32_t from, uint32_t to)
{
	for (size_t i = 0; to != 0 && i < TUNNEL_PORTS; i++)
		if (ports->port[i] == to)
			return true;
	for (size_t i = 0; i < TUNNEL_PORTS; i++) {
		if (ports->port[i] != from)
			continue;
		atomic_store_explicit(&ports->port[i], to, memory_order_relaxed);
		return true;
	}
	return false;
}

bool vxlan_links_update(struct tunnel_ports *ports, const void *messages, size_t n)
{
	struct netlink_view v;
	struct vxlan_link link;
	bool is_stale = false;

	while (netlink_next(&v, &messages, &n)) {
		if (!vxlan_read(&link, &v))
			continue;
		for (size_t i = 0; i < ARRAY_LEN(link.ports); i++) {
			if (link.ports[i] == 0)
				continue;
			if (!link.usable && !(v.flags & NLM_F_MULTI))
				is_stale |= replace(ports, link.ports[i], 0);
			else if (!link.usable)
				continue; /* of a list */
			else if (!replace(ports, 0, link.ports[i]))
				log_verbose("VXLAN packets of port %u are not joined: too many ports",
					    link.ports[i] & 0xffff);
		}
	}
	return is_stale;
}

static void collect(void *ctx, const void *messages, size_t n)
{
	bool is_stale = vxlan_links_update(ctx, messages, n);

	assert(!is_stale); /* only events of devices that are gone */
}

void vxlan_links_read(struct tunnel_ports *ports)
{
	struct ifinfomsg i = { .ifi_family = AF_UNSPEC };
	struct tunnel_ports found = { { 0 } };
	uint32_t mask = RTEXT_FILTER_SKIP_STATS;
	struct netlink_message m;
	size_t info;
	int error;

	netlink_begin(&m, RTM_GETLINK, 0, &i, sizeof i);
	netlink_put(&m, IFLA_EXT_MASK, &mask, sizeof mask);
	info = netlink_nest(&m, IFLA_LINKINFO);
	netlink_put(&m, IFLA_INFO_KIND, "vxlan", sizeof "vxlan");
	netlink_nest_end(&m, info);
	error = netlink_dump(&m, collect, &found);
	if (error && error != -EOPNOTSUPP) /* the kernel has no VXLAN */
		log_verbose("cannot list VXLAN devices: %s", strerror(-error));
	for (size_t k = 0; k < TUNNEL_PORTS; k++)
		atomic_store_explicit(&ports->port[k], error ? 0 : found.port[k], memory_order_relaxed);
}
