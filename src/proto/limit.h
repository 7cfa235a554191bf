/* Rate limit of handshake messages per source while under load: 20 per second with bursts of 5, for
 * each IPv4 address and each IPv6 /64 (whitepaper section 5.3; the numbers are those of the Linux
 * kernel). The table has a fixed size and is allocated at the first use; a source that was silent
 * for a second is evicted. Control half only. */
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
	uint32_t n, used;            /* entries in chains; entries ever in use */
	uint32_t free, oldest, newest; /* heads of lists; entry number (index + 1), 0: empty */
	struct mac_key secret;       /* keys the hash: an attacker cannot choose chains */
};

/* `secret` is random. Call it while the table is empty. */
void limit_set_secret(struct limit *l, const uint8_t secret[LIMIT_SECRET_BYTES]);

/* False: the source exceeds its rate, the table is full, or it could not be allocated. O(1) amortised. */
must_check bool limit_allows(struct limit *l, uint64_t now_ns, const struct ip_addr *from);
void limit_free(struct limit *l);

#endif
