/* Edits the text of a tunnel file by section and key. Lines that are not edited stay as they are, and an edited line
 * keeps the spelling of its key and its comment. The text must be one that conf_read() accepts. */
#ifndef WG_QUICK_SECTION_EDITOR_H
#define WG_QUICK_SECTION_EDITOR_H

#include "sections.h"

struct section_editor {
	struct span *lines; /* of the original text, borrowed */
	size_t n_lines, cap_lines;
	struct sections sections;
	bool ends_in_newline;
	bool crlf;          /* lines end in "\r\n" */
	bool *deleted;      /* per line */
	bool *removed;      /* per line: deleted with its section */
	char **replaced;    /* per line: its new text, owned, or null */
	struct text *after; /* per line: new lines that follow it */
	struct text before_all, after_all; /* new sections */
	bool changed;
};

/* False: out of memory. section_editor_free() is needed in either case. */
must_check bool section_editor_init(struct section_editor *e, struct span text);
void section_editor_free(struct section_editor *e);
/* Appends the edited text. Called once. */
void section_editor_print(struct section_editor *e, struct text *out);

/* The last [Interface] section that has the key, whose value is the effective one; else the first; null: the
 * file has none. */
const struct section *section_editor_interface(const struct section_editor *e, const char *key);

/* Adds a line to a section, after its last setting; null: to a new section [Interface] at the beginning of the file.
 * False: out of memory. */
must_check bool section_editor_add(struct section_editor *e, const struct section *s, const char *key,
				   const char *value);
/* The same after another line of the section. */
must_check bool section_editor_add_after(struct section_editor *e, const struct section *s, size_t line, const char *key,
					 const char *value);
/* Sets the key of a section that has it, or deletes its lines where value is null. *found: it has the key. False: out of
 * memory. */
must_check bool section_editor_set(struct section_editor *e, const struct section *s, const char *key,
				   const char *value, bool *found);

void section_editor_remove_section(struct section_editor *e, const struct section *s);
/* Appends sections to the file, after a blank line. False: out of memory. */
must_check bool section_editor_append(struct section_editor *e, struct span sections);

/* Takes the next item off the front of a list's value. */
enum list_item { LIST_END, LIST_KEEP, LIST_DELETE };
typedef enum list_item list_filter(void *ctx, struct span *rest, struct span *item);

/* The line of a list to which more can be added: the last one that keeps items, else the last one. */
struct list_line {
	size_t line; /* the number of lines: there is no such line */
	struct span value;
	struct text items; /* those that it keeps */
};
/* Deletes items from all lines of a key in a section; lines of which no item is deleted stay as they are, and lines
 * of which every item is deleted are deleted. *last is initialised by list_line_none(), and may be passed for several
 * sections. False: out of memory. */
struct list_line list_line_none(const struct section_editor *e);
must_check bool section_editor_filter(struct section_editor *e, const struct section *s, const char *key,
				      list_filter *filter, void *ctx, struct list_line *last);
/* Writes last->items, to which items were added, to its line, also if that line was deleted. False: out of memory. */
must_check bool section_editor_set_items(struct section_editor *e, const struct list_line *last);

#endif
