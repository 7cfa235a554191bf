/* The implementations of every primitive, and which of them are in use. */
#ifndef WG_CRYPTO_DISPATCH_H
#define WG_CRYPTO_DISPATCH_H

#include "crypto.h"

/* All tables, for the choice and for tests. Each is in order of preference and ends with the implementation that
 * needs no CPU feature. */
extern const struct crypto_impls crypto_tables;

/* What crypto_use() has set for this thread; else the first implementation of each table that crypto_features() allows, chosen
 * at the first such call, which must come before the process starts threads. */
const struct crypto_impls *crypto_impls(void);

/* The CPU features that implementations may use: those of the machine, within crypto_restrict(). */
uint32_t crypto_features(void);

#endif
