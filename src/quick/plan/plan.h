/* From what is wanted and what was found to the steps between them. Pure: a plan touches nothing.
 */
#ifndef WG_QUICK_PLAN_H
#define WG_QUICK_PLAN_H

#include "host_state.h"

/* Told what has to be left out, and why. */
typedef void plan_warn(void *ctx, const char *text);

struct plan_options {
	bool hooks;     /* false: none is planned */
	plan_warn *warn;
	void *ctx;
};

/* The interface and the PreUp hooks. */
must_check int plan_link(struct plan *p, const struct tunnel_file *f, const struct plan_options *o);
/* All that comes after; the state knows what PreUp hooks did. 0 or -ENOMEM. The last two parts of it,
 * of which the first begins at p->defaults_at, can be planned anew. */
must_check int plan_rest(struct plan *p, const struct tunnel_file *f, const struct host_state *s,
			 const struct plan_options *o);
must_check int plan_defaults(struct plan *p, const struct tunnel_file *f, const struct host_state *s);
must_check int plan_post_up(struct plan *p, const struct tunnel_file *f, const struct plan_options *o);
/* True when a default route has to be made, so that host_inspect_table() is needed. */
bool plan_makes_default(const struct tunnel_file *f, const struct host_state *s);
bool plan_needs_table(const struct tunnel_file *f, const struct host_state *s);

/* What takes back the steps of `done` that are marked done (or all of them), newest first. */
must_check int plan_undo(struct plan *out, const struct plan *done, bool all);
/* Rules that are not there need not be removed; nor a "suppress" rule that cannot be told to be
 * ours because its tunnel's rule is gone. */
void plan_drop_absent_rules(struct plan *undo, const struct host_state *s);
/* Steps that made what is found of a tunnel nobody kept a record of. */
must_check int plan_from_host(struct plan *p, const struct host_state *s, const char *name);

/* Routes that the file wants, in the order in which they are made: longest prefix first. */
struct desired_route {
	struct ip_prefix prefix;
	char text[IP_PREFIX_TEXT_MAX];
};
must_check int plan_routes(struct desired_route **out, size_t *n, const struct wg_device *d,
			   const struct wg_device *also);
uint32_t plan_mark(const struct tunnel_file *f, const struct host_state *s, bool *given);
/* The mark with which the ways to the endpoints are looked up. */
uint32_t plan_lookup_mark(const struct tunnel_file *f, const struct host_state *s);
unsigned int plan_mtu(const struct tunnel_file *f, const struct host_state *s);
/* Steps for one route of the file; shared with reload.c. */
must_check int plan_one_route(struct plan *p, const struct tunnel_file *f, const struct host_state *s,
			      const struct ip_prefix *prefix, uint32_t mark);
bool plan_is_covered(const struct tunnel_file *f, const struct host_state *s, const struct ip_prefix *p);
must_check int plan_default_route(struct plan *p, const struct host_state *s,
				  const struct ip_prefix *prefix, uint32_t mark);
/* Guards the file's addresses, and those of `also`. */
must_check int plan_firewall(struct plan *p, const struct tunnel_file *f, const struct host_state *s,
			     const struct addresses *also, const bool want[2], uint32_t mark,
			     const struct plan_options *o);

#endif
