/* The units wg-quick-health@NAME.service of systemd(1), which have failed while wg-quick-monitor.service cannot keep a tunnel. */
#ifndef WG_QUICK_UNIT_STATE_H
#define WG_QUICK_UNIT_STATE_H

#include "base/text.h"

/* This process is a service of systemd. */
bool unit_state_is_used(void);
/* Starts the unit, whose only purpose is to fail, or resets those of a list of names, separated by blanks. Waits for
 * systemctl(1), whose messages are not shown. 0 or -errno. */
must_check int unit_state_fail(const char *name);
must_check int unit_state_reset(struct span names);

#endif
