/* Creates the interface: in the kernel, or with a userspace implementation. */
#ifndef WG_QUICK_CREATE_H
#define WG_QUICK_CREATE_H

#include "rtnetlink.h"
#include "quick/config/settings.h"

/* The userspace program that `up` would run, as a name or path; null: the kernel seems to support WireGuard. Valid until
 * the next call. */
const char *create_implementation(const struct settings *set);

struct created {
	uint32_t index;
	bool made; /* created, or possibly created; false: an interface of this name is not ours */
};

/* Creates the interface, and traces the command; where the kernel lacks WireGuard and the settings allow it, with a
 * userspace program. 0, or -errno after reporting. */
must_check int create_link(struct rtnetlink *rt, const char *name, const struct settings *set,
			   struct text *trace, void (*flush)(void *ctx), void *ctx,
			   struct created *out);

/* The directory of the running program, where the other programs of the suite are; null: not known. */
const char *create_own_folder(void);

#endif
