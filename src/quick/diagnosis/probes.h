/* Results of the probes of `doctor`: look-ups, packets and answers. The command fills them in. */
#ifndef WG_QUICK_PROBES_H
#define WG_QUICK_PROBES_H

#include "facts.h"

/* The result of a packet: 0 if it left, or was answered; or -errno. */
struct peer_probe {
	uint32_t peer;             /* index of the device's peer */
	/* The endpoint. */
	char *host;                /* the name in the file; owned; null: it is an address, or the peer has none */
	bool resolved;
	struct ip_endpoint address; /* what the name stands for */
	/* The route to it. */
	bool has_route;
	int route_error;
	uint32_t route_link;
	struct ip_prefix route_prefix;
	bool is_captured;          /* the route leads into the tunnel itself */
	struct ip_addr source;     /* the address that packets to it have; IP_NONE: not known */
	/* An empty datagram to it: -EPERM where the local firewall drops it, -ECONNREFUSED where its host answers that no
	 * program has the port. */
	bool sent;
	int send_error;
	/* A packet into the tunnel, so that a handshake is begun where there is no session. */
	bool provoked;
	int provoke_error;
	uint64_t rx_before, tx_before, rx_after, tx_after, handshake_after_s;
	bool had_session;
};

struct dns_probe {
	struct ip_addr server;
	uint32_t route_link;
	bool answered;
	int error;
};

struct mtu_probe {
	struct ip_addr to; /* IP_NONE: nothing in the tunnel answered a small packet */
	bool full_size_answered;
	unsigned int largest; /* MTU of the largest packet that was answered */
};

struct probes {
	/* The backend. */
	bool kernel_wireguard;
	const char *program; /* a userspace implementation; null: none */
	bool tun_device;     /* /dev/net/tun */
	/* Ports: whether the UDP port of the interface or, if it is down, of the file is in use. */
	bool port_taken;
	/* Of each peer that has an endpoint, at most PEERS_PROBED. */
	struct peer_probe *peers; /* owned */
	size_t n_peers;
	struct span statistics_after; /* of the daemon, after the probes */
	/* Parameters of the kernel; -1: not known. */
	int forwarding[2];       /* IPv4, IPv6 */
	int rp_filter;           /* the one in force for the uplink */
	int rp_filter_tunnel;    /* and for the interface */
	bool no_ipv6;            /* the kernel has no IPv6 */
	/* The firewall of the host, as nft(8) prints it; empty: not known. */
	struct span ruleset;
	/* The link of the route for an address on the Internet, IPv4 and IPv6; 0: no route. */
	uint32_t internet_link[2];
	char internet_link_name[2][WG_NAME_MAX];
	struct dns_probe *dns;   /* owned */
	size_t n_dns;
	struct mtu_probe mtu;
	bool mtu_tried;
	char *conflict;          /* "192.168.1.0/24 of eth0": a network of another link inside the allowed IPs; owned; null: none */
};

enum { PEERS_PROBED = 16, DNS_PROBED = 4 };

/* All checks of `doctor`, in order. p: null for those of a tunnel that is not up. False: out of memory. */
struct findings;
must_check bool checks_of_doctor(struct findings *out, const struct facts *f, const struct probes *p);

#endif
