/* The journals of other tunnels in this network namespace. */
#ifndef WG_QUICK_OTHER_TUNNELS_H
#define WG_QUICK_OTHER_TUNNELS_H

#include "journal_data.h"
#include "quick/plan/host_state.h"

/* 1 when another tunnel uses the routing table, 0, or -errno if a journal that may be of one cannot be read. */
must_check int other_tunnel_uses_table(const struct journal *j, uint32_t table);
/* The same when another tunnel needs src_valid_mark; *before is its value before the first of them set it. */
must_check int other_tunnel_needs_sysctl(const struct journal *j, int *before);

/* Replaces *out by the kill switches of other tunnels. 0, or -errno if a journal cannot be read. */
must_check int other_tunnels_kill_switches(const struct journal *j, struct kill_switches *out);

/* Tables and chains of iptables-nft, as in struct step_firewall, that did not exist before another tunnel added rules. */
uint8_t other_tunnels_new_chains(const struct journal *j, uint8_t family);

/* The names that other journals have, also those of other namespaces. 0 or -errno. */
must_check int other_tunnels_names(struct string_list *out, const char *name);
/* Adds what all journals of this namespace have, also that of this tunnel. 0, or -errno if one cannot be read. */
must_check int journaled_tunnels(const struct journal *j, struct tunnels_in_use *out);

/* The names of the tunnels that have a journal in this namespace. 0 or -errno. */
must_check int journal_names(struct string_list *out);
/* The tunnel of a file in the journal folder that has this ending, "" or ".lock". False: it is another file, or of another
 * namespace. */
must_check bool journal_file_is_of(char name[WG_NAME_MAX], const char *file, const char *ending);

#endif
