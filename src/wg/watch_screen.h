/* Drawing of `wg watch`: lines of text of the terminal's width, and what keys do. Calls curses.h. */
#ifndef WG_WATCH_SCREEN_H
#define WG_WATCH_SCREEN_H

#include "watch_table.h"

enum watch_page { WATCH_PAGE_TABLE, WATCH_PAGE_PEER, WATCH_PAGE_HELP };

struct watch_screen {
	struct watch_table *table;
	const char *title;      /* "wg0", "all" */
	const char *problem;    /* shown in place of the key help; null: none */
	double interval_s;
	bool with_interface;    /* a column for it: several devices */
	bool utf8;
	enum watch_page page;
	enum watch_sort sort;
	bool paused, typing, quit;
	char filter[64];
	/* The selected peer, and the first one on the screen. */
	char interface[WG_NAME_MAX];
	struct wg_public key;
	size_t selected, top;
};

/* After a sample or a change of sort or filter: arranges the table, and finds the selected peer in it. False: out of
 * memory. */
must_check bool watch_screen_update(struct watch_screen *s);
void watch_screen_draw(struct watch_screen *s, uint64_t now_s);
/* One key or byte of curses_key(). False: out of memory. */
must_check bool watch_screen_key(struct watch_screen *s, int key);

/* Appends a text in exactly so many columns: cut or padded; what is not printable becomes '?'. */
void watch_cell(struct text *t, struct span s, size_t columns, bool right);

#endif
