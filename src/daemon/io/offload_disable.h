/* Offloads that the daemon must not use: WG_NO_OFFLOAD, for tests and for kernels with faulty offloads. */
#ifndef DAEMON_OFFLOAD_DISABLE_H
#define DAEMON_OFFLOAD_DISABLE_H

#include "base/base.h"

enum offload_disable {
	OFFLOAD_NO_VNET = 1 << 0,    /* "vnet": no virtio header, plain packets only */
	OFFLOAD_NO_TSO = 1 << 1,     /* "tso": no TCP super-packets from the TUN */
	OFFLOAD_NO_USO = 1 << 2,     /* "uso": no UDP super-packets from the TUN */
	OFFLOAD_NO_JOIN = 1 << 3,    /* "join": no super-packets to the TUN */
	OFFLOAD_NO_SEGMENT = 1 << 4, /* "segment": no UDP_SEGMENT */
	OFFLOAD_NO_GRO = 1 << 5,     /* "gro": no UDP_GRO */
	OFFLOAD_NO_MMSG = 1 << 6,    /* "mmsg": one datagram for each system call */
	OFFLOAD_NO_SPLIT = 1 << 7,   /* "split": no separate sockets for handshake messages */
	OFFLOAD_NO_TUNNEL = 1 << 8,  /* "tunnel": no super-packets in UDP tunnels such as VXLAN */
	OFFLOAD_NO_QUEUES = 1 << 9,  /* "queues": one queue of the TUN */
};

/* Reads a list of these words, separated by commas; null and "": none. False: an unknown word. */
must_check bool offload_disable_parse(unsigned int *disabled, const char *list);

#endif
