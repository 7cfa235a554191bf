/* Edits the text of a tunnel file by section and key. Lines that are not edited stay as they are, and an edited line
 * keeps the spelling of its key and its comment. The text must be one that conf_read() accepts. */
#ifndef WG_QUICK_SECTION_EDITOR_H
#define WG_QUICK_SECTION_EDITOR_H

#include "base/key.h"
#include "base/vector.h"

struct section {
	size_t header, end;    /* line numbers from 0: of "[…]", and after the last line of the section */
	size_t comment;        /* the first of the comment lines directly above the header */
	bool is_peer;
	struct wg_public key;  /* of a peer */
};

struct section_editor {
	struct span *lines; /* of the original text, borrowed */
	size_t n_lines, cap_lines;
	struct section *sections;
	size_t n_sections, cap_sections;
	bool *deleted;      /* per line */
	char **replaced;    /* per line: its new text, owned, or null */
	struct text *after; /* per line: new lines that follow it; the last one is for the end of the file */
	bool changed;
};

/* False: out of memory. section_editor_free() is needed in either case. */
must_check bool section_editor_init(struct section_editor *e, struct span text);
void section_editor_free(struct section_editor *e);
/* Appends the edited text. */
void section_editor_print(const struct section_editor *e, struct text *out);

/* The last [Interface] section that has the key, whose value is the effective one; else the first; null: the
 * file has none. */
const struct section *section_editor_interface(const struct section_editor *e, const char *key);

/* Sets the key of a section; "" deletes it. False: out of memory. */
must_check bool section_editor_set(struct section_editor *e, const struct section *s, const char *key,
				   const char *value);
void section_editor_delete_section(struct section_editor *e, const struct section *s);

/* Takes the next item off the front of a list's value. */
enum list_item { LIST_END, LIST_KEEP, LIST_DELETE };
typedef enum list_item list_filter(void *ctx, struct span *rest, struct span *item);

/* The last line of a list that keeps items: where more can be added. */
struct list_line {
	size_t line; /* the number of lines: there is no such line */
	struct span value;
	struct text items;
};
/* Deletes items from all lines of a key in a section; lines of which no item is deleted stay as they are.
 * *last is initialised by list_line_none(), and may be passed for several sections. False: out of memory. */
struct list_line list_line_none(const struct section_editor *e);
must_check bool section_editor_filter(struct section_editor *e, const struct section *s, const char *key,
				      list_filter *filter, void *ctx, struct list_line *last);
/* Writes last->items, to which items were added, to its line. False: out of memory. */
must_check bool section_editor_set_items(struct section_editor *e, const struct list_line *last);

#endif
