/* The binding of the UDP sockets (model/binding.h): requests, and devices that are deleted and created again. */
#ifndef DAEMON_BINDING_H
#define DAEMON_BINDING_H

#include "state.h"

/* Handlers of the UAPI server; ctx: struct control. Sockets that are open are replaced by others on the same port, and nothing that
 * has arrived is lost. 0; -ENODEV: the device does not exist; -EADDRNOTAVAIL: an address is not one of this host; or another
 * -errno, and nothing changes. */
must_check int control_set_binding(void *ctx, const struct wg_binding *b);
void control_get_binding(void *ctx, struct wg_binding *b);
/* Why the sockets are not bound as they should be, so that nothing is sent or received; null: they are. Asks the kernel. */
const char *control_binding_problem(struct control *c);

/* Links have changed. The kernel binds sockets to the index of an interface, so they are opened again when another interface has the
 * name; while none has it, nothing is sent or received. Tried again at rebind_ns if that fails. O(1). */
void control_follow_device(struct control *c, uint64_t now_ns);

#endif
