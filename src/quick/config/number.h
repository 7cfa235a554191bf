/* Numbers as ip(8) reads them. */
#ifndef WG_QUICK_NUMBER_H
#define WG_QUICK_NUMBER_H

#include "base/span.h"

/* strtoul(3) with base 0: decimal, octal after a leading "0", hexadecimal after "0x" or "0X". The whole text must be a
 * number, at most max. */
must_check bool number_parse(uint64_t *out, struct span text, uint64_t max);
/* True for a text that is another number in octal than in decimal, like 010. */
bool number_is_octal(struct span text);

#endif
