/* libnftables, opened when it is first needed; and the nft program where the library is missing. */
#ifndef WG_QUICK_NFT_H
#define WG_QUICK_NFT_H

#include "base/text.h"

bool nft_is_here(void); /* as library or program */
/* Runs commands as one transaction; what they print goes to output (may be null). 0 or -errno;
 * *why (may be null) gets the first line of what went wrong. */
must_check int nft_run(const char *commands, struct text *output, char why[256]);

#endif
