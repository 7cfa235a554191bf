/* The rate of handshake messages per source while under load: 20 a second, 5 at once, for each IPv4
 * address and each IPv6 /64 (whitepaper 5.3). The table is bounded; sources that were silent for a
 * second leave it. Memory is taken at the first use. */
#ifndef WG_LIMIT_H
#define WG_LIMIT_H

#include "base/addr.h"
#include "crypto/crypto.h"

enum {
	LIMIT_PER_S = 20,
	LIMIT_BURST = 5,
	LIMIT_ENTRIES_MAX = 32768,
	LIMIT_SECRET_BYTES = 32,
};

struct limit_entry;
struct limit { /* zeroed: empty, but without a secret */
	struct limit_entry *entries; /* owned */
	uint32_t *heads;             /* owned; hash chains */
	uint32_t n, used;            /* entries in chains; entries ever handed out */
	uint32_t free, oldest, newest;
	struct mac_key secret;       /* strangers must not choose their chain */
};

/* Random; while the table is empty. */
void limit_set_secret(struct limit *l, const uint8_t secret[LIMIT_SECRET_BYTES]);

/* False: too many from this source, or the table is full, or there is no memory for it. */
must_check bool limit_allows(struct limit *l, uint64_t now_ns, const struct ip_addr *from);
void limit_free(struct limit *l);

#endif
