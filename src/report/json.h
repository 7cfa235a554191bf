/* Writes JSON (RFC 8259) to a text buffer as it is produced, without a tree in memory. The output is always valid and safe to
 * print on a terminal: strings are escaped, bytes that are not UTF-8 become U+FFFD, and integers have all 64 bits. */
#ifndef WG_REPORT_JSON_H
#define WG_REPORT_JSON_H

#include "base/text.h"

enum { JSON_DEPTH_MAX = 16 };

struct json {
	struct text *out;
	bool one_line;                 /* without line breaks and indentation, for one document per line */
	unsigned int depth;            /* objects and arrays that are open */
	bool has_items[JSON_DEPTH_MAX + 1];
	bool is_array[JSON_DEPTH_MAX + 1];
};

/* A document is one value, with json_end() after it. `key` is the name of a member, and null for elements of an array and
 * for the document itself. A key may be any text, and is not to be repeated in its object. */
void json_begin(struct json *j, struct text *out, bool one_line);
void json_end(struct json *j); /* the newline after the document */

void json_open_object(struct json *j, const char *key);
void json_open_array(struct json *j, const char *key);
void json_close(struct json *j); /* the innermost object or array */

void json_string(struct json *j, const char *key, struct span value);
void json_u64(struct json *j, const char *key, uint64_t value);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);

#endif
