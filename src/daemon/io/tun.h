/* The TUN device, through which the kernel and the daemon exchange inner packets. One set of operations with a
 * virtio header and its offloads, one without (Linux Documentation/networking/tuntap.rst). */
#ifndef DAEMON_TUN_H
#define DAEMON_TUN_H

#include <sys/types.h>
#include "offload.h"

struct tun;

/* Queues of a device (IFF_MULTI_QUEUE): the kernel delivers a flow to the queue that its replies were written to, and one
 * that has no replies to a queue that depends on a hash of its addresses and ports. */
enum { TUN_QUEUES_MAX = 8 };

struct tun_ops {
	const char *name;
	/* Reads one packet or super-packet and its virtio header. Returns its bytes, 0 when none waits, or
	 * -errno (-EBADFD: the device was deleted). */
	ssize_t (*read)(struct tun *t, unsigned int queue, struct vnet_header *h, uint8_t *p, size_t capacity);
	/* iov[0] is the struct vnet_header, of which the device takes what it knows. 0 or -errno. */
	int (*write)(struct tun *t, unsigned int queue, struct iovec *iov, unsigned int n);
};

struct tun {
	int fd; /* of the first queue; -1: none */
	int more_fds[TUN_QUEUES_MAX - 1]; /* of the others */
	unsigned int n_more;
	const struct tun_ops *ops;
	unsigned int offloads; /* TUN_F_… that the kernel accepted; constant */
	uint8_t header_n;  /* bytes of struct vnet_header that the device has */
	_Atomic uint8_t outer_l4_shift; /* see vnet_write */
	struct tunnel_ports tunnels;    /* in the namespace of the device; atomic, control writes them */
	unsigned int join; /* enum join_protocol that the kernel takes; constant */
};

/* Creates the device, or takes an open file descriptor, which has one queue. disabled: enum offload_disable. queues: as
 * many as the system gives, up to TUN_QUEUES_MAX. 0 or -errno. */
must_check int tun_open(struct tun *t, const char *name, unsigned int queues, unsigned int disabled);
must_check int tun_take_fd(struct tun *t, int fd, unsigned int disabled);
struct tun_settings { /* of an open device, as in struct tun */
	uint32_t offloads, join;
	uint8_t header_n, outer_l4_shift;
	uint8_t queues;
};
void tun_settings(const struct tun *t, struct tun_settings *out);
/* Takes the descriptors of the queues of a device that another process uses at the moment, with its settings: changes
 * nothing. 0 or -errno; -EPROTO: there are no such settings. */
must_check int tun_share_fds(struct tun *t, const int *fds, const struct tun_settings *s);
/* Takes the descriptors of more of its queues; negative ones are left out. */
void tun_add_queues(struct tun *t, const int *fds, size_t n);
void tun_close(struct tun *t);

static inline unsigned int tun_queues(const struct tun *t)
{
	return 1 + t->n_more;
}

static inline int tun_queue_fd(const struct tun *t, unsigned int queue)
{
	return queue == 0 ? t->fd : t->more_fds[queue - 1];
}
/* The queue that a packet is written to: the same for all packets of a flow, so that its replies come from one queue. */
unsigned int tun_queue_for(const struct tun *t, const uint8_t *packet, size_t n);

/* Its current name. 0 or -errno (-EBADFD: the device was deleted). */
must_check int tun_name(const struct tun *t, char name[16]);
/* A new file descriptor of the network namespace that the device is in, or -errno. */
must_check int tun_netns(const struct tun *t);

#endif
