/* Creates the interface: in the kernel, or with a userspace implementation. */
#ifndef WG_QUICK_LINK_CREATE_H
#define WG_QUICK_LINK_CREATE_H

#include "quick/config/settings.h"
#include "report/trace.h"
#include "rtnetlink.h"

/* The userspace program that `up` would run, as a name or path; null: the kernel seems to support WireGuard.
 * Valid until the next call. */
const char *link_create_program(const struct settings *set);

/* The module is loaded, built in, or known to modprobe(8). */
bool link_create_kernel_has_wireguard(void);
/* The userspace implementation of this host, or null. Valid until the next call. */
const char *link_create_userspace(const struct settings *set);

struct created_link {
	uint32_t index;
	bool created; /* or possibly created; false: an interface of this name belongs to another program */
};

/* Creates the interface and traces the command: in the kernel, or where that lacks WireGuard and the settings
 * allow it, with a userspace program. 0, or -errno after reporting. */
must_check int link_create(struct created_link *out, struct rtnetlink *rt, const char *name, const struct settings *set,
			   struct command_trace *trace);

#endif
