/* Making the interface: the kernel's, or a userspace program's. */
#ifndef WG_QUICK_CREATE_H
#define WG_QUICK_CREATE_H

#include "rtnetlink.h"
#include "quick/config/settings.h"

/* The program that would have to make it here, as a name or path; null: the kernel can, as far as
 * one can see without trying. Static storage. */
const char *create_implementation(const struct settings *set);

struct created {
	uint32_t index;
	bool made; /* or perhaps made; else what has the name is somebody else's */
};

/* Makes it, falls back, says so. 0 or -errno after saying why. */
must_check int create_link(struct rtnetlink *rt, const char *name, const struct settings *set,
			   struct text *trace, void (*flush)(void *ctx), void *ctx,
			   struct created *out);

/* Where our own binary lies, for programs beside it; null: not known. */
const char *create_own_folder(void);

#endif
