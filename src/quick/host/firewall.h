/* Installs and removes the firewall rules of a default route, which plan/firewall_text.h describes. */
#ifndef WG_QUICK_FIREWALL_H
#define WG_QUICK_FIREWALL_H

#include "base/vector.h"
#include "quick/plan/step.h"

/* The tool that can set rules for an interface of this name on this host. */
enum firewall_tool firewall_choose(const char *name);

/* Performs a firewall step, whose command the caller has traced; trace receives the commands for rules that another tool
 * has set. 0, or -errno with the reason in why[]. To add rules: -EOPNOTSUPP if the host lacks what it takes. */
must_check int firewall_perform(const struct plan *p, const struct step *s, struct text *trace, char why[256]);

/* Removes the rules of this interface name, no matter which program set them. 0, or -errno with the reason in why[]. */
must_check int firewall_remove_all(const char *name, struct text *trace, char why[256]);
/* Adds the names of all interfaces that have rules, each once. 0 or -errno: a tool that is installed
 * cannot list rules that the kernel may have. */
must_check int firewall_list_names(struct string_list *names);
/* True if there are rules of this interface name. */
bool firewall_exists(const char *name);
/* Appends the rules, as the tool prints them. 0 or -errno: they are not known. */
must_check int firewall_list(enum firewall_tool tool, const char *name, uint8_t family, struct text *out);

#endif
