/* ctnetlink: one look-up by the addresses and ports of the answers to a packet. */
#include "conntrack.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_ORIGINAL_DST
#define SO_ORIGINAL_DST 80 /* linux/netfilter_ipv4.h */
#endif

enum { FIXED_V6 = 40 }; /* bytes of the IPv6 header */

/* The option belongs to connection tracking, which says of a socket without connection that it finds none. */
bool conntrack_is_loaded(void)
{
	struct sockaddr_in unused;
	socklen_t n = sizeof unused;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is_loaded;

	if (fd < 0)
		return false;
	is_loaded = getsockopt(fd, SOL_IP, SO_ORIGINAL_DST, &unused, &n) == 0 || errno == ENOENT;
	close(fd);
	return is_loaded;
}

/* ---- the request ---- */

struct flow { /* of a packet */
	bool v6;
	uint8_t protocol;
	const uint8_t *source, *destination;
	const uint8_t *payload; /* at least 8 bytes */
};

static bool flow_parse(struct flow *f, const uint8_t *p, size_t n)
{
	size_t header = n > 0 && p[0] >> 4 == 6 ? FIXED_V6 : 0;

	f->v6 = header > 0;
	if (!f->v6 && n >= 20)
		header = (p[0] & 15u) * 4;
	if (header < 20 || n < header + 8)
		return false;
	f->protocol = f->v6 ? p[6] : p[9];
	f->source = f->v6 ? p + 8 : p + 12;
	f->destination = f->v6 ? p + 24 : p + 16;
	f->payload = p + header;
	return true;
}

/* The type of the ICMP message that answers this one, as connection tracking pairs them; negative: none does. */
static int icmp_answer(const struct flow *f)
{
	switch (f->payload[0]) {
	case ICMP_ECHO: return f->v6 ? -1 : ICMP_ECHOREPLY;
	case ICMP_ECHOREPLY: return f->v6 ? -1 : ICMP_ECHO;
	case ICMP_TIMESTAMP: return f->v6 ? -1 : ICMP_TIMESTAMPREPLY;
	case ICMP_TIMESTAMPREPLY: return f->v6 ? -1 : ICMP_TIMESTAMP;
	case ICMP6_ECHO_REQUEST: return f->v6 ? ICMP6_ECHO_REPLY : -1;
	case ICMP6_ECHO_REPLY: return f->v6 ? ICMP6_ECHO_REQUEST : -1;
	}
	return -1;
}

static bool put_icmp(struct netlink_message *m, const struct flow *f)
{
	int answer = icmp_answer(f);
	const uint8_t type = (uint8_t)answer, code = 0;

	netlink_put(m, f->v6 ? CTA_PROTO_ICMPV6_TYPE : CTA_PROTO_ICMP_TYPE, &type, 1);
	netlink_put(m, f->v6 ? CTA_PROTO_ICMPV6_CODE : CTA_PROTO_ICMP_CODE, &code, 1);
	netlink_put(m, f->v6 ? CTA_PROTO_ICMPV6_ID : CTA_PROTO_ICMP_ID, f->payload + 4, 2);
	return answer >= 0;
}

/* The fields that identify the answers within the protocol. */
static bool put_protocol(struct netlink_message *m, const struct flow *f)
{
	netlink_put(m, CTA_PROTO_NUM, &f->protocol, 1);
	switch (f->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		netlink_put(m, CTA_PROTO_SRC_PORT, f->payload + 2, 2);
		netlink_put(m, CTA_PROTO_DST_PORT, f->payload, 2);
		return true;
	case IPPROTO_ICMP:
		return !f->v6 && put_icmp(m, f);
	case IPPROTO_ICMPV6:
		return f->v6 && put_icmp(m, f);
	case IPPROTO_GRE:
		return false; /* its keys are not in the header of the packet alone */
	}
	return true;
}

