/* What waits in the sockets, and what they have dropped, as the kernel counts it. */
#include <linux/sock_diag.h>

#include "udp.h"

static uint32_t memory_info(const struct udp_socket *s, unsigned int which)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t n = sizeof info;

	return s->fd >= 0 && getsockopt(s->fd, SOL_SOCKET, SO_MEMINFO, info, &n) == 0 ? info[which] : 0;
}

uint32_t udp_waiting(const struct udp_socket *s)
{
	return memory_info(s, SK_MEMINFO_WMEM_ALLOC);
}

uint64_t udp_take_dropped(struct udp *u)
{
	uint64_t total = 0;

	for (unsigned int i = 0; i < UDP_SOCKETS; i++) {
		struct udp_socket *s = &u->sockets[i];
		uint32_t now = s->fd >= 0 ? memory_info(s, SK_MEMINFO_DROPS) : s->n_dropped;
		total += now - s->n_dropped; /* the kernel's counter has 32 bits, and may wrap */
		s->n_dropped = now;
	}
	return total;
}
