/* The identifier of the network namespace: read once, and the same for the life of the process. */
#include "netns.h"

#include "ipc/netns.h"

static bool is_known;
static struct netns netns;

int netns_identify(void)
{
	int r = is_known ? 0 : netns_read(&netns);

	is_known = r == 0;
	return r;
}

uint64_t netns_id(void)
{
	if (netns_identify() < 0)
		unreachable(); /* another identifier would be a second name for the same journal */
	return netns_number(&netns);
}
