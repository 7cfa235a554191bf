/* Detection of text that may be a key, so that it is not printed. Public through conf.h. */
#ifndef WG_SECRET_H
#define WG_SECRET_H

#include "base/span.h"

/* True if the text has so many consecutive base64 characters that they may be a key, or most of one. Blanks between
 * them do not count as a separation. */
bool text_may_be_key(struct span text);

#endif
