/* Names of routing tables in the text of iproute2's files, rt_tables and rt_tables.d/NAME.conf. */
#ifndef WG_QUICK_TABLE_NAME_H
#define WG_QUICK_TABLE_NAME_H

#include "base/span.h"

enum { TABLE_DEFAULT = 253, TABLE_MAIN = 254, TABLE_LOCAL = 255 };

/* The search for one name in several texts. */
struct table_search {
	struct span name;
	bool found;
	uint32_t number;
};
/* Begins with the tables that the kernel itself names. */
void table_search_begin(struct table_search *s, struct span name);
/* Continues with a text, in the order in which ip(8) reads them. Where a name has several numbers, ip(8) uses the one
 * with the lowest last eight bits, and of those the last one that it read. */
void table_search_text(struct table_search *s, struct span text);

#endif
