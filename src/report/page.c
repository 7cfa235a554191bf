/* Alignment. */
#include "page.h"

#include "base/utf8.h"

static void blanks(struct text *t, size_t n)
{
	for (; n > 0; n--)
		text_char(t, ' ');
}

void page_label(const struct page *p, const char *label)
{
	size_t width = utf8_width(span_of(label));

	blanks(p->t.out, width < p->label_columns ? p->label_columns - width : 0);
	terminal_styled(&p->t, STYLE_BOLD, label);
	text_add(p->t.out, label[0] ? ": " : "  ");
}

void page_text(const struct page *p, enum terminal_style style, const char *text)
{
	if (style != STYLE_NONE)
		terminal_style(&p->t, style);
	terminal_plain(p->t.out, span_of(text));
	if (style != STYLE_NONE)
		terminal_style(&p->t, STYLE_NONE);
}

bool page_table_add(struct page_table *t, struct span cell)
{
	return string_list_add(&t->cells, cell);
}

static size_t column_width(const struct page_table *t, unsigned int column)
{
	size_t widest = 0;

	for (size_t i = column; i < t->cells.n; i += t->columns) {
		size_t width = utf8_width(span_of(t->cells.list[i]));
		widest = width > widest ? width : widest;
	}
	return widest;
}

/* No blanks at the end of a line: the cells after this one have no text. */
static bool is_last(const struct page_table *t, size_t i)
{
	for (size_t k = i + 1; k < t->cells.n && k % t->columns != 0; k++)
		if (t->cells.list[k][0])
			return false;
	return true;
}

void page_table_print(const struct page *p, const struct page_table *t, const enum terminal_style styles[])
{
	for (size_t i = 0; i < t->cells.n; i++) {
		unsigned int column = (unsigned int)(i % t->columns);
		size_t wide = column_width(t, column);
		if (column == 0)
			blanks(p->t.out, p->label_columns > 0 ? p->label_columns + 2 : 0);
		page_text(p, styles[column], t->cells.list[i]);
		if (is_last(t, i)) {
			text_char(p->t.out, '\n');
			i += t->columns - 1 - column;
		} else if (wide > 0) {
			blanks(p->t.out, wide - utf8_width(span_of(t->cells.list[i])) + 2);
		}
	}
}

void page_table_free(struct page_table *t)
{
	string_list_free(&t->cells);
}
