/* UTF-8: decoding, and the columns that characters occupy in a terminal. */
#ifndef WG_UTF8_H
#define WG_UTF8_H

#include "span.h"

struct utf8_char {
	uint32_t code;
	uint8_t bytes; /* at least 1 */
	uint8_t width; /* columns of a terminal: 0 for combining characters, 2 for East Asian ones and emoji */
	/* False: not UTF-8 (RFC 3629), or a character that a terminal would execute, or that changes the order or the
	 * visibility of other characters. It is to be printed as '?'. */
	bool printable;
};
/* The character at offset i, which must be less than s.n. */
struct utf8_char utf8_at(struct span s, size_t i);

/* Moves an offset back to the start of the character that it is in. */
size_t utf8_start(struct span s, size_t i);

/* True if every character of the text is printable. */
must_check bool utf8_all_printable(struct span s);

/* The columns that the text occupies, with '?' for what is not printable. */
size_t utf8_width(struct span s);

#endif
