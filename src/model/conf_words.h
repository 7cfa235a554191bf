/* The words of tunnel files: sections, the keys of wg-quick(8), and what to say about a line that
 * is not understood. Private to this room. */
#ifndef WG_CONF_WORDS_H
#define WG_CONF_WORDS_H

#include "base/span.h"

/* The section line, blanks deleted, letters of either case. */
bool conf_is_section(struct span code, const char *section);

/* A line that is not understood (without comment), and what may be said about it. */
struct conf_wrong {
	struct span text;
	bool in_peer, in_section;
	bool takes_quick_keys; /* they are no strangers here: something else is wrong with it */
	/* filled by conf_explain */
	struct span shown; /* what may be printed of it: all, the key, or the null span */
	bool shows_all;
	bool may_be_public_key; /* or was to be one */
	const char *hint;  /* in the buffer or static; or null */
	char hint_text[160];
};
void conf_explain(struct conf_wrong *w, char *buffer, size_t size);

#endif
