/* The MTU of the tunnel. */
#include "mtu.h"

unsigned int plan_mtu(const struct tunnel_file *f, const struct host_state *s)
{
	unsigned int path = s->path_mtu ? s->path_mtu : MTU_ETHERNET;

	if (f->interface.mtu)
		return f->interface.mtu;
	return path > MTU_OVERHEAD + MTU_MIN ? path - MTU_OVERHEAD : MTU_MIN;
}
