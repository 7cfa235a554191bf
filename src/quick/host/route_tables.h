/* Names of routing tables, from the files of iproute2. */
#ifndef WG_QUICK_ROUTE_TABLES_H
#define WG_QUICK_ROUTE_TABLES_H

#include "base/span.h"

/* The number of the table with this name; false: no file has it. */
bool route_table_by_name(uint32_t *number, struct span name);
/* The same with the files below another root folder. */
bool route_table_find(uint32_t *number, struct span name, const char *root);

#endif
