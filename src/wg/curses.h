/* The part of ncursesw (curses(3X)) that `wg watch` uses. The library is loaded at run time, so that `wg` starts as fast
 * and runs where it is not installed. */
#ifndef WG_CURSES_H
#define WG_CURSES_H

#include "base/span.h"

enum curses_key { /* what curses_key() returns besides bytes */
	CURSES_GONE = -2, /* the terminal was closed */
	CURSES_NONE = -1,
	CURSES_DOWN = 0402, CURSES_UP = 0403, CURSES_HOME = 0406, CURSES_BACKSPACE = 0407, CURSES_NEXT_PAGE = 0522,
	CURSES_PREVIOUS_PAGE = 0523, CURSES_ENTER = 0527, CURSES_END = 0550, CURSES_RESIZE = 0632,
};

enum curses_style { CURSES_NORMAL, CURSES_BOLD, CURSES_DIM, CURSES_REVERSE, CURSES_GREEN, CURSES_YELLOW, CURSES_RED };

/* Takes the terminal over; SIGHUP, SIGINT, SIGQUIT and SIGTERM give it back before they end the program. 0, -ENOENT (the
 * library is not installed), -ENOTTY, -EINVAL (an unknown TERM) or -ENOTSUP (a terminal without cursor addressing). */
must_check int curses_begin(bool colour);
void curses_end(void); /* gives it back; no effect before curses_begin() */

void curses_size(unsigned int *lines, unsigned int *columns);
/* Drawing begins with curses_clear() and ends with curses_show(). */
void curses_clear(void);
/* Writes a text in a style, and moves to the start of a line. The text must be printable and fit. */
void curses_move(unsigned int line, unsigned int column);
void curses_put(enum curses_style style, struct span text);
void curses_show(void);
/* The next key or byte, after at most so many milliseconds, CURSES_NONE or CURSES_GONE. */
int curses_key(int timeout_ms);

#endif
