/* The position of the policy rules of a default route among the rules of a host. The kernel evaluates rules by ascending
 * preference, and rules of one preference in the order in which they were added. A tunnel's rules belong after "local"
 * and after the rules of other programs, before "main", and before those of other tunnels. */
#ifndef WG_QUICK_POLICY_RULES_H
#define WG_QUICK_POLICY_RULES_H

#include "host_state.h"

/* The rules of a default route in the order in which they are to be added, with their preferences. Existing rules of
 * this tunnel (of this mark, or the mark of its interface) do not count. 0 or -ENOMEM. */
must_check int policy_rules_place(struct rules *out, const struct host_state *s, uint8_t family, uint32_t mark);
/* Appends the steps that add those which the host does not have. 0 or -ENOMEM. */
must_check int policy_rules_plan(struct plan *p, const struct host_state *s, const struct rules *wanted);

/* True when the default route with this mark has all of its rules, in positions where they have their effect. */
bool policy_rules_are_complete(const struct rules *r, uint8_t family, uint32_t mark);
/* Appends the rules of the tunnel with this mark, in the order in which they were added: that of rule_is_tunnel(), and
 * those directly before it. 0 or -ENOMEM. */
must_check int policy_rules_of_tunnel(struct rules *out, const struct rules *r, uint8_t family, uint32_t mark);
/* For a rule that tunnels have besides that of rule_is_tunnel(): false when another tunnel than that with this mark
 * needs it. */
bool policy_rule_is_free(const struct rules *r, const struct step_rule *rule, uint32_t mark);

bool rules_have(const struct rules *r, const struct step_rule *rule);
must_check int rules_copy(struct rules *out, const struct rules *r); /* 0 or -ENOMEM */
/* At the end, or where the kernel adds it; 0 or -ENOMEM. */
must_check int rules_append(struct rules *r, const struct step_rule *rule);
must_check int rules_insert(struct rules *r, const struct step_rule *rule);
void rules_remove(struct rules *r, const struct step_rule *rule);

#endif
