/* Where the tunnel files and journals of this network namespace are. */
#include "peer_names.h"

#include <sys/auxv.h>
#include <unistd.h>

#include "ipc/netns.h"

void peer_names_read(struct peer_names *out, const struct wg_device *d)
{
	struct names_folders folders = { 0 };
	struct netns netns;

	*out = (struct peer_names){ 0 };
	if (getauxval(AT_SECURE))
		return;
	if (netns_read(&netns) == 0)
		folders.netns = netns_number(&netns);
	names_read(out, d, &folders);
}

bool peer_names_are_shown(const struct program *p)
{
	switch (p->show_names) {
	case SHOW_NAMES_AUTO: return isatty(STDOUT_FILENO);
	case SHOW_NAMES_ALWAYS: return true;
	case SHOW_NAMES_NEVER: return false;
	}
	unreachable();
}
