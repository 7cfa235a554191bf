/* /dev/net/tun, with and without the virtio header and its offloads. */
#include "tun.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "base/text.h"
#include "daemon/process/log.h"
#include "offload_disable.h"

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20 /* Linux 6.2 */
#define TUN_F_USO6 0x40
#endif
#ifndef TUN_F_UDP_TUNNEL_GSO
#define TUN_F_UDP_TUNNEL_GSO 0x80 /* Linux 6.17 */
#define TUN_F_UDP_TUNNEL_GSO_CSUM 0x100
#endif
#ifndef TUNGETDEVNETNS
#define TUNGETDEVNETNS _IO('T', 227) /* Linux 5.2 */
#endif

static ssize_t tun_result(ssize_t n)
{
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

static ssize_t plain_read(struct tun *t, unsigned int queue, struct vnet_header *h, uint8_t *p, size_t capacity)
{
	memset(h, 0, sizeof *h);
	return tun_result(read(tun_queue_fd(t, queue), p, capacity));
}

static int plain_write(struct tun *t, unsigned int queue, struct iovec *iov, unsigned int n)
{
	return writev(tun_queue_fd(t, queue), iov + 1, (int)n - 1) < 0 ? -errno : 0;
}

static ssize_t vnet_read(struct tun *t, unsigned int queue, struct vnet_header *h, uint8_t *p, size_t capacity)
{
	struct iovec iov[2] = { { h, t->header_n }, { p, capacity } };
	ssize_t n = tun_result(readv(tun_queue_fd(t, queue), iov, 2));

	return n <= 0 ? n : n > t->header_n ? n - t->header_n : -EIO;
}

static int write_shifted(int fd, struct iovec *iov, unsigned int n, uint8_t shift)
{
	struct vnet_header *h = iov[0].iov_base;
	int result;

	h->outer_l4[0] = (uint8_t)(h->outer_l4[0] + shift);
	result = writev(fd, iov, (int)n) < 0 ? -errno : 0;
	h->outer_l4[0] = (uint8_t)(h->outer_l4[0] - shift);
	return result;
}

/* Linux 6.17 and 6.18 refuse the offset of the outer UDP header of a tunnel unless it has space for an Ethernet header,
 * which packets of a TUN do not have. They take a larger one; receiving IP finds the UDP header itself. */
static int vnet_write(struct tun *t, unsigned int queue, struct iovec *iov, unsigned int n)
{
	const struct vnet_header *h = iov[0].iov_base;
	int fd = tun_queue_fd(t, queue);
	uint8_t shift;
	int error;

	iov[0].iov_len = t->header_n;
	if (!(h->gso.gso_type & GSO_TUNNEL))
		return writev(fd, iov, (int)n) < 0 ? -errno : 0;
	shift = atomic_load_explicit(&t->outer_l4_shift, memory_order_relaxed);
	error = write_shifted(fd, iov, n, shift);
	if (error != -EINVAL || shift != 0 || write_shifted(fd, iov, n, ETHERNET_HEADER) != 0)
		return error;
	atomic_store_explicit(&t->outer_l4_shift, ETHERNET_HEADER, memory_order_relaxed);
	return 0;
}

static const struct tun_ops plain_ops = { "plain", plain_read, plain_write };
static const struct tun_ops vnet_ops = { "vnet", vnet_read, vnet_write };

static bool set_offloads(struct tun *t, unsigned int offloads)
{
	if (ioctl(t->fd, TUNSETOFFLOAD, offloads) != 0)
		return false;
	t->offloads = offloads;
	return true;
}

static int set_header(struct tun *t, size_t bytes)
{
	int size = (int)bytes;

	t->header_n = (uint8_t)bytes;
	return ioctl(t->fd, TUNSETVNETHDRSZ, &size) == 0 ? 0 : -errno;
}

/* Requests as many offloads as the kernel accepts, and the virtio header that they need. 0 or -errno. */
static int request_offloads(struct tun *t, unsigned int disabled)
{
	static const unsigned int tso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	static const unsigned int tunnel = TUN_F_UDP_TUNNEL_GSO | TUN_F_UDP_TUNNEL_GSO_CSUM;
	unsigned int uso = disabled & OFFLOAD_NO_USO ? 0 : TUN_F_USO4 | TUN_F_USO6;
	bool may_split = !(disabled & OFFLOAD_NO_TSO), may_join = !(disabled & OFFLOAD_NO_JOIN);

	t->join = 0;
	if (t->ops != &vnet_ops)
		return 0;
	if (may_split && uso && !(disabled & OFFLOAD_NO_TUNNEL) &&
	    set_header(t, sizeof(struct vnet_header)) == 0 &&
	    set_offloads(t, tso | uso | tunnel)) {
		t->join = may_join ? JOIN_TCP | JOIN_UDP | JOIN_VXLAN : 0;
		return 0;
	}
	if (may_split && uso && set_offloads(t, tso | uso))
		t->join = JOIN_TCP | JOIN_UDP;
	else if (may_split && set_offloads(t, tso))
		t->join = JOIN_TCP;
	else if (set_offloads(t, 0)) /* writing joined packets needs none of them */
		t->join = may_split ? 0 : JOIN_TCP;
	if (!may_join)
		t->join = 0;
	return set_header(t, sizeof(struct virtio_net_hdr)); /* the kernel refuses it before the tunnels are off */
}

static int open_device(void)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int tun_attach(int fd, const char *name, short flags)
{
	struct ifreq r = { 0 };

	memcpy(r.ifr_name, name, strnlen(name, sizeof r.ifr_name - 1));
	r.ifr_flags = flags;
	return ioctl(fd, TUNSETIFF, &r) == 0 ? 0 : -errno;
}

/* -EINVAL: not with these flags. */
static int attach_first(struct tun *t, const char *name, short flags, unsigned int disabled)
{
	int error = -EINVAL;

	t->ops = &vnet_ops;
	if (!(disabled & OFFLOAD_NO_VNET))
		error = tun_attach(t->fd, name, (short)(flags | IFF_VNET_HDR));
	if (error == -EINVAL) { /* no virtio header in this kernel, or disabled */
		t->ops = &plain_ops;
		error = tun_attach(t->fd, name, flags);
	}
	return error;
}

/* The device can do with fewer queues. */
static void attach_more(struct tun *t, unsigned int queues)
{
	short flags = IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE;
	char name[16];
	int error = tun_name(t, name);

	if (t->ops == &vnet_ops)
		flags = (short)(flags | IFF_VNET_HDR);
	while (!error && tun_queues(t) < queues) {
		int fd = open_device();
		error = fd < 0 ? fd : tun_attach(fd, name, flags);
		if (!error)
			t->more_fds[t->n_more++] = fd;
		else if (fd >= 0)
			close(fd);
	}
	if (error)
		log_verbose("TUN has %u queues, no more: %s", tun_queues(t), strerror(-error));
}

/* Of a device with several queues, every process may take one more, so it is taken only if it did not exist. What exists may
 * be a persistent device with a single queue that nobody uses. */
static int create_with_queues(struct tun *t, const char *name, unsigned int queues, unsigned int disabled)
{
	char path[64];
	struct text p = text_fixed(path, sizeof path);
	int error = attach_first(t, name, (short)(IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE | IFF_TUN_EXCL), disabled);

	if (!error)
		attach_more(t, queues);
	if (error != -EBUSY && error != -EINVAL)
		return error;
	error = attach_first(t, name, IFF_TUN | IFF_NO_PI, disabled);
	text_f(&p, "/sys/class/net/%s/tun_flags", name);
	return error == -EINVAL && access(path, F_OK) == 0 ? -EBUSY : error; /* it has several queues */
}

int tun_open(struct tun *t, const char *name, unsigned int queues, unsigned int disabled)
{
	int error;

	if (queues > TUN_QUEUES_MAX)
		queues = TUN_QUEUES_MAX;
	*t = (struct tun){ .fd = open_device() };
	if (t->fd < 0)
		return t->fd;
	if (queues > 1 && !(disabled & OFFLOAD_NO_QUEUES))
		error = create_with_queues(t, name, queues, disabled);
	else
		error = attach_first(t, name, IFF_TUN | IFF_NO_PI, disabled);
	if (!error)
		error = request_offloads(t, disabled);
	if (error)
		tun_close(t);
	return error;
}

int tun_take_fd(struct tun *t, int fd, unsigned int disabled)
{
	struct ifreq r = { 0 };
	int flags = fcntl(fd, F_GETFL), error;

	*t = (struct tun){ .fd = -1 };
	if (flags < 0 || ioctl(fd, TUNGETIFF, &r) != 0)
		return -errno;
	if ((r.ifr_flags & IFF_TAP) || !(r.ifr_flags & IFF_NO_PI))
		return -EINVAL;
	if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		return -errno;
	t->fd = fd;
	t->ops = r.ifr_flags & IFF_VNET_HDR ? &vnet_ops : &plain_ops;
	error = request_offloads(t, disabled);
	if (error)
		t->fd = -1;
	return error;
}

void tun_settings(const struct tun *t, struct tun_settings *out)
{
	*out = (struct tun_settings){ .offloads = t->offloads, .join = t->join, .header_n = t->header_n,
				      .outer_l4_shift = atomic_load(&((struct tun *)(uintptr_t)t)->outer_l4_shift),
				      .queues = (uint8_t)tun_queues(t) };
}

int tun_share_fds(struct tun *t, const int *fds, const struct tun_settings *s)
{
	struct ifreq r = { 0 };
	bool vnet;

	*t = (struct tun){ .fd = -1 };
	if (ioctl(fds[0], TUNGETIFF, &r) != 0)
		return -errno;
	vnet = r.ifr_flags & IFF_VNET_HDR;
	if ((r.ifr_flags & IFF_TAP) || !(r.ifr_flags & IFF_NO_PI) || s->queues < 1 || s->queues > TUN_QUEUES_MAX ||
	    (s->outer_l4_shift != 0 && s->outer_l4_shift != ETHERNET_HEADER) ||
	    (vnet && s->header_n != sizeof(struct vnet_header) && s->header_n != sizeof(struct virtio_net_hdr)))
		return -EPROTO;
	t->fd = fds[0];
	t->n_more = s->queues - 1u;
	for (unsigned int i = 0; i < t->n_more; i++)
		t->more_fds[i] = fds[1 + i];
	t->ops = vnet ? &vnet_ops : &plain_ops;
	t->offloads = s->offloads;
	t->join = vnet ? s->join & (JOIN_TCP | JOIN_UDP | JOIN_VXLAN) : 0;
	t->header_n = s->header_n;
	atomic_store(&t->outer_l4_shift, s->outer_l4_shift);
	return 0;
}

void tun_add_queues(struct tun *t, const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0 && t->n_more < ARRAY_LEN(t->more_fds))
			t->more_fds[t->n_more++] = fds[i];
}

