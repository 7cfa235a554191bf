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

static ssize_t plain_read(struct tun *t, struct vnet_header *h, uint8_t *p, size_t capacity)
{
	memset(h, 0, sizeof *h);
	return tun_result(read(t->fd, p, capacity));
}

static int plain_write(struct tun *t, struct iovec *iov, unsigned int n)
{
	return writev(t->fd, iov + 1, (int)n - 1) < 0 ? -errno : 0;
}

static ssize_t vnet_read(struct tun *t, struct vnet_header *h, uint8_t *p, size_t capacity)
{
	struct iovec iov[2] = { { h, t->header_n }, { p, capacity } };
	ssize_t n = tun_result(readv(t->fd, iov, 2));

	return n <= 0 ? n : n > t->header_n ? n - t->header_n : -EIO;
}

static int write_shifted(struct tun *t, struct iovec *iov, unsigned int n, uint8_t shift)
{
	struct vnet_header *h = iov[0].iov_base;
	int result;

	h->outer_l4[0] = (uint8_t)(h->outer_l4[0] + shift);
	result = writev(t->fd, iov, (int)n) < 0 ? -errno : 0;
	h->outer_l4[0] = (uint8_t)(h->outer_l4[0] - shift);
	return result;
}

/* Linux 6.17 and 6.18 refuse the offset of the outer UDP header of a tunnel unless it has space for an Ethernet header,
 * which packets of a TUN do not have. They take a larger one; receiving IP finds the UDP header itself. */
static int vnet_write(struct tun *t, struct iovec *iov, unsigned int n)
{
	const struct vnet_header *h = iov[0].iov_base;
	uint8_t shift;
	int error;

	iov[0].iov_len = t->header_n;
	if (!(h->gso.gso_type & GSO_TUNNEL))
		return writev(t->fd, iov, (int)n) < 0 ? -errno : 0;
	shift = atomic_load_explicit(&t->outer_l4_shift, memory_order_relaxed);
	error = write_shifted(t, iov, n, shift);
	if (error != -EINVAL || shift != 0 || write_shifted(t, iov, n, ETHERNET_HEADER) != 0)
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

static int tun_attach(struct tun *t, const char *name, short flags)
{
	struct ifreq r = { 0 };

	strncpy(r.ifr_name, name, sizeof r.ifr_name - 1);
	r.ifr_flags = flags;
	return ioctl(t->fd, TUNSETIFF, &r) == 0 ? 0 : -errno;
}

int tun_open(struct tun *t, const char *name, unsigned int disabled)
{
	int error = -EINVAL;

	*t = (struct tun){ .fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC) };
	if (t->fd < 0)
		return -errno;
	t->ops = &vnet_ops;
	if (!(disabled & OFFLOAD_NO_VNET))
		error = tun_attach(t, name, IFF_TUN | IFF_NO_PI | IFF_VNET_HDR);
	if (error == -EINVAL) { /* no virtio header in this kernel, or disabled */
		t->ops = &plain_ops;
		error = tun_attach(t, name, IFF_TUN | IFF_NO_PI);
	}
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
				      .outer_l4_shift = atomic_load(&((struct tun *)(uintptr_t)t)->outer_l4_shift) };
}

int tun_share_fd(struct tun *t, int fd, const struct tun_settings *s)
{
	struct ifreq r = { 0 };
	bool vnet;

	*t = (struct tun){ .fd = -1 };
	if (ioctl(fd, TUNGETIFF, &r) != 0)
		return -errno;
	vnet = r.ifr_flags & IFF_VNET_HDR;
	if ((r.ifr_flags & IFF_TAP) || !(r.ifr_flags & IFF_NO_PI) ||
	    (s->outer_l4_shift != 0 && s->outer_l4_shift != ETHERNET_HEADER) ||
	    (vnet && s->header_n != sizeof(struct vnet_header) && s->header_n != sizeof(struct virtio_net_hdr)))
		return -EPROTO;
	t->fd = fd;
	t->ops = vnet ? &vnet_ops : &plain_ops;
	t->offloads = s->offloads;
	t->join = vnet ? s->join & (JOIN_TCP | JOIN_UDP | JOIN_VXLAN) : 0;
	t->header_n = s->header_n;
	atomic_store(&t->outer_l4_shift, s->outer_l4_shift);
	return 0;
}

void tun_close(struct tun *t)
{
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
