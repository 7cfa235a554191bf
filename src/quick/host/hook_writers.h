/* Who can write the hooks of a tunnel file. Hooks run with the privileges of wg-quick, so every user who can write to the
 * file, or replace it in its folder, effectively has these privileges. */
#ifndef WG_QUICK_HOOK_WRITERS_H
#define WG_QUICK_HOOK_WRITERS_H

#include "quick/config/settings.h"
#include "quick/config/tunnel_file.h"

/* True when the hooks may be run: [hooks] owner accepts all users who can write them. False is reported, with the setting
 * that would accept them. warn: also warns of a user other than root and the caller. */
must_check bool hooks_are_safe(const struct tunnel_file *f, const struct settings *set, bool warn);

#endif
