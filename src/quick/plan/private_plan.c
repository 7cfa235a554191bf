/* The plan of `run`. */
#include "private_plan.h"

#include <stdlib.h>

#include "up.h"

void private_file_adapt(struct tunnel_file *f)
{
	f->interface.table_kind = TABLE_GIVEN;
	f->interface.table = TABLE_MAIN;
	free(f->interface.table_word);
	f->interface.table_word = NULL;
	f->interface.netns[0] = '\0';
	f->device.flags &= ~(uint32_t)(WG_DEVICE_HAS_FWMARK | WG_DEVICE_HAS_LISTEN_PORT);
}

int plan_private(struct plan *p, const struct tunnel_file *f, const struct host_state *s, const struct plan_options *o)
{
	struct host_state own = { .path_mtu = s->path_mtu, .ipv6 = s->ipv6 };
	struct plan_options options = { .warn = o->warn, .ctx = o->ctx };
	int r = plan_interface(p, f, &options);

	plan_drop_kind(p, STEP_BIND); /* `run` sends the request when it starts the daemon */
	return r < 0 ? r : plan_tunnel(p, f, &own, &options);
}
