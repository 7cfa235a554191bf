/* Changes made by hooks: the settings in which the tunnel differed from its file at the end of `up`. The journal records them,
 * with a fingerprint of the value that the file had. `reload` and `diff` leave such a setting alone as long as the file
 * has that value; a file that was edited takes precedence. */
#ifndef WG_QUICK_HOOK_CHANGES_H
#define WG_QUICK_HOOK_CHANGES_H

#include "file_values.h"
#include "step.h"

/* The notes, seen with the present tunnel file. */
struct hook_changes {
	const struct string_list *noted; /* sorted; borrowed */
	uint32_t kinds;                  /* bit per kind of setting that is noted */
	struct file_values values;
};
/* 0 or -ENOMEM. */
must_check int hook_changes_init(struct hook_changes *c, const struct string_list *noted, const struct tunnel_file *f);
void hook_changes_free(struct hook_changes *c);

/* True when a hook changed the setting and the file has not changed it since. False if c is null. */
bool hook_changed(const struct hook_changes *c, const struct tunnel_setting *s);
/* The same for a setting of the whole tunnel, and of one family, address, route or peer. */
bool hook_changed_tunnel(const struct hook_changes *c, enum tunnel_setting_kind kind);
bool hook_changed_family(const struct hook_changes *c, enum tunnel_setting_kind kind, uint8_t family);
bool hook_changed_address(const struct hook_changes *c, const struct interface_address *a);
bool hook_changed_route(const struct hook_changes *c, const struct ip_prefix *prefix, uint32_t table);
bool hook_changed_peer(const struct hook_changes *c, enum tunnel_setting_kind kind, const struct wg_public *key);

/* The configuration that the device should have: that of the file, except for changes made by hooks, which are as the
 * device `actual` has it. 0 or -ENOMEM. */
must_check int hook_changes_device(struct wg_device *out, const struct hook_changes *c, const struct wg_device *actual);

/* Appends a note; the list must be sorted before it is used. 0 or -ENOMEM. */
must_check int hook_changes_add(struct string_list *noted, const struct file_values *v, const struct tunnel_setting *s);
void hook_changes_sort(struct string_list *noted); /* and removes duplicates */
/* The notes that still hold after a reload with this file, which performed the plan. 0 or -ENOMEM. */
must_check int hook_changes_remaining(struct string_list *out, const struct string_list *noted,
				      const struct tunnel_file *f, const struct plan *p);

#endif
