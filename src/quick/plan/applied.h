/* The state that `up` and `reload` applied to the host: the contents of the journal. In addition to the desired state (the
 * tunnel file) and the actual one (the host), it shows which parts of the host belong to the tunnel. */
#ifndef WG_QUICK_APPLIED_H
#define WG_QUICK_APPLIED_H

#include "file_values.h"
#include "step.h"

/* A zeroed struct is empty. */
struct applied {
	char *config;               /* path of the tunnel file */
	uint64_t file_changed_ns;   /* when that file was last changed; 0: not known */
	struct plan plan;           /* the steps whose effects outlive the interface, and the interface's own */
	struct addresses addresses; /* those of the tunnel file */
	struct addresses foreign;   /* others that the interface had at the end of `up`, for example a hook's */
	struct string_list hooks[HOOK_PHASES]; /* PreDown and PostDown, those that match the up hooks that ran */
	struct string_list changes; /* changes made by hooks, from hook_changes_note() */
	struct hook_lines lines;    /* those of the tunnel file */
	struct string_list file_lines; /* kept_lines() of the tunnel file */
	struct string_list endpoints; /* "KEY ENDPOINT" as the tunnel file had them, host names unresolved */
	uint16_t port;              /* the listen port at the end of `up`; 0: not known */
	uint32_t mark;              /* the firewall mark at the end of `up`; 0: none, or not known if the port is not */
	bool has_table;
	uint32_t table;             /* tunnel_file_table() */
	uint32_t route_metric;      /* that of the tunnel file */
	struct wg_binding binding;  /* likewise */
	struct prefix_set excluded; /* those of the tunnel file */
	struct string_list routes;  /* those of its peers, from applied_routes_set() */
};
void applied_free(struct applied *a);

/* True for steps that belong into the journal: they add what deleting the interface does not remove. */
bool step_is_journaled(const struct step *s);

/* Each of these returns 0 or -ENOMEM. */

/* Replaces hooks and hook lines, and all that applied_update() does. */
must_check int applied_set(struct applied *a, const struct tunnel_file *f, const struct plan *p);
/* Replaces the steps, addresses, name servers, table and path; leaves the hooks. */
must_check int applied_update(struct applied *a, const struct tunnel_file *f, const struct plan *p);
/* Endpoints of the file's peers as text. Called before host names are resolved. */
must_check int endpoint_texts(struct string_list *out, const struct tunnel_file *f);

/* While a reload is performed: everything of before, and everything the plan may add, with these name servers:
 * before->plan.dns, or those of the plan. */
must_check int applied_during_reload(struct applied *out, const struct applied *before, const struct tunnel_file *f,
				     const struct plan *p, const struct dns_config *dns);
/* After a reload: before, less what the plan removed, plus what it added. */
must_check int applied_after_reload(struct applied *out, const struct applied *before, const struct tunnel_file *f,
				    const struct plan *p);

#endif
