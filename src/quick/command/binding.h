/* Whether the tunnel supports BindDevice and SourceAddress. */
#ifndef WG_QUICK_COMMAND_BINDING_H
#define WG_QUICK_COMMAND_BINDING_H

#include "quick/host/host.h"
#include "quick/plan/applied.h"

/* Before the interface is created. 0, or -errno after reporting. */
must_check int check_binding(const struct tunnel_file *f, const struct settings *set);
/* Asks the daemon, if the file or what was applied (may be null) has one. 0, or -errno after reporting. */
must_check int inspect_binding(struct host_state *s, struct host *host, const struct tunnel_file *f, const struct applied *a);
/* The same; what cannot be asked counts as not bound. */
void inspect_binding_quietly(struct host_state *s, struct host *host, const struct tunnel_file *f, const struct applied *a);
/* Of the daemon that was started for a tunnel which is up: what it is bound to may be missing now. Likewise. */
must_check int restore_binding(struct host *host, const struct tunnel_file *f);

#endif
