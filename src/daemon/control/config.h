/* Configuration of the tunnel: the handlers of the UAPI server. */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include "model/model.h"

struct control;

/* Applies a patch to the tunnel of a struct control. 0 or -errno. If memory cannot be reserved, or the sockets cannot be
 * changed, nothing is changed. Port, mark and private key are set before the peers; if a peer fails, what was set
 * before it stays. */
must_check int config_set(void *control, const struct wg_device *patch);
/* Fills in the current state; the caller frees it. 0 or -ENOMEM. */
must_check int config_get(void *control, struct wg_device *state);
/* The same, without what has not been processed yet. */
must_check int config_read(const struct control *c, struct wg_device *state);
/* Names of interfaces as scopes of link-local addresses. */
extern const struct ip_scopes config_scopes;

#endif
