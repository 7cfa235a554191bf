/* Sockets that share a port by SO_REUSEPORT are in one group, in which the kernel numbers them in the order in which they were bound,
 * if they are bound to the same address and device. The program that chooses among them returns such a number. */
#include "udp.h"

bool udp_joins_group(const struct udp_options *o, bool v6)
{
	const struct udp *other = o->next_to;

	return other && other->sockets[v6].fd >= 0 && other->ifindex == o->ifindex &&
	       (o->ifindex == UDP_NO_DEVICE || ip_equal(&other->binding.source[v6], &o->binding.source[v6]));
}

unsigned int udp_group_size(const struct udp *u, bool v6)
{
	unsigned int n = 0;

	for (unsigned int i = v6; i < UDP_SOCKETS; i += 2)
		n += u->sockets[i].fd >= 0;
	for (unsigned int i = 0; i < UDP_SLOW_SOCKETS; i++)
		n += u->slow[v6][i].fd >= 0;
	return n;
}
