/* Whether the firewall of the host drops a kind of packet, as far as the rules that nft(8) lists tell. Rules that cannot be
 * judged, such as those about addresses, limits and other chains, make the answer RULESET_UNKNOWN. Pure. */
#ifndef WG_QUICK_RULESET_H
#define WG_QUICK_RULESET_H

#include "base/text.h"

struct ruleset_packet {
	const char *hook;   /* "input", "forward" */
	const char *iif;    /* the interface that it arrives on; null: one that is not the tunnel's */
	const char *tunnel; /* the name of the tunnel's interface */
	uint16_t udp_port;  /* the destination; 0: any packet */
};

enum ruleset_verdict { RULESET_ACCEPTS, RULESET_DROPS, RULESET_UNKNOWN };

/* Of the first packet of a connection. */
enum ruleset_verdict ruleset_judge(struct span ruleset, const struct ruleset_packet *p);

#endif
