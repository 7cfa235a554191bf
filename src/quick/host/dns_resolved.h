/* DNS through systemd-resolved, over D-Bus or with resolvectl(1). */
#ifndef WG_QUICK_DNS_RESOLVED_H
#define WG_QUICK_DNS_RESOLVED_H

#include "quick/plan/resolv_conf.h"

/* Whether resolv.conf sends what programs ask to systemd-resolved: it is a link to one of its files, or contents that
 * name its address. `now`: the file, or the original of one that is ours. */
enum resolved_owns { RESOLVED_OWNS_NOTHING, RESOLVED_OWNS_LINK, RESOLVED_IS_NAMED };
enum resolved_owns resolved_owns(const struct resolv_conf *now);

/* True when it is running, or D-Bus starts it. */
bool resolved_answers(void);

/* 0, or -errno with the reason in *why; -EBUSY: systemd-networkd manages the link. */
must_check int resolved_set(uint32_t ifindex, const struct dns_config *d, struct text *why);
/* 0 also if the settings are gone: with the link, or because systemd-networkd manages it. */
must_check int resolved_revert(uint32_t ifindex, struct text *why);

#endif
