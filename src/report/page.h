/* Pages of several commands: lines "     label: text" and tables, aligned by the columns that texts occupy in a terminal. All
 * texts may be hostile: characters that control the terminal are printed as '?'. */
#ifndef WG_REPORT_PAGE_H
#define WG_REPORT_PAGE_H

#include "base/vector.h"
#include "terminal.h"

struct page {
	struct terminal t;
	unsigned int label_columns; /* the longest label */
};
/* Begins a line with a label, or "" for another line of the last one. */
void page_label(const struct page *p, const char *label);
void page_text(const struct page *p, enum terminal_style style, const char *text);

/* Cells, row by row. A zeroed struct with its number of columns is an empty table. */
struct page_table {
	unsigned int columns;
	struct string_list cells;
};
must_check bool page_table_add(struct page_table *t, struct span cell); /* false: out of memory */
/* Rows below the texts of labels, or for label_columns 0 at the margin; two blanks between columns. `styles`: of each column. */
void page_table_print(const struct page *p, const struct page_table *t, const enum terminal_style styles[]);
void page_table_free(struct page_table *t);

#endif
