/* Creates a TUN device (Linux Documentation/networking/tuntap.rst) and sockets in its namespace. */
#include "run_tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "report/report.h"
#include "run_namespaces.h"

static int report_open_failure(int error)
{
	report_error("cannot open /dev/net/tun: %s", strerror(-error));
	if (error == -ENOENT || error == -ENODEV || error == -ENXIO)
		report_help("load the driver as root: modprobe tun");
	else if (error == -EACCES)
		report_help("every user may open it on most systems: as root, chmod 0666 /dev/net/tun");
	else if (error == -EPERM)
		report_help("the container has to permit the device 10:200, for example by --device /dev/net/tun");
	return error;
}

static int attach(const char *name, short flags)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), error;
	struct ifreq r = { .ifr_flags = flags };

	if (fd < 0)
		return report_open_failure(-errno);
	memcpy(r.ifr_name, name, strnlen(name, sizeof r.ifr_name - 1));
	if (ioctl(fd, TUNSETIFF, &r) == 0)
		return fd;
	error = -errno;
	close(fd);
	return run_namespaces_refused("create the TUN device", error);
}

/* As many as wireguardd has threads; it closes those that it does not serve. */
static size_t queues_wanted(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN) / 2;

	return n < 1 ? 1 : n > RUN_QUEUES_MAX ? RUN_QUEUES_MAX : (size_t)n;
}

/* Without them the daemon sends no ICMP errors, and without ping_group_range, ping(8) needs a capability. */
static void open_icmp(struct run_device *d)
{
	char text[32];
	struct text t = text_fixed(text, sizeof text);
	int fd = open("/proc/sys/net/ipv4/ping_group_range", O_WRONLY | O_CLOEXEC);
	ssize_t n;

	d->sockets[2] = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP);
	d->sockets[3] = d->sockets[2] < 0 ? -1 :
			socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	text_f(&t, "%u %u", (unsigned int)getegid(), (unsigned int)getegid());
	if (fd < 0)
		return;
	n = write(fd, text, t.n);
	(void)n;
	close(fd);
}

int run_tun_open(struct run_device *d, const char *name)
{
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	size_t wanted = queues_wanted();
	short flags = (short)(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | (wanted > 1 ? IFF_MULTI_QUEUE : 0));

	*d = (struct run_device){ .sockets = { -1, -1, -1, -1 } };
	for (size_t i = 0; i < wanted; i++) {
		int fd = attach(name, flags);
		if (fd < 0)
			return fd;
		d->queues[d->n_queues++] = fd;
	}
	for (size_t i = 0; i < 2; i++) {
		d->sockets[i] = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
		/* One without an address receives no events. */
		if (d->sockets[i] < 0 || bind(d->sockets[i], (const struct sockaddr *)&any, sizeof any) != 0)
			return run_namespaces_refused("open a netlink socket", -errno);
	}
	open_icmp(d);
	return 0;
}
