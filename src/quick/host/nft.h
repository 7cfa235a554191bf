/* nftables, through libnftables, which is loaded when it is first needed, or the nft(8) program where it is missing. */
#ifndef WG_QUICK_NFT_H
#define WG_QUICK_NFT_H

#include "base/text.h"

bool nft_is_installed(void); /* the library or the program */
/* Runs commands as one transaction. *output (may be null) receives what they print, *why (may be null) the first
 * line of an error message. 0 or -errno. */
must_check int nft_run(const char *commands, struct text *output, char why[256]);

#endif
