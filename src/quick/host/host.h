/* Connections to the kernel and to WireGuard devices, and the settings for this host. */
#ifndef WG_QUICK_HOST_H
#define WG_QUICK_HOST_H

#include "ipc/ipc.h"
#include "quick/config/settings.h"
#include "rtnetlink.h"

struct host {
	struct rtnetlink rtnetlink;
	struct ipc ipc; /* opens itself when it is first used */
	struct settings settings;
	struct rtnetlink outer; /* while inside a network namespace (netns_place.h): that of the namespace of wg-quick */
};

#endif
