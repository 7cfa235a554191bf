/* The tables of iptables in which the rules of a default route are, raw and mangle, and their chains. iptables-nft creates
 * them with the first rule, and does not delete them with the last. */
#ifndef WG_QUICK_FIREWALL_CHAINS_H
#define WG_QUICK_FIREWALL_CHAINS_H

#include "base/base.h"

/* False: neither iptables-nft nor iptables-legacy has one of the tables, so that there is no rule. */
bool firewall_chains_may_exist(uint8_t family);
/* Those tables and chains that iptables-nft would create, as in struct step_firewall; none if that is not known. */
uint8_t firewall_chains_missing(uint8_t family);
/* Deletes those of them that are empty, chains only if their policy is "accept". */
void firewall_chains_delete_empty(uint8_t family, uint8_t chains);

/* False as well if it is not known. */
bool firewall_chains_table_is_missing(uint8_t family, const char *table);
/* Deletes a table of iptables-nft if it has only chains without rules. */
void firewall_chains_delete_table(uint8_t family, const char *table);

#endif
