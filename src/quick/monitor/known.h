/* The addresses and routes of the host that were already seen. Router advertisements and renewed DHCP leases prolong their
 * lifetimes, for which the kernel sends the same messages as for new ones; these are not changes of the network. */
#ifndef WG_QUICK_KNOWN_H
#define WG_QUICK_KNOWN_H

#include "base/base.h"

enum { KNOWN_MAX = 128 }; /* of more, those noted longest ago are discarded: then a refresh counts as a change */

/* A zeroed struct is empty. */
struct known {
	struct known_thing {
		uint64_t id;       /* equal for what replaces the thing */
		uint64_t contents; /* all of it but lifetimes */
		uint32_t link;
	} things[KNOWN_MAX];
	size_t n, next; /* next: to be replaced once it is full */
};

/* The host has the thing. False: that was known. replaces: and no other with this id. */
must_check bool known_note(struct known *k, const struct known_thing *t, bool replaces);
/* The host no longer has anything with this id. True: it had. */
bool known_forget(struct known *k, uint64_t id);
/* The kernel removes what belongs to a link, or to its addresses, without a message for each. */
void known_forget_link(struct known *k, uint32_t link);

#endif
