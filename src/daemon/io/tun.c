/* /dev/net/tun, with and without the virtio header and its offloads. */
#include "tun.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "offload_disable.h"

static_assert(sizeof(struct virtio_net_hdr) == 10, "what the kernel puts before a packet (VIRTIO 1.2, 5.1.6)");

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20 /* Linux 6.2 */
#define TUN_F_USO6 0x40
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

static ssize_t plain_read(struct tun *t, struct virtio_net_hdr *h, uint8_t *p, size_t capacity)
{
	memset(h, 0, sizeof *h);
	return tun_result(read(t->fd, p, capacity));
}

static int plain_write(struct tun *t, const struct iovec *iov, unsigned int n)
{
	return writev(t->fd, iov + 1, (int)n - 1) < 0 ? -errno : 0;
}

static ssize_t vnet_read(struct tun *t, struct virtio_net_hdr *h, uint8_t *p, size_t capacity)
{
	struct iovec iov[2] = { { h, sizeof *h }, { p, capacity } };
	ssize_t n = tun_result(readv(t->fd, iov, 2));

	return n <= 0 ? n : n > (ssize_t)sizeof *h ? n - (ssize_t)sizeof *h : -EIO;
}

static int vnet_write(struct tun *t, const struct iovec *iov, unsigned int n)
{
	return writev(t->fd, iov, (int)n) < 0 ? -errno : 0;
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

/* Requests as many offloads as the kernel accepts. */
static void request_offloads(struct tun *t, unsigned int disabled)
{
	static const unsigned int tso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	unsigned int uso = disabled & OFFLOAD_NO_USO ? 0 : TUN_F_USO4 | TUN_F_USO6;

	t->join = 0;
	if (t->ops != &vnet_ops)
		return;
	if (!(disabled & OFFLOAD_NO_TSO) && uso && set_offloads(t, tso | uso))
		t->join = JOIN_TCP | JOIN_UDP;
	else if (!(disabled & OFFLOAD_NO_TSO) && set_offloads(t, tso))
		t->join = JOIN_TCP;
	else if (set_offloads(t, 0)) /* writing joined packets needs none of them */
		t->join = disabled & OFFLOAD_NO_TSO ? JOIN_TCP : 0;
	if (disabled & OFFLOAD_NO_JOIN)
		t->join = 0;
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
	if (error)
		tun_close(t);
	else
		request_offloads(t, disabled);
	return error;
}

int tun_take_fd(struct tun *t, int fd, unsigned int disabled)
{
	struct ifreq r = { 0 };
	int flags = fcntl(fd, F_GETFL), header = sizeof(struct virtio_net_hdr);

	*t = (struct tun){ .fd = -1 };
	if (flags < 0 || ioctl(fd, TUNGETIFF, &r) != 0)
		return -errno;
	if ((r.ifr_flags & IFF_TAP) || !(r.ifr_flags & IFF_NO_PI))
		return -EINVAL;
	if ((r.ifr_flags & IFF_VNET_HDR) && ioctl(fd, TUNSETVNETHDRSZ, &header) != 0)
		return -errno;
	if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		return -errno;
	t->fd = fd;
	t->ops = r.ifr_flags & IFF_VNET_HDR ? &vnet_ops : &plain_ops;
	request_offloads(t, disabled);
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
