/* A tunnel without a journal, for example one that wireguard-tools brought up: its steps, as far as they
 * can be derived from the state of the host. The firewall rules are found by name (host/firewall.h). */
#ifndef WG_QUICK_UNJOURNALED_H
#define WG_QUICK_UNJOURNALED_H

#include "host_state.h"

/* Appends the steps that created the interface and its policy routing. 0 or -ENOMEM. */
must_check int plan_unjournaled(struct plan *p, const struct host_state *s, const char name[WG_NAME_MAX]);

/* Appends the step that removes its name servers, if any may be set. 0 or -ENOMEM. */
must_check int plan_unjournaled_dns(struct plan *p, const struct host_state *s, const char name[WG_NAME_MAX],
				    const struct dns_config *dns);

#endif