void tun_close(struct tun *t)
{
	while (t->n_more > 0)
		close(t->more_fds[--t->n_more]);
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

int tun_name(const struct tun *t, char name[16])
{
	struct ifreq r = { 0 };

	if (ioctl(t->fd, TUNGETIFF, &r) != 0)
		return -errno;
	memcpy(name, r.ifr_name, 16);
	name[15] = '\0';
	return 0;
}

int tun_netns(const struct tun *t)
{
	int fd = ioctl(t->fd, TUNGETDEVNETNS);

	return fd < 0 ? -errno : fd;
}

unsigned int tun_queue_for(const struct tun *t, const uint8_t *p, size_t n)
{
	uint32_t h = 0;
	size_t at = 12, end = 20; /* IPv4: the addresses */

	if (t->n_more == 0 || n < 20)
		return 0;
	if (p[0] >> 4 == 6) {
		at = 8;
		end = 40;
	} else if ((load_be16(p + 6) & 0x3fff) != 0) {
		n = end; /* only the first fragment has the ports */
	}
	if ((p[0] == 0x45 && (p[9] == 6 || p[9] == 17)) || (p[0] >> 4 == 6 && (p[6] == 6 || p[6] == 17)))
		end += 4;
	for (; at < end && at + 4 <= n; at += 4)
		h = (h ^ load_le32(p + at)) * 0x9e3779b1u;
	h = (h ^ h >> 15) * 0x85ebca6bu;
	return (h >> 16) % tun_queues(t);
}
