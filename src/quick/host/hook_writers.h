/* Who can write the hooks of a tunnel file. They run with the privileges of wg-quick, so those who can write to the file,
 * or replace it in its folder, have these privileges as well. */
#ifndef WG_QUICK_HOOK_WRITERS_H
#define WG_QUICK_HOOK_WRITERS_H

#include "quick/config/settings.h"
#include "quick/config/tunnel_file.h"

/* True when the hooks may be run: [hooks] owner accepts all users who can write them. False is reported, with the
 * setting; warn: so is a user other than root and the caller. */
must_check bool hooks_are_safe(const struct tunnel_file *f, const struct settings *set, bool warn);

#endif