bool conntrack_build_query(struct netlink_message *m, const uint8_t *packet, size_t n)
{
	struct nfgenmsg g = { .version = NFNETLINK_V0 };
	size_t tuple, part, bytes;
	struct flow f;
	bool ok;

	if (!flow_parse(&f, packet, n))
		return false;
	bytes = f.v6 ? 16 : 4;
	g.nfgen_family = f.v6 ? AF_INET6 : AF_INET;
	netlink_begin(m, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET, 0, &g, sizeof g);
	tuple = netlink_nest(m, CTA_TUPLE_REPLY | NLA_F_NESTED);
	part = netlink_nest(m, CTA_TUPLE_IP | NLA_F_NESTED);
	netlink_put(m, f.v6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC, f.destination, bytes);
	netlink_put(m, f.v6 ? CTA_IP_V6_DST : CTA_IP_V4_DST, f.source, bytes);
	netlink_nest_end(m, part);
	part = netlink_nest(m, CTA_TUPLE_PROTO | NLA_F_NESTED);
	ok = put_protocol(m, &f);
	netlink_nest_end(m, part);
	netlink_nest_end(m, tuple);
	return ok;
}

/* ---- the answer ---- */

/* The addresses of one direction of the connection; null where they are missing. */
static void read_direction(const uint8_t **source, const uint8_t **destination, const struct netlink_view *v,
			   uint16_t direction, bool v6)
{
	size_t n = 0, n_ip = 0, bytes = v6 ? 16 : 4;
	const void *tuple = netlink_find_attribute(v->p, v->n, direction, 0, &n);
	const void *ip = tuple ? netlink_find_attribute(tuple, n, CTA_TUPLE_IP, 0, &n_ip) : NULL;

	*source = ip ? netlink_find_attribute(ip, n_ip, v6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC, bytes, NULL) : NULL;
	*destination = ip ? netlink_find_attribute(ip, n_ip, v6 ? CTA_IP_V6_DST : CTA_IP_V4_DST, bytes, NULL) : NULL;
}

bool conntrack_read_sender(struct ip_addr *sender, const struct netlink_view *answer, const uint8_t *packet)
{
	static const uint16_t directions[] = { CTA_TUPLE_REPLY, CTA_TUPLE_ORIG };
	const uint8_t *from[2], *to[2];
	bool v6 = packet[0] >> 4 == 6;
	const uint8_t *source = packet + (v6 ? 8 : 12), *destination = packet + (v6 ? 24 : 16);
	size_t bytes = v6 ? 16 : 4;

	*sender = (struct ip_addr){ 0 };
	for (size_t i = 0; i < 2; i++) {
		read_direction(&from[i], &to[i], answer, directions[i], v6);
		if (!from[i] || !to[i])
			return false;
	}
	/* The packet belongs to the direction opposite to the one that its answers match. */
	for (size_t i = 0; i < 2; i++) {
		if (memcmp(from[i], destination, bytes) != 0 || memcmp(to[i], source, bytes) != 0)
			continue;
		if (memcmp(from[1 - i], source, bytes) != 0)
			*sender = v6 ? ip_v6(from[1 - i]) : ip_v4(from[1 - i]);
		return true;
	}
	return false;
}

int conntrack_sender(struct ip_addr *sender, const uint8_t *packet, size_t n)
{
	struct netlink_socket s = { .fd = -1 };
	struct netlink_message m;
	struct netlink_view v;
	uint8_t reply[2048];
	struct nfgenmsg g;
	int error;

	if (!conntrack_build_query(&m, packet, n))
		return -EPROTONOSUPPORT;
	s.fd = netlink_open_protocol(NETLINK_NETFILTER, 0);
	if (s.fd < 0)
		return s.fd;
	error = netlink_exchange(&s, &m, reply, sizeof reply, &v);
	if (!error && (!netlink_read_family(&v, &g, sizeof g) || !conntrack_read_sender(sender, &v, packet)))
		error = -EPROTO;
	close(s.fd);
	return error;
}
