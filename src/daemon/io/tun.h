/* The TUN device, through which the kernel and the daemon exchange inner packets. One set of operations with a
 * virtio header and its offloads, one without (Linux Documentation/networking/tuntap.rst). */
#ifndef DAEMON_TUN_H
#define DAEMON_TUN_H

#include <sys/types.h>
#include "offload.h"

struct tun;

struct tun_ops {
	const char *name;
	/* Reads one packet or super-packet and its virtio header. Returns its bytes, 0 when none waits, or
	 * -errno (-EBADFD: the device was deleted). */
	ssize_t (*read)(struct tun *t, struct vnet_header *h, uint8_t *p, size_t capacity);
	/* iov[0] is the struct vnet_header, of which the device takes what it knows. 0 or -errno. */
	int (*write)(struct tun *t, struct iovec *iov, unsigned int n);
};

struct tun {
	int fd; /* -1: none */
	const struct tun_ops *ops;
	unsigned int offloads; /* TUN_F_… that the kernel accepted; constant */
	uint8_t header_n;  /* bytes of struct vnet_header that the device has */
	_Atomic uint8_t outer_l4_shift; /* see vnet_write */
	struct tunnel_ports tunnels;    /* in the namespace of the device; atomic, control writes them */
	unsigned int join; /* enum join_protocol that the kernel takes; constant */
};

/* Creates the device, or takes an open file descriptor. disabled: enum offload_disable. 0 or -errno. */
must_check int tun_open(struct tun *t, const char *name, unsigned int disabled);
must_check int tun_take_fd(struct tun *t, int fd, unsigned int disabled);
struct tun_settings { /* of an open device, as in struct tun */
	uint32_t offloads, join;
	uint8_t header_n, outer_l4_shift;
};
void tun_settings(const struct tun *t, struct tun_settings *out);
/* Takes a descriptor of a device that another process uses at the moment, with its settings: changes nothing. 0 or -errno;
 * -EPROTO: there are no such settings. */
must_check int tun_share_fd(struct tun *t, int fd, const struct tun_settings *s);
void tun_close(struct tun *t);

/* Its current name. 0 or -errno (-EBADFD: the device was deleted). */
must_check int tun_name(const struct tun *t, char name[16]);
/* A new file descriptor of the network namespace that the device is in, or -errno. */
must_check int tun_netns(const struct tun *t);

#endif
