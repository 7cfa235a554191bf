/* The plan of `up`: from the tunnel file and the state of the host to steps. */
#ifndef WG_QUICK_PLAN_UP_H
#define WG_QUICK_PLAN_UP_H

#include "host_state.h"
#include "options.h"

/* Each function appends a part of the plan; 0 or -ENOMEM. The parts in order: */

/* The interface and the PreUp hooks. */
must_check int plan_interface(struct plan *p, const struct tunnel_file *f, const struct plan_options *o);
/* Everything else, the default routes and PostUp hooks included; they begin at p->defaults_at. The state is that
 * after the PreUp hooks. */
must_check int plan_tunnel(struct plan *p, const struct tunnel_file *f, const struct host_state *s,
			   const struct plan_options *o);
must_check int plan_post_up(struct plan *p, const struct tunnel_file *f, const struct plan_options *o);

/* ---- shared with the plan of a reload ---- */

/* Protects the addresses of the tunnel file and those of `also`, for the families that have a default route. */
must_check int plan_firewall(struct plan *p, const struct tunnel_file *f, const struct host_state *s,
			     const struct addresses *also, const bool families[2], uint32_t mark,
			     const struct plan_options *o);
/* Sets the network namespace of the interface. */
void plan_netns_context(struct plan *p, const struct tunnel_file *f);
/* Sets what a DNS step needs. 0 or -ENOMEM. */
must_check int plan_dns_context(struct plan *p, const struct tunnel_file *f, const struct host_state *s);
bool dns_is_configured(const struct dns_config *d);

#endif
