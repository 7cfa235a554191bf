/* Uevents of the kernel (netlink(7), NETLINK_KOBJECT_UEVENT), and a timer that is cancelled when the time is set
 * (timerfd_create(2)). */
#include "vm_clone.h"

#include <errno.h>
#include <linux/filter.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "daemon/io/netlink.h"

#define JUMP_NS ((int64_t)(2 * NS_PER_S)) /* more than clocks drift apart while sessions live */
#define LOSS_NS (60 * NS_PER_S)               /* in which losses count once */
#define PAUSE_NS (100 * NS_PER_MS)            /* between readings of clocks, after which they are not comparable */

enum {
	GROUP_KERNEL = 1,
	BUFFER_BYTES = 1 << 24, /* of the socket: a lost message counts as an event; udevadm trigger causes thousands */
	MESSAGE_BYTES = 4096,   /* kernel: at most 2,048 of variables, and a path */
	READS_MAX = 64,         /* of one turn */
};

/* The socket receives messages about changes only: "change@/devices/…". */
static int attach_filter(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x6368616e, 0, 1), /* "chan" */
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { ARRAY_LEN(code), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0 ? 0 : -errno;
}

int vm_clone_subscribe(void)
{
	int fd = netlink_open_protocol(NETLINK_KOBJECT_UEVENT, GROUP_KERNEL), size = BUFFER_BYTES;
	int error = fd < 0 ? fd : attach_filter(fd);

	if (error) {
		if (fd >= 0)
			close(fd);
		return error;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	return fd;
}

/* A header, and variables, each ended by a zero byte. */
bool vm_clone_is_event(const char *message, size_t n)
{
	static const char action[] = "change@", variable[] = "NEW_VMGENID=1";

	if (n < sizeof action || memcmp(message, action, sizeof action - 1) != 0)
		return false;
	for (size_t at = 0, size; at < n; at += size + 1) {
		size = strnlen(message + at, n - at);
		if (size == sizeof variable - 1 && memcmp(message + at, variable, size) == 0)
			return true;
	}
	return false;
}

bool vm_clone_read_events(int fd, struct vm_clone_losses *losses)
{
	char message[MESSAGE_BYTES];
	bool is_copy = false;

	for (unsigned int i = 0; i < READS_MAX; i++) {
		struct sockaddr_nl from = { 0 };
		socklen_t size = sizeof from;
		ssize_t n = recvfrom(fd, message, sizeof message, MSG_DONTWAIT, (struct sockaddr *)&from, &size);
		if (n < 0 && errno == ENOBUFS)
			losses->is_pending = true;
		else if (n < 0 && errno != EINTR)
			break;
		else if (n > 0 && from.nl_pid == 0) /* from the kernel */
			is_copy |= vm_clone_is_event(message, (size_t)n);
	}
	return is_copy;
}

bool vm_clone_losses_take(struct vm_clone_losses *l, uint64_t now_ns)
{
	if (!l->is_pending || now_ns < l->next_ns)
		return false;
	*l = (struct vm_clone_losses){ .next_ns = now_ns + LOSS_NS };
	return true;
}

uint64_t vm_clone_losses_deadline(const struct vm_clone_losses *l)
{
	return l->is_pending ? l->next_ns : NEVER;
}

/* ---- the clock ---- */

int vm_clone_watch_clock(void)
{
	const struct itimerspec never = { .it_value.tv_sec = (time_t)1 << (sizeof(time_t) * 8 - 2) };
	int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC), error;

	if (fd < 0)
		return -errno;
	if (timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) == 0)
		return fd;
	error = -errno;
	close(fd);
	return error;
}

void vm_clone_clear_clock(int fd)
{
	uint64_t times;

	if (read(fd, &times, sizeof times) < 0)
		return; /* ECANCELED: the time was set, and the timer runs on */
}

bool vm_clone_clock_jumped(int64_t *offset_ns, uint64_t before_ns, uint64_t wall_ns, uint64_t boot_ns)
{
	int64_t before = *offset_ns, now = (int64_t)(wall_ns - boot_ns);

	if (boot_ns - before_ns > PAUSE_NS)
		return false;
	*offset_ns = now;
	return before != 0 && now > before && now - before > JUMP_NS;
}
