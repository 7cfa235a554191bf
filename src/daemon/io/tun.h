/* The TUN device: packets of the inside. One row of operations per way to move them. */
#ifndef DAEMON_TUN_H
#define DAEMON_TUN_H

#include <sys/types.h>
#include "base/span.h"
#include "offload.h"

struct tun;

struct tun_ops {
	const char *name;
	/* One packet or super-packet: its bytes (0: nothing there, negative: -errno) and *h. */
	ssize_t (*read)(struct tun *t, struct virtio_net_hdr *h, uint8_t *p, size_t room);
	/* iov[0] is the virtio header, which a row may leave out. 0 or -errno. */
	int (*write)(struct tun *t, const struct iovec *iov, unsigned int n);
};

struct tun {
	int fd; /* -1: none */
	const struct tun_ops *ops;
	_Atomic unsigned int join; /* enum join_what the kernel takes; any thread may find out otherwise */
};

/* Which offloads not to use, for tests and for strange systems: the words of WG_NO_OFFLOAD. */
enum offload_off {
	OFFLOAD_NO_VNET = 1 << 0,    /* "vnet": plain packets only */
	OFFLOAD_NO_TSO = 1 << 1,     /* "tso": the kernel cuts TCP */
	OFFLOAD_NO_USO = 1 << 2,     /* "uso": the kernel cuts UDP */
	OFFLOAD_NO_JOIN = 1 << 3,    /* "join": write packet by packet */
	OFFLOAD_NO_SEGMENT = 1 << 4, /* "segment": no UDP_SEGMENT */
	OFFLOAD_NO_GRO = 1 << 5,     /* "gro": no UDP_GRO */
	OFFLOAD_NO_MMSG = 1 << 6,    /* "mmsg": one datagram per system call */
	OFFLOAD_NO_SPLIT = 1 << 7,   /* "split": no sockets of their own for handshakes */
};
/* False: a word that is none of them. Null: nothing is off. */
must_check bool offload_off_of(unsigned int *off, const char *words);

/* Makes the device, or takes one over from a file descriptor. 0 or -errno. */
must_check int tun_open(struct tun *t, const char *name, unsigned int off);
must_check int tun_take_fd(struct tun *t, int fd, unsigned int off);
void tun_close(struct tun *t);

/* Its present name. 0 or -errno: -EBADFD when it was deleted. */
must_check int tun_name(const struct tun *t, char name[16]);
/* A file descriptor of the network namespace it is in, or -errno. */
must_check int tun_netns(const struct tun *t);

#endif
