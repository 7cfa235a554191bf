/* A strict parser of JSON (RFC 8259), independent of the emitter. */
#ifndef WG_TESTS_JSON_CHECK_H
#define WG_TESTS_JSON_CHECK_H

#include "base/span.h"

/* True if the text is one JSON value and a newline, valid UTF-8, without control characters other than line breaks and tabs
 * between values, and if no object has a key twice. */
bool json_is_valid(struct span text);

#endif
