/* Binds the outer sockets. */
#ifndef WG_QUICK_HOST_BINDING_H
#define WG_QUICK_HOST_BINDING_H

#include "ipc/binding.h"
#include "quick/config/settings.h"
#include "quick/plan/step.h"
#include "rtnetlink.h"

/* 0, or -errno after reporting. */
must_check int perform_bind(struct ipc *ipc, const struct plan *p, struct step *s);
/* Of ipc_set_binding() or ipc_get_binding(). */
void binding_report_error(const struct step_bind *b, int error);

/* The index of the device; 0: it does not exist, or nothing is bound to a device. */
uint32_t binding_device_index(struct rtnetlink *rt, const struct wg_binding *b);

#endif
